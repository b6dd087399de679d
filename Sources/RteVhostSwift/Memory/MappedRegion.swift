// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// One region of the frontend's memory table, mapped; unmapped when its owner lets go.
@safe
struct MappedRegion: ~Copyable {
    /// What the frontend said of a region.
    struct Description {
        /// Guest-physical address of the first byte.
        var guest: GuestAddress
        /// Number of bytes.
        var byteCount: UInt64
        /// The frontend's own address of the first byte.
        var frontend: FrontendAddress
        /// Where in the file the region begins.
        var fileOffset: UInt64
    }

    /// What the frontend said.
    let description: Description
    /// The file; stays open because `rte_vhost_get_mem_table` hands its number out.
    let file: FileDescriptor
    /// The whole mapping, which begins at offset 0 of the file, as DPDK's does.
    let mapping: UnsafeMutableRawPointer
    /// Bytes mapped, a multiple of the file's page size.
    let mappingByteCount: Int

    /// Where a fault in the mapping is noted.
    let guardSlot: UInt32

    /// Maps a region. Throws `badValue` for a description that no file can satisfy, `system` when
    /// mmap fails.
    init(_ description: Description, file: consuming FileDescriptor) throws(VhostError) {
        let mappingByteCount = try Self.mappingSize(of: description, file: file)
        try Self.book(mappingByteCount)
        // SAFETY: a new shared mapping of a file; nothing of this process lies there.
        let mapping = unsafe mmap(
            nil, mappingByteCount, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
            file.number, 0)
        guard let mapping = unsafe mapping, unsafe mapping != crte_map_failed() else {
            Self.mapped.subtract(UInt64(mappingByteCount), ordering: .relaxed)
            throw .system(crte_errno())
        }
        let start = UInt(bitPattern: mapping)
        do throws(VhostError) {
            guardSlot = try MemoryGuard.add(start: start, end: start + UInt(mappingByteCount))
        } catch {
            Self.mapped.subtract(UInt64(mappingByteCount), ordering: .relaxed)
            unsafe munmap(mapping, mappingByteCount)
            throw error
        }
        self.description = description
        self.file = file
        unsafe self.mapping = mapping
        self.mappingByteCount = mappingByteCount
    }

    /// Bytes that all regions of the process may map: three quarters of what x86-64 has, so that
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

    deinit {
        MemoryGuard.remove(guardSlot)
        Self.mapped.subtract(UInt64(mappingByteCount), ordering: .relaxed)
        // SAFETY: init made the mapping; nobody translates through a table that is gone.
        unsafe munmap(mapping, mappingByteCount)
    }

    /// Host address of the region's first byte.
    var host: UnsafeMutableRawPointer {
        // SAFETY: init checked that offset + size lies in the mapping.
        unsafe mapping + Int(description.fileOffset)
    }

    /// Bytes to map. A file shorter than its region would raise SIGBUS at the first touch, so it is
    /// refused; memory whose size fstat does not tell (a device) is taken at its word.
    private static func mappingSize(
        of description: Description, file: borrowing FileDescriptor
    ) throws(VhostError) -> Int {
        let (end, wraps) = description.byteCount.addingReportingOverflow(description.fileOffset)
        let (_, guestWraps) = description.guest.rawValue
            .addingReportingOverflow(description.byteCount)
        let (_, frontendWraps) = description.frontend.rawValue
            .addingReportingOverflow(description.byteCount)
        guard description.byteCount > 0, !wraps, !guestWraps, !frontendWraps, end < 1 << 47 else {
            throw .frontend(.badValue)
        }
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
