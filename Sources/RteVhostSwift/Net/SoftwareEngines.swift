// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// All engines and channels of the process, and what `rtevhostswift_dma_…` functions do to them.
enum SoftwareEngines {
    /// Held while engines and channels come and go; never while a thread is waited for.
    private static let lock = SpinLock()
    private static let table = AtomicCell<SoftwareChannelTable>()
    private static let engines = AtomicCell<SoftwareEngine>()
    // Cells are never freed: one that was made is kept where there is no memory for the next.
    private static let spareFaults = AtomicCell<SoftwareFaults>()
    private static let spareSetup = AtomicCell<SoftwareEngine.Setup>()
    private static let idleChannels = AtomicCell<SoftwareChannel>()

    /// A new engine with its worker running. Throws `outOfMemory`, `system`, `invalidArgument` for
    /// a processor that the worker cannot be bound to.
    static func create(
        _ configuration: SoftwareEngine.Configuration
    ) throws(VhostError) -> HeapCell<SoftwareEngine> {
        let engine = try lock.withLock { () throws(VhostError) in try claim(configuration) }
        do throws(VhostError) {
            try engine.value.setup.value.prepare(configuration)
            engine.value.isAsleep.store(false, ordering: .relaxed)
            try System.startThread(OpaqueCell(engine)) { cell in
                SoftwareEngine.run(cell.cell(of: SoftwareEngine.self))
            }
        } catch {
            release(engine)
            throw error
        }
        while engine.value.phase.load(ordering: .acquiring) == .starting {
            System.sleep(microseconds: 20)
        }
        guard engine.value.phase.load(ordering: .acquiring) == .running else {
            release(engine)
            throw .invalidArgument
        }
        return engine
    }

    private static func claim(
        _ configuration: SoftwareEngine.Configuration
    ) throws(VhostError) -> HeapCell<SoftwareEngine> {
        var known = engines.load()
        while let engine = known {
            if engine.value.phase.load(ordering: .relaxed) == .idle {
                engine.value.phase.store(.starting, ordering: .relaxed)
                return engine
            }
            known = engine.value.next.load()
        }
        let setup: HeapCell<SoftwareEngine.Setup>
        if let spare = spareSetup.load() {
            setup = spare
        } else {
            setup = try HeapCell(SoftwareEngine.Setup(configuration: configuration))
        }
        spareSetup.store(setup)
        let engine = try HeapCell(SoftwareEngine(setup))
        spareSetup.store(nil)
        engine.value.phase.store(.starting, ordering: .relaxed)
        engine.value.next.store(engines.load())
        engines.store(engine)
        return engine
    }

    /// Makes the cell of an engine whose worker has ended, or never began, usable again.
    private static func release(_ engine: HeapCell<SoftwareEngine>) {
        engine.value.setup.value.end()
        lock.withLock { engine.value.phase.store(.idle, ordering: .relaxed) }
    }

    /// The running engine at an address that an application gave, which may be anything. Under the
    /// lock.
    private static func find(_ address: UInt) throws(VhostError) -> HeapCell<SoftwareEngine> {
        var known = engines.load()
        while let engine = known {
            // SAFETY: the addresses are compared as numbers.
            if unsafe UInt(bitPattern: engine.opaque) == address {
                guard engine.value.phase.load(ordering: .acquiring) == .running else { break }
                return engine
            }
            known = engine.value.next.load()
        }
        throw .invalidArgument
    }

    /// Ends an engine; its worker has ended when this returns. Throws `invalidArgument`, `busy`.
    static func destroy(_ address: UInt) throws(VhostError) {
        let engine = try lock.withLock { () throws(VhostError) in
            let engine = try find(address)
            guard engine.value.channelCount.load(ordering: .relaxed) == 0 else { throw .busy }
            engine.value.phase.store(.stopping, ordering: .releasing)
            return engine
        }
        engine.value.wake()
        while engine.value.phase.load(ordering: .acquiring) != .ended {
            System.sleep(microseconds: 20)
        }
        release(engine)
    }
}

/// Channels.
extension SoftwareEngines {
    /// Makes a channel. Throws `invalidArgument`, `exists`, `outOfMemory`; `unsupported` where
    /// engines are given physical addresses, which the processor cannot copy from.
    static func attach(_ address: UInt, key: UInt32) throws(VhostError) {
        guard !EngineAddressing.isPhysical else { throw .unsupported }
        try lock.withLock { () throws(VhostError) in
            let engine = try find(address)
            let table = try sharedTable()
            guard table.value.find(key) == nil else { throw .exists }
            let capacity = engine.value.setup.value.configuration.capacity
            let channel = try claimChannel(capacity: capacity)
            channel.value.open(key: key, engine: engine)
            channel.value.next.store(engine.value.channels.load())
            engine.value.channels.store(channel)
            engine.value.channelCount.add(1, ordering: .relaxed)
            // Last: from here on callbacks find it.
            table.value.set(key, channel)
        }
    }

    private static func sharedTable() throws(VhostError) -> HeapCell<SoftwareChannelTable> {
        if let found = table.load() { return found }
        let made = try HeapCell(SoftwareChannelTable())
        table.store(made)
        return made
    }

    /// A channel that was used before, if one has the size, or a new one.
    private static func claimChannel(
        capacity: Int
    ) throws(VhostError) -> HeapCell<SoftwareChannel> {
        var known = idleChannels.load()
        while let channel = known {
            if channel.value.ring.capacity == capacity {
                unlink(channel, from: idleChannels)
                return channel
            }
            known = channel.value.next.load()
        }
        let faults: HeapCell<SoftwareFaults>
        if let spare = spareFaults.load() {
            faults = spare
        } else {
            faults = try HeapCell(SoftwareFaults(rtevhostswift_dma_faults()))
        }
        spareFaults.store(faults)
        let channel = try HeapCell(SoftwareChannel(capacity: capacity, faults: faults))
        spareFaults.store(nil)
        return channel
    }

    private static func recycle(_ channel: HeapCell<SoftwareChannel>) {
        channel.value.next.store(idleChannels.load())
        idleChannels.store(channel)
    }

    /// Takes a channel off a list. It still leads to those behind it, for a worker that is at it.
    private static func unlink(
        _ channel: HeapCell<SoftwareChannel>, from first: borrowing AtomicCell<SoftwareChannel>
    ) {
        guard var before = first.load() else { return }
        if before == channel { return first.store(channel.value.next.load()) }
        while let next = before.value.next.load() {
            if next == channel { return before.value.next.store(channel.value.next.load()) }
            before = next
        }
    }

    /// Removes a channel after its copies are done. Throws `notFound`; `busy` when a fault holds
    /// copies back, and the channel stays.
    static func detach(_ key: UInt32) throws(VhostError) {
        let (channel, engine) = try close(key)
        // Bounded: nothing is added and nothing is held back any more.
        while !channel.value.ring.isEmpty() {
            System.sleep(microseconds: 20)
        }
        let change = lock.withLock {
            unlink(channel, from: engine.value.channels)
            return engine.value.changeCount.add(1, ordering: .releasing).newValue
        }
        engine.value.wake()
        // The worker may be at the channel; afterwards nobody is, and another engine may have it.
        while engine.value.seenChangeCount.load(ordering: .acquiring) < change {
            System.sleep(microseconds: 20)
        }
        lock.withLock {
            table.load()?.value.set(key, nil)
            recycle(channel)
            engine.value.channelCount.subtract(1, ordering: .relaxed)
        }
    }

    /// Lets no more callbacks in.
    private static func close(
        _ key: UInt32
    ) throws(VhostError) -> (HeapCell<SoftwareChannel>, HeapCell<SoftwareEngine>) {
        let channel = try find(key)
        defer { channel.value.lock.unlock() }
        guard !channel.value.isStuck() else { throw .busy }
        guard let engine = channel.value.engine.load() else { throw .notFound }
        // From here on no fault can be injected, so what is in the ring will be copied.
        channel.value.key.store(0, ordering: .relaxed)
        return (channel, engine)
    }

    /// The open channel of a virtqueue, with its lock held. Throws `notFound`.
    @inline(__always)
    private static func find(_ key: UInt32) throws(VhostError) -> HeapCell<SoftwareChannel> {
        guard let channel = table.load()?.value.find(key) else { throw .notFound }
        channel.value.lock.lock()
        // The channel may have been detached, and given to another virtqueue, since it was found.
        guard channel.value.key.load(ordering: .relaxed) == key else {
            channel.value.lock.unlock()
            throw .notFound
        }
        return channel
    }

    /// Runs `body` on a virtqueue's channel under its lock. Throws `notFound`.
    @inline(__always)
    static func withChannel<Result>(
        _ key: UInt32, _ body: (borrowing SoftwareChannel) -> Result
    ) throws(VhostError) -> Result {
        let channel = try find(key)
        defer { channel.value.lock.unlock() }
        return body(channel.value)
    }
}
