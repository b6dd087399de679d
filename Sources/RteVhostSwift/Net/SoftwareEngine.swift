// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// A DMA engine made of software: a worker thread that copies for the channels attached to it. The
/// cell of an engine that was destroyed is used again for a later one.
struct SoftwareEngine: ~Copyable {
    /// What `rtevhostswift_dma_create` was asked for.
    struct Configuration {
        /// Least slots of a channel: a batch of `EngineCopy` has at most 2,048 pieces, so each of
        /// its descriptors fits. One with more pieces than a channel has slots is never accepted.
        static let minimumCapacity = 4096
        /// Most slots of a channel.
        static let maximumCapacity = 1 << 20

        /// Slots of a channel, a power of two.
        let capacity: Int
        /// Processor to pin the worker to; nil leaves it to the scheduler.
        let processor: Int?

        /// Checks and rounds. Throws `invalidArgument`.
        init(ringSize: Int, processor: Int?) throws(VhostError) {
            guard ringSize <= Self.maximumCapacity, processor ?? 0 < 1024 else {
                throw .invalidArgument
            }
            var slots = Self.minimumCapacity
            while slots < ringSize { slots *= 2 }
            capacity = slots
            self.processor = processor
        }
    }

    /// How an engine was created, and what its worker sleeps on.
    struct Setup: ~Copyable {
        /// As it was created.
        private(set) var configuration: Configuration
        /// A read of it waits for a signal.
        private var event: FileDescriptor?

        /// Without event.
        init(configuration: Configuration) { self.configuration = configuration }

        /// For an engine that is new or was used before. Throws `system`.
        mutating func prepare(_ configuration: Configuration) throws(VhostError) {
            self.configuration = configuration
            let event = try System.makeEvent()
            let flags = try System.check(crte_fcntl_get_flags(event.number))
            _ = try System.check(crte_fcntl_set_flags(event.number, flags & ~O_NONBLOCK))
            self.event = consume event
        }

        /// Closes the event.
        mutating func end() { event = nil }

        /// Number of the event's descriptor, -1 without one.
        var eventNumber: Int32 {
            switch event {
            case .some(let event): event.number
            case .none: -1
            }
        }
    }

    /// Where an engine is in its life.
    enum Phase: UInt8, AtomicRepresentable {
        /// No thread; the cell may be used.
        case idle
        /// The worker was not heard of yet.
        case starting
        /// Channels may be attached.
        case running
        /// The worker is to end, or was told so.
        case stopping
        /// The worker touches nothing any more.
        case ended
    }

    /// Changed under the registry's lock, or by the worker from `starting` and `stopping` on.
    let phase = Atomic<Phase>(.idle)
    /// First of its channels. Changed under the registry's lock.
    let channels = AtomicCell<SoftwareChannel>()
    /// How often the list of channels lost one, and which of these changes the worker has seen.
    let changeCount = Atomic<UInt>(0)
    let seenChangeCount = Atomic<UInt>(0)
    /// The next of all engines of the process.
    let next = AtomicCell<SoftwareEngine>()
    /// Channels, those that are being detached included. Changed under the registry's lock.
    let channelCount = Atomic<Int>(0)
    /// What changes only while the engine has no worker.
    let setup: HeapCell<Setup>

    private let linesBeforeSleep = InlineArray<128, UInt8>(repeating: 0)
    /// The worker sleeps, or is about to: whoever sets it back to false must signal.
    let isAsleep = Atomic<Bool>(false)
    private let linesAfterSleep = InlineArray<128, UInt8>(repeating: 0)

    /// An engine without thread.
    init(_ setup: HeapCell<Setup>) { self.setup = setup }

    /// Makes the worker look again if it sleeps. What it is to find was written before.
    @inline(__always)
    borrowing func wake() {
        // Dekker: either the worker, behind its fence in `sleep`, sees what was written, or this
        // sees that it sleeps.
        crte_fence()
        if isAsleep.load(ordering: .relaxed) { signalWorker() }
    }

    @inline(never)
    private borrowing func signalWorker() {
        // One of many callers signals; a worker that woke by itself meanwhile finds a signal too
        // many, and looks once more before it sleeps again.
        guard isAsleep.exchange(false, ordering: .relaxed) else { return }
        System.signal(setup.value.eventNumber)
    }
}
