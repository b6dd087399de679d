// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Memory: dirty log of a burst")
struct DirtyPagesTests {
    /// Two logs of three regions, of which two lie side by side, and one so far behind them that
    /// its pages want the places of theirs: one marked write by write, one in bursts.
    private final class Logs {
        static let pages = 192
        let guest: MockMemory
        private let bytes: [UnsafeMutablePointer<UInt8>]

        init() throws {
            guest = try MockMemory([
                (guest: 0, byteCount: 8 * 4096), (guest: 8 * 4096, byteCount: 8 * 4096),
                (guest: 128 * 4096, byteCount: 16 * 4096),
            ])
            bytes = (0..<2).map { _ in
                let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: Self.pages / 8)
                bytes.initialize(repeating: 0, count: Self.pages / 8)
                return bytes
            }
        }

        deinit { bytes.forEach { $0.deallocate() } }

        func log(_ index: Int) -> DirtyLog {
            DirtyLog(proven: bytes[index], byteCount: Self.pages / 8, event: -1)
        }

        /// Pages that are marked, which then are not.
        func take(_ index: Int) -> [Int] {
            let log = bytes[index]
            let pages = (0..<Self.pages).filter { log[$0 / 8] >> UInt8($0 % 8) & 1 != 0 }
            log.update(repeating: 0, count: Self.pages / 8)
            return pages
        }
    }

    @Test("bursts mark what single writes mark, in any order and over regions")
    func random() throws {
        let logs = try Logs()
        var random = FixedRandom(seed: 8)
        for _ in 0..<3000 {
            var (pages, run) = (DirtyPages(), DirtyRun())
            for _ in 0..<Int.random(in: 0..<12, using: &random) {
                let area = logs.guest.areas.randomElement(using: &random)!
                let offset = Int.random(in: 0..<area.byteCount, using: &random)
                let count = min(
                    [0, 1, 12, 1518, 9000, 40_000].randomElement(using: &random)!,
                    area.byteCount - offset)
                let address = GuestAddress(rawValue: area.guest + UInt64(offset))
                guard let slice = logs.guest.memory.slice(at: address, count: count) else {
                    continue
                }
                logs.log(0).mark(slice, in: logs.guest.memory)
                run.add(slice, logs.log(1), logs.guest.memory, to: &pages)
            }
            run.end(logs.log(1), to: &pages)
            pages.end(logs.log(1))
            try #require(logs.take(1) == logs.take(0))
        }
    }

    @Test("bytes of no region mark nothing; a burst without log marks nothing")
    func strangers() throws {
        let logs = try Logs()
        let other = try MockMemory([(guest: 0, byteCount: 4096)])
        let slice = try #require(
            other.memory.slice(at: GuestAddress(rawValue: 0), count: 4096))
        var (pages, run) = (DirtyPages(), DirtyRun())
        run.add(slice, logs.log(1), logs.guest.memory, to: &pages)
        run.end(logs.log(1), to: &pages)
        pages.end(logs.log(1))
        #expect(logs.take(1) == [])
        var (none, writes) = (DirtyPages(), DirtyRun())
        writes.add(slice, DirtyLog.none, other.memory, to: &none)
        writes.end(DirtyLog.none, to: &none)
        none.end(DirtyLog.none)
    }
}
