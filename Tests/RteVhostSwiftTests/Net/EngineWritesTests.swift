// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Net: what a DMA engine writes")
struct EngineWritesTests {
    private let guest: MockMemory
    private let log: UnsafeMutablePointer<UInt8>
    private let handle: DirtyLog
    private static let pages = 64

    init() throws {
        guest = try MockMemory([(guest: 0, byteCount: Self.pages * 4096)])
        log = .allocate(capacity: Self.pages / 8)
        log.initialize(repeating: 0, count: Self.pages / 8)
        handle = DirtyLog(proven: log, byteCount: Self.pages / 8, event: -1)
    }

    /// Pages that are marked, which then are not.
    private func take() -> [Int] {
        let pages = (0..<Self.pages).filter { log[$0 / 8] >> UInt8($0 % 8) & 1 != 0 }
        log.update(repeating: 0, count: Self.pages / 8)
        return pages
    }

    /// A packet with a page of its own for each buffer.
    private func segments(_ pages: [Int]) throws -> SegmentList {
        var list = try SegmentList(ringSize: 256)
        for page in pages {
            try list.append(
                GuestAddress(rawValue: UInt64(page * 4096)), byteCount: 100, in: guest.memory)
        }
        return list
    }

    @Test("packets come back in order, each with its buffers up to its length")
    func order() throws {
        var writes = try EngineWrites(capacity: 16)
        for packet in 0..<40 {
            let first = packet % 20 * 3
            let isAdded = writes.add(
                try segments([first, first + 1, first + 2]), byteCount: 100 + packet % 2)
            #expect(isAdded)
            writes.finish(1, in: handle, guest.memory)
            #expect(take() == (packet % 2 == 0 ? [first] : [first, first + 1]))
        }
    }

    @Test("the last ones are taken back; what is asked for beyond is nothing")
    func takeBack() throws {
        var writes = try EngineWrites(capacity: 16)
        for packet in 0..<5 {
            let isAdded = writes.add(try segments([packet * 2, packet * 2 + 1]), byteCount: 200)
            #expect(isAdded)
        }
        writes.removeLast(2)
        writes.finish(1, in: handle, guest.memory)
        #expect(take() == [0, 1])
        writes.finish(9, in: handle, guest.memory)
        #expect(take() == [2, 3, 4, 5])
        writes.removeLast(3)
        writes.finish(1, in: handle, guest.memory)
        #expect(take() == [])
        _ = writes.add(try segments([7]), byteCount: 1)
        writes.removeAll()
        writes.finish(1, in: handle, guest.memory)
        #expect(take() == [])
    }

    @Test("without room nothing is added, and nothing is forgotten")
    func room() throws {
        var writes = try EngineWrites(capacity: 5)
        let three = try segments([1, 2, 3])
        let first = writes.add(three, byteCount: 300)
        let second = writes.add(three, byteCount: 300)
        #expect(first && !second)
        let fits = writes.add(try segments([4, 5]), byteCount: 200)
        let full = writes.add(try segments([6]), byteCount: 1)
        #expect(fits && !full)
        writes.finish(2, in: handle, guest.memory)
        #expect(take() == [1, 2, 3, 4, 5])
        var none = try EngineWrites(capacity: 0)
        let isAdded = none.add(try segments([6]), byteCount: 1)
        #expect(!isAdded)
    }
}
