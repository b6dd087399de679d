// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The file of SET_INFLIGHT_FD, mapped: one region for each queue. The frontend may write to it at
/// any moment, and an earlier process of whatever kind did.
struct InflightArea: ~Copyable {
    private let region: MappedRegion
    private let shape: InflightShape

    /// Last byte of the file that an area may have: a thousand times what the largest one needs,
    /// and a fraction of what the process may map.
    private static let limit: UInt64 = 1 << 38

    /// Maps an area. Throws `badValue` when file or mapping are too small for its shape, `system`.
    init(
        _ shape: InflightShape, offset: UInt64, byteCount: UInt64,
        file: consuming FileDescriptor
    ) throws(VhostError) {
        let needed = UInt64(shape.byteCount)
        let (end, wraps) = offset.addingReportingOverflow(byteCount)
        // mmap wants whole pages; the regions hold words of eight bytes.
        guard byteCount >= needed, !wraps, end <= Self.limit, offset & 4095 == 0 else {
            throw .frontend(.badValue)
        }
        let description = MappedRegion.Description(
            guest: GuestAddress(rawValue: 0), byteCount: needed,
            frontend: FrontendAddress(rawValue: 0), fileOffset: offset)
        region = try MappedRegion(description, file: file)
        self.shape = shape
    }

    /// True when the file was cut short under the mapping.
    var isBroken: Bool { MemoryGuard.isBroken(region.guardSlot) }

    /// The region of a queue with so many slots. Nil when the area has none for that queue, or the
    /// queue is of another kind. Throws `badValue` when the region has fewer slots than the ring.
    func slice(queue: Int, size: Int, isPacked: Bool) throws(VhostError) -> GuestSlice? {
        guard queue < shape.queueCount else { return nil }
        guard isPacked == shape.isPacked, size <= shape.size else { throw .frontend(.badValue) }
        // SAFETY: init mapped shape.byteCount bytes at the host address, which are the regions of
        // queueCount queues, one behind the other.
        return unsafe GuestSlice(
            proven: region.host + queue * shape.regionByteCount, count: shape.regionByteCount)
    }
}
