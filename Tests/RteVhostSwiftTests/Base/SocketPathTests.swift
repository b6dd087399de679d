// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Base: socket path")
struct SocketPathTests {
    @Test("lengths 1 to 107 are paths; 0, 108, NULL are none", arguments: 0...120)
    func lengths(count: Int) {
        let text = String(repeating: "x", count: count)
        let path = SocketPath(text)
        #expect((path != nil) == (count >= 1 && count <= 107))
        #expect(SocketPath(nil) == nil)
        guard let path else { return }
        #expect(path.count == count)
        #expect(path[count - 1] == UInt8(ascii: "x"))
        #expect(path[count] == 0)
        let address = path.address
        withUnsafeBytes(of: address.sun_path) { bytes in
            #expect(bytes[count - 1] == UInt8(ascii: "x"))
            #expect(bytes[count] == 0)
        }
    }

    @Test("equality compares length and bytes")
    func equality() {
        #expect(SocketPath("/a/b")! == SocketPath("/a/b")!)
        #expect(SocketPath("/a/b")! != SocketPath("/a/c")!)
        #expect(SocketPath("/a/b")! != SocketPath("/a/bc")!)
        #expect(SocketPath() != SocketPath("/")!)
    }

    @Test("writing cuts to the buffer, with its closing zero, and touches nothing behind")
    func writing() {
        let path = SocketPath("/run/vhost0")!
        for size in 0...16 {
            var buffer = [CChar](repeating: 0x55, count: 20)
            buffer.withUnsafeMutableBufferPointer { path.write(to: $0.baseAddress!, size: size) }
            let written = min(size, 12)
            for index in 0..<20 {
                let expected: CChar
                if index >= written {
                    expected = 0x55
                } else {
                    expected = index == written - 1 ? 0 : CChar(bitPattern: path[index])
                }
                #expect(buffer[index] == expected)
            }
        }
    }
}
