// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// When the application hears of a device and its queues. Event thread.
extension HeapCell where Value == Device {
    /// virtio 1.2, 2.1: DRIVER_OK.
    private static var driverOK: Int32 { 4 }

    /// Tells the application what changed since the last message.
    func reportChanges() {
        forEachQueue { queue in
            let ready: Bool? = queue.lock.withLock {
                let isReady = queue.value.isReady
                guard queue.value.reportedReady != isReady else { return nil }
                queue.value.reportedReady = isReady
                return isReady
            }
            if let ready { reportQueue(queue.value.index, isReady: ready) }
        }
        runIfReady()
        // DPDK 21.08: rings that are gone with their memory are nothing to set hardware up for.
        if value.vdpa != nil, value.isRunning.load(ordering: .relaxed), canRun { configureVdpa() }
    }

    private func runIfReady() {
        guard !value.isRunning.load(ordering: .relaxed), canRun else { return }
        // Running before the call: functions that the callback calls must find the device.
        value.isRunning.store(true, ordering: .releasing)
        value.hasRun = true
        Log.notice { line in
            line.begin(value.path)
            line.add("device ")
            line.add(Int(value.vid))
            line.add(" is ready")
        }
        Probe.state(value.vid, -1, isRunning: true)
        let isAccepted = value.callbacks?.newDevice.map { $0(value.vid) == 0 } ?? true
        if !isAccepted { value.isRunning.store(false, ordering: .releasing) }
    }

    /// Tells driver and application about a queue.
    func reportQueue(_ index: Int, isReady: Bool) {
        Probe.state(value.vid, index, isRunning: isReady)
        // DPDK 21.08: the vDPA driver first.
        _ = value.vdpa?.setQueueState(value.vid, Int32(index), isReady ? 1 : 0)
        _ = value.callbacks?.queueStateChanged?(
            value.vid, UInt16(truncatingIfNeeded: index), isReady ? 1 : 0)
    }

    /// DPDK 21.08: a net device runs from the moment its first pair is ready and, where status is
    /// negotiated, the driver said so.
    private var canRun: Bool {
        for index in 0..<(value.isNet.load(ordering: .relaxed) ? 2 : 1) {
            guard let queue = value.queue(index) else { return false }
            guard queue.lock.withLock({ queue.value.isReady }) else { return false }
        }
        guard value.hasNegotiated(ProtocolFeature.status) else { return true }
        let status = value.status.load(ordering: .relaxed)
        return status < 0 || status & Self.driverOK != 0
    }

    /// Tells the application that the device stops, once.
    func stopRunning() {
        guard value.isRunning.exchange(false, ordering: .acquiringAndReleasing) else { return }
        Probe.state(value.vid, -1, isRunning: false)
        closeVdpa()
        value.callbacks?.destroyDevice?(value.vid)
    }

    /// Ends a device whose connection is gone. Where an engine still copies, memory and packets
    /// stay until `finishClosing` finds it done.
    func close() {
        // A burst that waits for a page holds its queue's lock.
        endPostcopy()
        stopRunning()
        value.callbacks?.destroyConnection?(value.vid)
        // DPDK 22.11: after the application, and whether or not the hardware was ever set up.
        _ = value.vdpa?.additions.cleanUp?(value.vid)
        value.backendChannel.close()
        var isIdle = true
        let deadline = Self.drainDeadline
        forEachQueue { queue in
            // What the frontend does next with its rings is not known: it may hand them to another
            // backend, or to another device of this one, at `used.idx` as it stands then. Chains
            // whose copies end from there on go back unused, and will be offered again.
            leaveRing(queue, until: deadline)
            if !drain(queue, until: deadline) { isIdle = false }
        }
        value.isDraining = true
        value.isOpen.store(false, ordering: .releasing)
        if isIdle { finishClosing() }
    }

    /// Frees what a closed device holds if no engine works on it any more. True when nothing is
    /// left to do.
    @discardableResult
    func finishClosing() -> Bool {
        var isIdle = true
        forEachQueue { queue in
            let isQueueIdle = queue.lock.withLock { value.hooks.poll(self, queue) }
            if !isQueueIdle { isIdle = false }
        }
        guard isIdle else { return false }
        forEachQueue { queue in
            queue.lock.withLock {
                value.hooks.release(queue.value.datapath)
                queue.value.reset()
            }
        }
        shrinkMemory()
        reset()
        DeviceTable.noteClosed(value.vid)
        return true
    }

    /// Gives back what the regions of a large guest took besides their mappings. Without memory for
    /// less memory, what there is stays.
    private func shrinkMemory() {
        guard value.memory.hasGrown, var memory = try? GuestMemory() else { return }
        // Unmapped without locks.
        changeMemory { swap(&$0, &memory) }
    }
}

extension HeapCell where Value == Device {
    /// Back to the state of a device that was never connected.
    fileprivate func reset() {
        // Data threads may hold a queue of it still; unmapping may take long, and is for later.
        changeMemory { $0.hide() }
        value.features.store(0, ordering: .relaxed)
        value.protocolFeatures.store(0, ordering: .relaxed)
        value.mtu.store(0, ordering: .relaxed)
        value.status.store(-1, ordering: .relaxed)
        value.queueCount.store(0, ordering: .releasing)
        value.isRarpPending.store(false, ordering: .relaxed)
        value.didLogWrongQueue.store(false, ordering: .relaxed)
        value.deferredReport.store(0, ordering: .relaxed)
        lock.lock()
        value.memory.removeAll()
        value.dirtyLog = nil
        value.dirtyLogEvent = nil
        value.callbacks = nil
        value.externalHandlers = nil
        value.vdpa = nil
        lock.unlock()
        value.isVdpaConfigured = false
        value.inflightArea = nil
        value.backendChannel.reset()
        value.isDraining = false
        value.hasRun = false
        value.stuckQueueCount = 0
    }
}
