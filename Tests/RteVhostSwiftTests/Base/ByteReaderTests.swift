// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Base: byte reader")
struct ByteReaderTests {
    private let bytes = MessageBytes { UInt8(truncatingIfNeeded: $0 + 1) }

    @Test("words are little-endian and in order")
    func order() throws {
        var reader = ByteReader(bytes, count: 16)
        let first = try reader.u32()
        let second = try reader.u64()
        let rest = reader.remaining
        #expect(first == 0x0403_0201)
        #expect(second == 0x0c0b_0a09_0807_0605)
        #expect(rest == 4)
    }

    @Test("FrontendFault.malformed: a payload that ends within a word is refused, at every end")
    func pastTheEnd() {
        for count in 0...24 {
            var reader = ByteReader(bytes, count: count)
            var words = 0
            let error = fault { () throws(VhostError) in
                while true {
                    _ = try reader.u64()
                    words += 1
                }
            }
            #expect(error == .frontend(.malformed))
            #expect(words == count / 8)
            let rest = reader.remaining
            #expect(rest == count % 8)
            let short = fault { () throws(VhostError) in _ = try reader.u32() }
            #expect((short == nil) == (count % 8 >= 4))
        }
    }

    @Test("the last byte of 632 can be read")
    func whole() throws {
        var reader = ByteReader(bytes, count: 632)
        for _ in 0..<78 { _ = try reader.u64() }
        let last = try reader.u64()
        let rest = reader.remaining
        #expect(last >> 56 == 120)
        #expect(rest == 0)
    }
}
