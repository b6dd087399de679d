// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// The virtio-net header however a driver cuts it.
@Suite("Net: header and cursor")
struct NetHeaderTests {
    /// A list over consecutive guest bytes from `address` on, cut into these lengths.
    private static func list(
        _ mock: MockMemory, _ address: UInt64, _ lengths: [Int]
    ) throws -> SegmentList {
        var list = try SegmentList(ringSize: 256)
        var place = address
        for length in lengths {
            // A byte between the pieces, so that they do not lie in a row by chance.
            try list.append(
                GuestAddress(rawValue: place), byteCount: UInt32(length), in: mock.memory)
            place += UInt64(length) + 1
        }
        return list
    }

    /// Bytes of the pieces as the guest reads them.
    private static func bytes(_ mock: MockMemory, _ address: UInt64, _ lengths: [Int]) -> [UInt8] {
        var place = address
        return lengths.flatMap { length in
            defer { place += UInt64(length) + 1 }
            return mock.read(length, at: place)
        }
    }

    /// All ways to cut 16 bytes in up to four pieces.
    private static let cuts: [[Int]] = {
        var all: [[Int]] = [[16], [Int](repeating: 1, count: 16)]
        for first in 1..<16 {
            all.append([first, 16 - first])
            for second in (first + 1)..<max(first + 1, 16) {
                all.append([first, second - first, 16 - second])
                for third in (second + 1)..<max(second + 1, 16) {
                    all.append([first, second - first, third - second, 16 - third])
                }
            }
        }
        return all
    }()

    private static let pattern = (0..<16).map { UInt8($0 * 15 + 3) }

    @Test("a header is read the same at every cut")
    func load() throws {
        let mock = try MockMemory([(guest: 0x1000, byteCount: 0x1000)])
        for lengths in Self.cuts {
            var place: UInt64 = 0x1000
            var rest = Self.pattern[...]
            for length in lengths {
                mock.write(Array(rest.prefix(length)), at: place)
                rest = rest.dropFirst(length)
                place += UInt64(length) + 1
            }
            let list = try Self.list(mock, 0x1000, lengths)
            let header = list.loadHeader()
            var first: UInt64 = 0
            for index in 0..<8 { first |= UInt64(Self.pattern[index]) << UInt64(8 * index) }
            #expect(header.first == first)
            let offset = UInt16(Self.pattern[8]) | UInt16(Self.pattern[9]) << 8
            #expect(header.checksumOffset == offset)
            #expect(header.flags == Self.pattern[0])
            #expect(header.segmentationType == Self.pattern[1])
        }
    }

    @Test("a header is written the same at every cut, 10 and 12 bytes and not one more")
    func store() throws {
        let mock = try MockMemory([(guest: 0x1000, byteCount: 0x1000)])
        var header = NetHeader()
        header.first = 0x0807_0605_0403_0201
        header.checksumOffset = 0x0a09
        header.bufferCount = 0x0c0b
        for lengths in Self.cuts {
            for byteCount in [10, 12] {
                mock.write([UInt8](repeating: 0xee, count: 40), at: 0x1000)
                let list = try Self.list(mock, 0x1000, lengths)
                list.storeHeader(header, byteCount: byteCount)
                let found = Self.bytes(mock, 0x1000, lengths)
                let expected = (1...16).map { $0 <= byteCount ? UInt8($0) : 0xee }
                #expect(found == expected)
                let total = lengths.count + 16
                #expect(mock.load(0x1000 + UInt64(total), as: UInt8.self) == 0xee)
            }
        }
    }

    @Test("a cursor gives every byte behind the header once, in order, for every cut and limit")
    func cursor() throws {
        let mock = try MockMemory([(guest: 0x1000, byteCount: 0x1000)])
        for lengths in Self.cuts {
            let list = try Self.list(mock, 0x1000, lengths)
            var places: [UInt64] = []
            var place: UInt64 = 0x1000
            for length in lengths {
                places += (0..<length).map { place + UInt64($0) }
                place += UInt64(length) + 1
            }
            for skipped in [0, 1, 10, 12, 15, 16] {
                for limit in [1, 2, 5, 100] {
                    var cursor = GuestCursor(list, skipping: skipped)
                    var found: [UInt64] = []
                    while let piece = cursor.next(limit: limit) {
                        guard piece.count > 0, piece.count <= limit else { break }
                        let start = mock.address(of: piece)!
                        found += (0..<piece.count).map { start + UInt64($0) }
                    }
                    #expect(found == Array(places.dropFirst(skipped)))
                }
            }
        }
    }
}
