// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// The dirty log of a device: vhost-user, "Migration".
extension Device {
    /// The log as queues know it.
    var dirtyLogHandle: DirtyLog {
        let event: Int32
        switch dirtyLogEvent {
        case .some(let descriptor): event = descriptor.number
        case .none: event = -1
        }
        switch dirtyLog {
        case .some(let log): return log.handle(event: event)
        case .none: return .none
        }
    }

    /// True when a file that the frontend shares was cut short under its mapping.
    var isMappingBroken: Bool {
        if memory.isBroken { return true }
        switch inflightArea {
        case .some(let area): if area.isBroken { return true }
        case .none: break
        }
        switch dirtyLog {
        case .some(let log): return log.isBroken
        case .none: return false
        }
    }
}

extension HeapCell where Value == Device {
    /// Gives a queue the profile of negotiated features, and the log. Event thread.
    func adopt(_ profile: QueueProfile, _ queue: HeapCell<VirtQueue>) {
        let log = value.dirtyLogHandle
        queue.lock.withLock {
            let begins = profile.logsWrites && !queue.value.profile.logsWrites
            queue.value.profile = profile
            if !profile.isTranslated { queue.value.iotlb.value.release() }
            queue.value.dirtyLog = log
            // What was written before is not asked for.
            if begins { _ = queue.value.takeWrites() }
            value.hooks.setLogging(queue.value.datapath, profile.logsWrites)
        }
    }

    /// Marks pages that the application wrote, while the frontend wants that.
    func logWrite(_ address: GuestAddress, count: UInt64) {
        guard value.features.load(ordering: .relaxed) & Feature.logAll != 0 else { return }
        lock.withLock { value.dirtyLogHandle.mark(address, count: count) }
    }

    /// The same for bytes of a queue's used ring.
    func logUsed(_ queue: HeapCell<VirtQueue>, offset: UInt64, count: UInt64) {
        let features = value.features.load(ordering: .relaxed)
        guard features & Feature.logAll != 0 else { return }
        queue.lock.withLock {
            // The table may change while the ring is stopped.
            let place = lock.withLock {
                queue.value.usedAddress(in: value.memory.table, features: features)
            }
            guard let start = place else { return }
            let (address, wraps) = start.rawValue.addingReportingOverflow(offset)
            guard !wraps else { return }
            queue.value.dirtyLog.mark(GuestAddress(rawValue: address), count: count)
        }
    }

    /// Marks what the ring wrote by itself, where that is wanted. The queue's lock is held.
    @inline(__always)
    func logRing(_ queue: HeapCell<VirtQueue>) {
        guard queue.value.profile.logsWrites else { return }
        queue.value.log(
            queue.value.takeWrites(), in: value.memory.table,
            features: value.features.load(ordering: .relaxed))
    }

    /// SET_LOG_BASE: puts a log in the place of the one before, under the queues that run. Throws
    /// `badValue` when it is smaller than the guest's memory. Event thread.
    func setLog(_ log: consuming DirtyLogMapping) throws(VhostError) {
        guard log.covers(value.memory.table) else { throw .frontend(.badValue) }
        var other: DirtyLogMapping? = log
        lock.lock()
        swap(&value.dirtyLog, &other)
        lock.unlock()
        updateProfiles()
        // No queue has the old one now.
        other = nil
    }

    /// SET_LOG_FD: whom to tell that pages were marked. Event thread.
    func setLogEvent(_ event: consuming FileDescriptor) {
        var other: FileDescriptor? = event
        lock.lock()
        swap(&value.dirtyLogEvent, &other)
        lock.unlock()
        updateProfiles()
        other = nil
    }

    /// SET_FEATURES. Throws `badState` for more than LOG_ALL while rings run, `busy` when an engine
    /// does not finish what it would write without being logged. Event thread.
    func setFeatures(_ features: UInt64) throws(VhostError) {
        let current = value.features.load(ordering: .relaxed)
        let changes = features ^ current
        guard changes != 0 else { return }
        guard changes == Feature.logAll || !hasRunningRing else { throw .frontend(.badState) }
        if features & changes & Feature.logAll != 0 { try beginLogging(features) }
        value.features.store(features, ordering: .relaxed)
        updateProfiles()
        // DPDK 21.08: the application hears of what changes while its device runs.
        guard value.isRunning.load(ordering: .relaxed) else { return }
        _ = value.callbacks?.featuresChanged?(value.vid, features)
    }

    /// True while a ring is set up, or has a record of what is in flight: header sizes and ring
    /// formats must not change under it.
    private var hasRunningRing: Bool {
        var isRunning = false
        forEachQueue { queue in
            queue.lock.withLock {
                if queue.value.hasRing || queue.value.inflight.log.isAttached { isRunning = true }
            }
        }
        return isRunning
    }

    /// Has each queue log from a moment on at which its engine is idle: what was given to it before
    /// would be written later and not be logged.
    private func beginLogging(_ features: UInt64) throws(VhostError) {
        let profile = QueueProfile(features: features, flags: value.flags)
        let deadline = Self.drainDeadline
        var isIdle = true
        forEachQueue { queue in
            guard isIdle else { return }
            let wasPaused = queue.lock.withLock { queue.value.isPaused }
            isIdle = drain(queue, until: deadline)
            if isIdle { adopt(profile, queue) }
            queue.lock.withLock { queue.value.isPaused = wasPaused }
        }
        guard !isIdle else { return }
        updateProfiles()
        throw .busy
    }
}
