// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Ring: segment list")
struct SegmentListTests {
    @Test("ChainFault.tooLong: more pieces than the list has, for every size of ring")
    func tooLong() throws {
        let mock = try MockMemory([(guest: 0x1000, byteCount: 0x1000)])
        for (size, capacity) in [(0, 0), (1, 264), (256, 264), (512, 520), (32_768, 1032)] {
            var list = try SegmentList(ringSize: size)
            var added = 0
            let error = chainFault { () throws(ChainFault) in
                while true {
                    try list.append(
                        GuestAddress(rawValue: 0x1000), byteCount: 3, in: mock.memory)
                    added += 1
                }
            }
            #expect(error == .tooLong)
            #expect(added == capacity)
            let bytes = list.byteCount
            #expect(bytes == UInt64(3 * capacity))
            list.removeAll()
            let rest = (list.count, list.byteCount)
            #expect(rest.0 == 0 && rest.1 == 0)
        }
    }

    @Test("a buffer over regions that touch is one slice in each, in order")
    func crossing() throws {
        let mock = try MockMemory([
            (guest: 0x3000, byteCount: 0x1000), (guest: 0x1000, byteCount: 0x1000),
            (guest: 0x2000, byteCount: 0x1000),
        ])
        var list = try SegmentList(ringSize: 256)
        try list.append(GuestAddress(rawValue: 0x1800), byteCount: 0x2000, in: mock.memory)
        let counts = (0..<list.count).map { list[$0].count }
        let places = (0..<list.count).map { mock.address(of: list[$0]) }
        #expect(counts == [0x800, 0x1000, 0x800])
        #expect(places == [0x1800, 0x2000, 0x3000])
    }

    @Test("ChainFault.unmapped: a buffer that begins or ends outside, or wraps")
    func unmapped() throws {
        let mock = try MockMemory([
            (guest: 0x1000, byteCount: 0x1000), (guest: UInt64.max - 0xfff, byteCount: 0xfff),
        ])
        let cases: [(UInt64, UInt32, ChainFault?)] = [
            (0x1000, 0x1000, nil), (0xfff, 2, .unmapped), (0x1000, 0x1001, .unmapped),
            (0x2000, 1, .unmapped), (0x1fff, UInt32.max, .unmapped), (0, 0, nil),
            (UInt64.max - 0xfff, 0xfff, nil), (UInt64.max - 0xfff, 0x1000, .unmapped),
            (UInt64.max, 1, .unmapped), (UInt64.max - 1, UInt32.max, .unmapped),
        ]
        for (address, count, expected) in cases {
            var list = try SegmentList(ringSize: 256)
            let error = chainFault { () throws(ChainFault) in
                try list.append(
                    GuestAddress(rawValue: address), byteCount: count, in: mock.memory)
            }
            #expect(error == expected)
        }
    }

    @Test("zero bytes add nothing, wherever they lie, but each costs a descriptor")
    func zero() throws {
        let mock = try MockMemory([(guest: 0x1000, byteCount: 0x1000)])
        var list = try SegmentList(ringSize: 256)
        let nowhere = GuestAddress(rawValue: 0xdead_0000)
        for _ in 0..<256 + GuestMemory.maximumRegionCount {
            try list.append(nowhere, byteCount: 0, in: mock.memory)
        }
        #expect(throws: ChainFault.tooLong) {
            try list.append(nowhere, byteCount: 0, in: mock.memory)
        }
        let count = list.count
        #expect(count == 0)
    }
}
