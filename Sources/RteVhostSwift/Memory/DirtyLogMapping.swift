// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The log of SET_LOG_BASE, mapped; unmapped when its owner lets go.
struct DirtyLogMapping: ~Copyable {
    private let shared: SharedMapping
    private let offset: Int

    /// Bytes of the log.
    let byteCount: Int

    /// Largest log with its offset: bits for 2^55 bytes of guest memory.
    private static let limit: UInt64 = 1 << 40

    /// Maps `size` bytes at `offset` of a file, which is not needed any more then. Throws
    /// `badValue` for an area that the file does not have, `system` when mmap fails.
    init(
        size: UInt64, offset: UInt64, file: consuming FileDescriptor
    ) throws(VhostError) {
        let (end, wraps) = size.addingReportingOverflow(offset)
        guard size > 0, !wraps, end <= Self.limit else { throw .frontend(.badValue) }
        // From the file's beginning: an offset within a huge page cannot be mapped.
        shared = try SharedMapping(file, end: end)
        self.offset = Int(offset)
        byteCount = Int(size)
    }

    /// True when the file was cut short under the mapping.
    var isBroken: Bool { shared.isBroken }

    /// A handle, good for as long as self.
    func handle(event: Int32) -> DirtyLog {
        // SAFETY: init checked that offset + size lies in the mapping.
        unsafe DirtyLog(proven: shared.start + offset, byteCount: byteCount, event: event)
    }

    /// True when the log has a bit for every byte of the guest's memory.
    func covers(_ memory: MemoryTable) -> Bool {
        for index in 0..<memory.count {
            let region = memory[index]
            // A region has a byte at least, and does not wrap.
            let last = (region.guest &+ region.byteCount &- 1) >> DirtyLog.pageShift
            guard last >> 3 < UInt64(byteCount) else { return false }
        }
        return true
    }
}
