// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A DMA device of DPDK: its entry among `rte_dma_fp_objs`, which stays where it is when the device
/// goes, with functions that do nothing.
@safe
struct DmadevDevice: @unchecked Sendable {
    /// Statuses that are asked for at once.
    static let statusCount = 64
    /// DPDK: RTE_DMA_OP_FLAG_LLC, data that is read soon.
    private static let cacheHint: UInt64 = 1 << 2

    private let entry: UnsafeMutablePointer<crte_dma_functions>

    /// Wraps an entry; nil when a function is missing.
    init?(_ entry: UnsafeMutablePointer<crte_dma_functions>) {
        // SAFETY: the caller found the entry in the array.
        guard unsafe entry.pointee.copy != nil, unsafe entry.pointee.submit != nil,
            unsafe entry.pointee.completed != nil, unsafe entry.pointee.completed_status != nil,
            unsafe entry.pointee.burst_capacity != nil
        else { return nil }
        unsafe self.entry = entry
    }

    /// Copies that a channel has room for.
    func capacity(_ channel: UInt16) -> Int {
        // SAFETY: the entry is one of the array, which is never freed; so below.
        guard let function = unsafe entry.pointee.burst_capacity else { return 0 }
        return Int(unsafe function(entry.pointee.device, channel))
    }

    /// Gives a channel a copy: its place in the device's ring, or a negative error.
    @inline(__always)
    func copy(_ channel: UInt16, from: UInt64, to: UInt64, count: UInt32) -> Int32 {
        // SAFETY: as above; the device follows the addresses, which are guest's and mbufs'.
        guard let function = unsafe entry.pointee.copy else { return -1 }
        return unsafe function(
            entry.pointee.device, channel, from, to, count, Self.cacheHint)
    }

    /// Has a channel begin with what it was given.
    func submit(_ channel: UInt16) {
        // SAFETY: as above.
        guard let function = unsafe entry.pointee.submit else { return }
        _ = unsafe function(entry.pointee.device, channel)
    }

    /// Copies that were done since this was asked last, at most `limit`; the last one's place; and
    /// whether the next one failed.
    func completed(
        _ channel: UInt16, limit: UInt16
    ) -> (count: Int, last: UInt16, hasError: Bool) {
        // SAFETY: as above.
        guard let function = unsafe entry.pointee.completed else { return (0, 0, false) }
        var last: UInt16 = 0
        var hasError = false
        let count = unsafe function(entry.pointee.device, channel, limit, &last, &hasError)
        return (Int(min(count, limit)), last, hasError)
    }

    /// The same, failed ones included; what became of each, 0 for success, is in `statuses`.
    func completed(
        _ channel: UInt16, statuses: inout InlineArray<64, UInt32>
    ) -> (count: Int, last: UInt16) {
        guard let function = unsafe entry.pointee.completed_status else { return (0, 0) }
        var last: UInt16 = 0
        let device = unsafe entry.pointee.device
        var span = statuses.mutableSpan
        // SAFETY: as above; there is room for `statusCount` of them.
        let count = unsafe span.withUnsafeMutableBufferPointer { buffer in
            unsafe function(
                device, channel, UInt16(Self.statusCount), &last, buffer.baseAddress)
        }
        return (min(Int(count), Self.statusCount), last)
    }
}
