// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Channels by (vid, queue). Read without a lock; not freed once it has a cell. Two megabytes of
/// addresses, of which the system gives only the pages that are used.
@safe
struct SoftwareChannelTable: ~Copyable, @unchecked Sendable {
    private let channels: UnsafeMutablePointer<AtomicCell<SoftwareChannel>>

    /// A table without channels. Throws `outOfMemory`.
    init() throws(VhostError) {
        let count = DeviceTable.maximumCount * Device.maximumQueueCount
        // SAFETY: a word of zeros is an empty AtomicCell, which is one atomic word.
        guard let memory = unsafe calloc(count, MemoryLayout<AtomicCell<SoftwareChannel>>.stride)
        else { throw .outOfMemory }
        unsafe channels = memory.bindMemory(
            to: AtomicCell<SoftwareChannel>.self, capacity: count)
    }

    // SAFETY: only a table that found no cell to live in ends; nobody has seen it.
    deinit { unsafe free(channels) }

    /// What names a virtqueue in the table and in its channel; nil when out of range. Never 0.
    @inline(__always)
    static func key(vid: Int32, queue: UInt16) -> UInt32? {
        guard vid >= 0, vid < Int32(DeviceTable.maximumCount),
            queue < UInt16(Device.maximumQueueCount)
        else { return nil }
        return UInt32(vid) &* UInt32(Device.maximumQueueCount) &+ UInt32(queue) &+ 1
    }

    /// The channel of a virtqueue.
    @inline(__always)
    func find(_ key: UInt32) -> HeapCell<SoftwareChannel>? {
        // SAFETY: `key` made the key, and nothing else does, so the index is in range.
        unsafe channels[Int(key) &- 1].load()
    }

    /// Gives a virtqueue a channel, or none. Under the registry's lock.
    func set(_ key: UInt32, _ channel: HeapCell<SoftwareChannel>?) {
        // SAFETY: as in find.
        unsafe channels[Int(key) &- 1].store(channel)
    }
}
