// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc
import Testing

@testable import RteVhostSwift

@Suite("Memory: dirty log")
struct DirtyLogTests {
    private static let page: UInt64 = 4096

    /// A log of `byteCount` bytes at `offset` of a file, and the file as the frontend sees it.
    private struct Log: ~Copyable {
        let mapping: DirtyLogMapping
        let bytes: UnsafeMutablePointer<UInt8>
        let fileBytes: Int
        let offset: Int

        private init(
            _ mapping: consuming DirtyLogMapping, _ view: UnsafeMutableRawPointer, offset: Int
        ) {
            bytes = view.assumingMemoryBound(to: UInt8.self)
            fileBytes = mapping.byteCount + offset
            self.offset = offset
            self.mapping = mapping
        }

        static func make(byteCount: Int, offset: Int = 0) throws -> Log {
            let total = byteCount + offset
            let file = try MockMemory.makeFile(byteCount: total)
            let view = try #require(mmap(nil, total, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0))
            let mapping = try DirtyLogMapping(
                size: UInt64(byteCount), offset: UInt64(offset), file: FileDescriptor(owning: file))
            return Log(mapping, view, offset: offset)
        }

        deinit { munmap(bytes, fileBytes) }

        /// Pages that are marked, which then are not.
        func take() -> [UInt64] {
            var pages: [UInt64] = []
            for byte in 0..<fileBytes where bytes[byte] != 0 {
                for bit in 0..<8 where bytes[byte] >> UInt8(bit) & 1 != 0 {
                    pages.append(UInt64((byte - offset) * 8 + bit))
                }
                bytes[byte] = 0
            }
            return pages
        }
    }

    @Test("one bit a page, for every range within a few bytes of the log")
    func ranges() throws {
        let log = try Log.make(byteCount: 8)
        let handle = log.mapping.handle(event: -1)
        for first in 0..<UInt64(64) {
            for count in 1...UInt64(64) {
                let address = GuestAddress(rawValue: first * Self.page + first % 7)
                handle.mark(address, count: count * Self.page - 6)
                let last = (address.rawValue + count * Self.page - 7) / Self.page
                #expect(log.take() == Array(first...max(first, min(last, 63))))
            }
        }
        handle.mark(GuestAddress(rawValue: 4095), count: 2)
        #expect(log.take() == [0, 1])
        handle.mark(GuestAddress(rawValue: 4096), count: 4096)
        #expect(log.take() == [1])
        handle.mark(GuestAddress(rawValue: 4096), count: 0)
        #expect(log.take() == [])
    }

    @Test("pages that the log does not have are left out, whatever wraps")
    func bounds() throws {
        let log = try Log.make(byteCount: 3, offset: 5)
        let handle = log.mapping.handle(event: -1)
        let end = 24 * Self.page
        for address in [end, end + 1, UInt64.max, UInt64.max - 5000, 1 << 63] {
            for count in [1, 4096, 1 << 40, UInt64.max - 1, UInt64.max] {
                handle.mark(GuestAddress(rawValue: address), count: count)
            }
        }
        #expect(log.take() == [])
        handle.mark(GuestAddress(rawValue: end - 1), count: UInt64.max)
        #expect(log.take() == [23])
        handle.mark(GuestAddress(rawValue: 0), count: UInt64.max)
        #expect(log.take() == Array(0..<24))
        DirtyLog.none.mark(GuestAddress(rawValue: 0), count: UInt64.max)
        #expect(DirtyLog.none.address == 0 && DirtyLog.none.byteCount == 0)
    }

    @Test("bits that others set stay")
    func others() throws {
        let log = try Log.make(byteCount: 2)
        log.bytes[0] = 0b1010_0101
        log.mapping.handle(event: -1).mark(GuestAddress(rawValue: 3 * 4096), count: 8192)
        #expect(log.take() == [0, 2, 3, 4, 5, 7])
    }

    @Test("host bytes are found in the region that maps them, over regions that lie side by side")
    func reverse() throws {
        let mock = try MockMemory(
            [(guest: 0x8000, byteCount: 0x3000), (guest: 0x20_0000, byteCount: 0x2000)],
            fileOffset: 0x1000)
        let log = try Log.make(byteCount: 4096)
        let handle = log.mapping.handle(event: -1)
        let memory = mock.memory
        func marks(_ address: UInt64, _ count: Int) throws -> [UInt64] {
            let slice = try #require(
                memory.slice(at: GuestAddress(rawValue: address), count: count))
            handle.mark(slice, in: memory)
            return log.take()
        }
        #expect(try marks(0x8000, 1) == [8])
        #expect(try marks(0x8fff, 2) == [8, 9])
        #expect(try marks(0xa000, 0x1000) == [10])
        #expect(try marks(0x20_0800, 0x1000) == [0x200, 0x201])
        let last = try #require(memory.slice(at: GuestAddress(rawValue: 0x20_1fff), count: 1))
        let run = try #require(memory.guestRun(last))
        #expect(run.address == GuestAddress(rawValue: 0x20_1fff) && run.count == 1)
        // Bytes of nobody's: the mapping of a file begins before its region.
        let before = try Self.slice(before: last, by: 0x2001)
        #expect(memory.guestRun(before) == nil)
        handle.mark(before, in: memory)
        handle.mark(.empty, in: memory)
        #expect(log.take() == [])
    }

    private static func slice(before slice: GuestSlice, by count: Int) throws -> GuestSlice {
        GuestSlice(proven: slice.base - count, count: 1)
    }

    @Test("FrontendFault.badValue: areas that wrap or that the file does not have")
    func areas() throws {
        func make(_ size: UInt64, _ offset: UInt64, fileBytes: Int = 4096) throws -> VhostError? {
            let file = try MockMemory.makeFile(byteCount: fileBytes)
            return fault { () throws(VhostError) in
                _ = try DirtyLogMapping(
                    size: size, offset: offset, file: FileDescriptor(owning: file))
            }
        }
        let bad = VhostError.frontend(.badValue)
        #expect(try make(4096, 0) == nil)
        #expect(try make(1, 4095) == nil)
        #expect(try make(0, 0) == bad)
        #expect(try make(0, 4096) == bad)
        #expect(try make(4097, 0) == bad)
        #expect(try make(4096, 1) == bad)
        #expect(try make(UInt64.max, 1) == bad)
        #expect(try make(2, UInt64.max) == bad)
        #expect(try make(UInt64.max, UInt64.max) == bad)
        #expect(try make(1 << 41, 0, fileBytes: 1 << 42) == bad)
    }

    @Test("a log covers memory when it has a bit for the last byte")
    func covers() throws {
        let mock = try MockMemory([
            (guest: 0x1000, byteCount: 0x1000), (guest: 0x7000, byteCount: 1),
        ])
        let one = try Log.make(byteCount: 1)
        let covers = one.mapping.covers(mock.memory)
        #expect(covers)
        let above = try MockMemory([(guest: 0x7000, byteCount: 0x1001)])
        let two = try Log.make(byteCount: 2)
        let (small, large) = (one.mapping.covers(above.memory), two.mapping.covers(above.memory))
        #expect(!small && large)
        let top = try MockMemory([(guest: UInt64.max - 0x1000, byteCount: 0x1000)])
        let never = two.mapping.covers(top.memory)
        #expect(!never)
    }
}
