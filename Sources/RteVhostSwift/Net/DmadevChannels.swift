// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// The process's channels of DMA devices by device and channel. Read without a lock; entries stay.
enum DmadevChannels {
    private static let count: UInt32 = 512
    private static let lock = SpinLock()

    private static func key(_ device: Int16, _ channel: UInt16) -> UInt32 {
        UInt32(UInt16(bitPattern: device)) << 16 | UInt32(channel)
    }

    /// Where a key is looked for first; then in the places behind.
    @inline(__always)
    private static func place(_ key: UInt32) -> UInt32 { (key >> 16 &* 61 &+ key) % count }

    @inline(__always)
    private static func cell(at index: UInt32) -> HeapCell<DmadevChannel>? {
        // SAFETY: the index is below the table's count; `make` put a cell of this type there.
        guard let address = unsafe crte_dma_channel(index % count) else { return nil }
        return unsafe HeapCell(opaque: address)
    }

    /// The cell of a channel, configured or not.
    @inline(__always)
    private static func cell(_ key: UInt32) -> HeapCell<DmadevChannel>? {
        for step in 0..<count {
            guard let cell = cell(at: place(key) &+ step) else { return nil }
            if cell.value.key == key { return cell }
        }
        return nil
    }

    /// A channel that was configured.
    @inline(__always)
    static func find(_ device: Int16, _ channel: UInt16) -> HeapCell<DmadevChannel>? {
        guard device >= 0, let cell = cell(key(device, channel)),
            cell.value.isConfigured.load(ordering: .acquiring)
        else { return nil }
        return cell
    }

    /// `rte_vhost_async_dma_configure`; again for one that is configured changes nothing. Throws
    /// `unsupported` without librte_dmadev or for a device that does not copy, `notFound`,
    /// `invalidArgument` for a channel that the device does not have, `limitReached`,
    /// `outOfMemory`.
    static func configure(_ device: Int16, _ channel: UInt16) throws(VhostError) {
        guard let library = DmadevLibrary() else { throw .unsupported }
        guard library.has(device) else { throw .notFound }
        let counts = try library.channelCounts(device)
        guard Int(channel) < counts.most else { throw .invalidArgument }
        lock.lock()
        defer { lock.unlock() }
        let cell = try make(key(device, channel))
        try cell.lock.withLock { () throws(VhostError) in
            try cell.value.configure(library)
        }
    }

    /// `rte_vhost_async_dma_unconfigure`. Throws `notFound`, and `busy` while copies are under way.
    static func unconfigure(_ device: Int16, _ channel: UInt16) throws(VhostError) {
        guard let cell = find(device, channel) else { throw .notFound }
        try cell.lock.withLock { () throws(VhostError) in
            try cell.value.unconfigure(System.nanoseconds())
        }
    }

    /// One line that names function, channel and reason.
    @inline(never)
    static func log(
        _ function: StaticString, _ device: Int16, _ channel: UInt16, _ error: VhostError
    ) {
        Log.error { line in
            line.add(function)
            line.add(": DMA device ")
            line.add(Int(device))
            line.add(" channel ")
            line.add(Int(channel))
            line.add(": ")
            line.add(error)
        }
    }

    private static let isUnknownLogged = Atomic<Bool>(false)

    /// The same, once a process, for a channel that was not configured: polls name it again.
    @inline(never)
    static func logUnknown(_ function: StaticString, _ device: Int16, _ channel: UInt16) {
        guard !isUnknownLogged.exchange(true, ordering: .relaxed) else { return }
        log(function, device, channel, .notFound)
    }

    /// The cell of a key, made if there is none.
    private static func make(_ key: UInt32) throws(VhostError) -> HeapCell<DmadevChannel> {
        for step in 0..<count {
            let index = (place(key) &+ step) % count
            guard let cell = cell(at: index) else {
                let new = try HeapCell(DmadevChannel(key: key))
                // SAFETY: the index is below the table's count.
                unsafe crte_set_dma_channel(index, new.opaque)
                return new
            }
            if cell.value.key == key { return cell }
        }
        throw .limitReached
    }
}
