// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// A frontend's file, mapped from its first byte on for both sides to write. A frontend that cuts
/// the file short is found out by `MemoryGuard`; unmapped when its owner lets go.
@safe
struct SharedMapping: ~Copyable {
    /// First byte of the file.
    let start: UnsafeMutableRawPointer
    /// Bytes mapped, a multiple of the file's page size.
    let byteCount: Int
    /// Where a fault in the mapping is noted.
    let guardSlot: UInt32
    /// Where a DMA engine finds its pages.
    let frames: PageFrames

    /// Maps the file's first `end` bytes. Throws `badValue` when it does not have them, `slowFile`,
    /// `system` when mmap fails, `limitReached`.
    init(_ file: borrowing FileDescriptor, end: UInt64) throws(VhostError) {
        let byteCount = try Self.size(of: file, end: end)
        try Self.book(byteCount)
        // SAFETY: a new shared mapping of a file; nothing of this process lies there.
        let mapping = unsafe mmap(
            nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file.number, 0)
        guard let mapping = unsafe mapping, unsafe mapping != crte_map_failed() else {
            Self.mapped.subtract(UInt64(byteCount), ordering: .relaxed)
            throw .system(crte_errno())
        }
        let start = UInt(bitPattern: mapping)
        do throws(VhostError) {
            guardSlot = try MemoryGuard.add(start: start, end: start + UInt(byteCount))
        } catch {
            Self.mapped.subtract(UInt64(byteCount), ordering: .relaxed)
            unsafe munmap(mapping, byteCount)
            throw error
        }
        frames = PageFrames(start: start, byteCount: byteCount)
        unsafe self.start = mapping
        self.byteCount = byteCount
    }

    deinit {
        MemoryGuard.remove(guardSlot)
        Self.mapped.subtract(UInt64(byteCount), ordering: .relaxed)
        // SAFETY: init made the mapping; whoever had its address is gone by now.
        unsafe munmap(start, byteCount)
    }

    /// True when the file was cut short under the mapping.
    var isBroken: Bool { MemoryGuard.isBroken(guardSlot) }

    /// Bytes that all mappings of the process may have: three quarters of what x86-64 has, so that
    /// frontends cannot take the address space from the application.
    private static let limit: UInt64 = 96 << 40
    private static let mapped = Atomic<UInt64>(0)

    /// Books bytes. Throws `limitReached` when the process has mapped too much.
    private static func book(_ byteCount: Int) throws(VhostError) {
        let total = mapped.add(UInt64(byteCount), ordering: .relaxed).newValue
        guard total > limit else { return }
        mapped.subtract(UInt64(byteCount), ordering: .relaxed)
        throw .limitReached
    }

    /// Bytes to map. A file that is too short would raise SIGBUS at the first touch, so it is
    /// refused; memory whose size fstat does not tell (a device) is taken at its word.
    private static func size(
        of file: borrowing FileDescriptor, end: UInt64
    ) throws(VhostError) -> Int {
        guard end > 0, end < 1 << 47 else { throw .frontend(.badValue) }
        try FileInquiry.check(file)
        var status = stat()
        // SAFETY: the structure lives through the call.
        _ = unsafe try System.check(fstat(file.number, &status))
        let isFile = status.st_mode & 0o170000 == 0o100000
        guard !isFile || UInt64(max(0, status.st_size)) >= end else { throw .frontend(.badValue) }
        // DPDK 21.08: mmap of huge pages wants a length in whole pages, st_blksize tells their
        // size.
        let page = UInt64(max(4096, status.st_blksize))
        guard page.nonzeroBitCount == 1, page <= 1 << 34 else { throw .frontend(.badValue) }
        return Int((end + page - 1) & ~(page - 1))
    }
}
