// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The region, or the IOTLB's entry, that a loop met last: most addresses of a burst lie in one. Good
/// for as long as the queue's lock is held.
@safe
struct MemoryWindow: BitwiseCopyable {
    private let guest: UInt64
    private let byteCount: UInt64
    private let host: UInt

    /// A window on nothing.
    @inline(__always)
    init() {
        guest = 0
        byteCount = 0
        host = 0
    }

    /// A window on a region, for the table alone.
    @inline(__always)
    init(proven region: MemoryTable.Region) {
        guest = region.guest
        byteCount = region.byteCount
        host = region.host
    }

    /// A window on bytes that lie at an address.
    init(_ address: GuestAddress, _ bytes: GuestSlice) {
        guest = address.rawValue
        byteCount = UInt64(bytes.count)
        // SAFETY: an address; `whole` follows it within the bytes alone.
        host = unsafe UInt(bitPattern: bytes.base)
    }

    /// Asks for the four lines of cache from an address on, to write them, if it lies in the region;
    /// what comes behind them the processor asks for itself.
    @inline(__always)
    func prefetch(_ address: GuestAddress) {
        let offset = address.rawValue &- guest
        guard offset < byteCount else { return }
        // SAFETY: a hint, which reads and writes nothing: what lies behind the region may be asked
        // for. Its first byte is not NULL.
        let place = unsafe UnsafeMutableRawPointer(bitPattern: host &+ UInt(offset))
            .unsafelyUnwrapped
        unsafe crte_prefetch_for_write(place)
        unsafe crte_prefetch_for_write(place + 64)
        unsafe crte_prefetch_for_write(place + 128)
        unsafe crte_prefetch_for_write(place + 192)
    }

    /// The bytes at an address, all `wanted` of them; nil where they do not lie in the region.
    @inline(__always)
    func whole(at address: GuestAddress, count wanted: UInt32) -> GuestSlice? {
        let offset = address.rawValue &- guest
        guard _fastPath(offset < byteCount && UInt64(wanted) <= byteCount &- offset) else {
            return nil
        }
        // SAFETY: offset + wanted ≤ byteCount, by the line above, all of which is mapped at host,
        // which is not NULL where there are bytes.
        return unsafe GuestSlice(
            proven: UnsafeMutableRawPointer(bitPattern: host &+ UInt(offset)).unsafelyUnwrapped,
            count: Int(wanted))
    }
}
