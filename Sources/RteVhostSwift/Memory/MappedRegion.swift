// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

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
    /// How many times it was added; it stays until it was removed as often.
    var additionCount = 1
    /// The file; stays open because `rte_vhost_get_mem_table` hands its number out.
    let file: FileDescriptor
    private let shared: SharedMapping

    /// Maps a region. Throws `badValue` for a description that no file can satisfy, `system` when
    /// mmap fails.
    init(_ description: Description, file: consuming FileDescriptor) throws(VhostError) {
        shared = try SharedMapping(file, end: try Self.end(of: description))
        self.description = description
        self.file = file
    }

    /// True for the same addresses and bytes of the same file.
    func isSame(as other: Description, _ file: borrowing FileDescriptor) -> Bool {
        guard other.guest.rawValue == description.guest.rawValue,
            other.byteCount == description.byteCount,
            other.frontend.rawValue == description.frontend.rawValue,
            other.fileOffset == description.fileOffset
        else { return false }
        var ours = stat()
        var theirs = stat()
        // SAFETY: the structures live through the calls.
        guard unsafe fstat(self.file.number, &ours) == 0 else { return false }
        guard unsafe fstat(file.number, &theirs) == 0 else { return false }
        return ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino
    }

    /// The whole mapping, which begins at offset 0 of the file, as DPDK's does.
    var mapping: UnsafeMutableRawPointer {
        // SAFETY: only handed on; good for as long as self.
        unsafe shared.start
    }

    /// Bytes mapped, a multiple of the file's page size.
    var mappingByteCount: Int { shared.byteCount }

    /// Where a fault in the mapping is noted.
    var guardSlot: UInt32 { shared.guardSlot }

    /// Where the region begins, as a number, for the frontend.
    var hostAddress: UInt64 {
        // SAFETY: the address is not followed.
        unsafe UInt64(UInt(bitPattern: host))
    }

    /// `PageFrames.origin` of the mapping.
    var frameOrigin: UInt { shared.frames.origin }

    /// Host address of the region's first byte.
    var host: UnsafeMutableRawPointer {
        // SAFETY: init checked that offset + size lies in the mapping.
        unsafe shared.start + Int(description.fileOffset)
    }

    /// Where in the file the region ends; sums that wrap are refused.
    private static func end(of description: Description) throws(VhostError) -> UInt64 {
        let (end, wraps) = description.byteCount.addingReportingOverflow(description.fileOffset)
        let (_, guestWraps) = description.guest.rawValue
            .addingReportingOverflow(description.byteCount)
        let (_, frontendWraps) = description.frontend.rawValue
            .addingReportingOverflow(description.byteCount)
        guard description.byteCount > 0, !wraps, !guestWraps, !frontendWraps else {
            throw .frontend(.badValue)
        }
        return end
    }
}
