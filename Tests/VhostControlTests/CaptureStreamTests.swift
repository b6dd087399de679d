// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import VhostControl

/// What a process sends to one who captures.
@Suite struct CaptureStreamTests {
    private static func record(_ bytes: [UInt8], length: Int, lost: UInt64 = 0) -> [UInt8] {
        let words: [UInt64] = [
            UInt64(bytes.count) | UInt64(length) << 32, 7, lost, 0x0022_0400_0036_0401, 16,
        ]
        let head = words.flatMap { word in (0..<8).map { UInt8(word >> (8 * $0) & 0xff) } }
        return head + bytes + [UInt8](repeating: 0xee, count: (8 - bytes.count % 8) % 8)
    }

    private static var end: [UInt8] {
        [UInt8](repeating: 0xff, count: 4) + [UInt8](repeating: 0, count: 12) + [9]
            + [UInt8](repeating: 0, count: 23)
    }

    @Test(arguments: [1, 3, 7, 40, 1000])
    func piecesAreTheSameHoweverTheyAreCut(_ size: Int) throws {
        let bytes =
            Array("{\"a\":1}\n".utf8) + Self.record([1, 2, 3], length: 60)
            + Self.record([], length: 0)
            + Self.record([4, 5, 6, 7, 8, 9, 10, 11], length: 8, lost: 5)
            + Self.end
        var stream = CaptureStream()
        var pieces: [CaptureStream.Piece] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            stream.append(bytes[start..<min(start + size, bytes.count)])
            while let piece = try stream.next() { pieces.append(piece) }
        }
        #expect(pieces.count == 5)
        #expect(pieces.first == .head("{\"a\":1}\n"))
        guard case .packet(let first) = pieces[1], case .packet(let last) = pieces[3] else {
            Issue.record("no packets")
            return
        }
        #expect(first.bytes == [1, 2, 3] && first.byteCount == 60 && first.time == 7)
        #expect(last.bytes == [4, 5, 6, 7, 8, 9, 10, 11] && last.lost == 5)
        #expect(pieces[4] == .end(lost: 9))
    }

    @Test func aPacketThatIsTooLongIsNone() throws {
        var stream = CaptureStream()
        stream.append((Array("{}\n".utf8) + [0, 0, 8, 0] + [UInt8](repeating: 0, count: 36))[...])
        _ = try stream.next()
        #expect(throws: ControlFault.self) { try stream.next() }
    }

    @Test func theHeaderIsSaid() throws {
        let header = VirtioNetHeader(0x0022_05a8_0036_0101, 16)
        let words =
            "virtio-net flags=1 gso_type=1(TCPv4) hdr_len=54 gso_size=1448"
            + " csum_start=34 csum_offset=16"
        #expect(header.comment == words)
    }
}
