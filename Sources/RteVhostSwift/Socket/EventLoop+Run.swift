// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// What the event thread does.
extension HeapCell where Value == EventLoop {
    /// How often closed devices are looked at whose engine still copies.
    private static var drainMilliseconds: Int32 { 20 }

    /// The thread's body.
    func run() {
        value.thread.store(System.currentThread, ordering: .releasing)
        // Packets that this thread frees belong to no cache: it would keep them from the others.
        ThreadSlots.optOut()
        while true { turn(milliseconds: timeout) }
    }

    /// One round: what has come, and what is to be done by itself. Waits at most so long for it.
    func turn(milliseconds: Int32) {
        value.poll.wait(milliseconds: milliseconds) { token in handle(token) }
        retryRings()
        finishDraining()
        endClosingDrivers()
        connectClients()
    }

    /// How long to wait for events: until the first of what is to be done by itself.
    private var timeout: Int32 {
        var result = connectTimeout
        if value.drainingCount > 0 { result = Self.sooner(result, Self.drainMilliseconds) }
        if RingTranslation.isAwaited {
            result = Self.sooner(result, RingTranslation.retryMilliseconds)
        }
        return result
    }

    /// The shorter of two waits; a negative one never ends.
    private static func sooner(_ one: Int32, _ other: Int32) -> Int32 {
        one < 0 ? other : min(one, other)
    }

    private func handle(_ token: UInt64) {
        let index = Int(token & 0xffff_ffff)
        let generation = UInt32(token >> 32 & 0xff_ffff)
        switch EventLoop.Source(rawValue: token >> 56) {
        case .wake:
            System.clear(value.wake.number)
            endBrokenDevices()
        case .listener: acceptConnections(index, generation)
        case .session: handleSession(index, generation)
        case nil: break
        }
    }

    /// Takes the connections that wait at a listener.
    private func acceptConnections(_ index: Int, _ generation: UInt32) {
        let driver: HeapCell<Driver>? = value.registry.lock.withLock {
            guard let cell = value.registry.value.cell(index), cell.value.state == .started,
                cell.value.generation & 0xff_ffff == generation
            else { return nil }
            return cell
        }
        guard let driver, let listener = driver.value.listener?.number else { return }
        FrontendAccount.charge(driver.value.account)
        defer { FrontendAccount.charge(nil) }
        // Those beyond are reported at once again, after the other sources had their turn.
        for _ in 0..<16 {
            do throws(VhostError) {
                guard let socket = try System.accept(listener) else { return }
                do throws(VhostError) {
                    try driver.value.peers.check(socket)
                    try open(socket, driver)
                } catch {
                    logRefusal(driver, error)
                }
            } catch {
                return logRefusal(driver, error)
            }
        }
    }

    /// A connection could not be made, for want of descriptors or memory perhaps; a line a second.
    private func logRefusal(_ driver: HeapCell<Driver>, _ error: VhostError) {
        let now = System.nanoseconds()
        noteRefusal(driver, at: now, error)
        guard now &- driver.value.refusalLogged > 1_000_000_000 else { return }
        driver.value.refusalLogged = now
        Log.error { line in
            line.begin(driver.value.path)
            line.add("connection refused: ")
            line.add(error)
        }
    }

    /// Makes a device of a connection. Throws `limitReached`, `outOfMemory`, `system`.
    func open(
        _ socket: consuming FileDescriptor, _ driver: HeapCell<Driver>
    ) throws(VhostError) {
        guard mayOpen(driver) else { throw .limitReached }
        guard driver.value.account?.value.mayReceive ?? true else {
            throw .frontend(.unclosedFiles)
        }
        try DescriptorShare.check(socket.number, of: driver.value.path)
        let device = try DeviceTable.open(hooks: value.hooks)
        // Other threads may change what the driver offers.
        let hardware = value.registry.lock.withLock { () -> VdpaDevice? in
            device.adopt(driver)
            driver.value.connectionCount &+= 1
            return driver.value.vdpa
        }
        let vid = Int(device.value.vid)
        do throws(VhostError) {
            try device.adoptVdpa(hardware)
            let slot = try value.slot(vid)
            slot.value.generation &+= 1
            slot.value.didServe = false
            slot.value.start = System.nanoseconds()
            let connection = Connection(socket)
            let number = connection.number
            slot.value.session = Session(connection, device: device)
            try value.poll.add(
                number, token: EventLoop.token(.session, slot.value.generation, vid))
        } catch {
            value.existingSlot(vid)?.value.session = nil
            device.value.isOpen.store(false, ordering: .releasing)
            _ = device.finishClosing()
            throw error
        }
        if let slot = value.existingSlot(vid) { attach(vid, slot, to: driver) }
        Log.notice { line in
            line.begin(driver.value.path)
            line.add("new connection, device ")
            line.add(vid)
        }
        let isAccepted =
            device.value.callbacks?.newConnection.map { $0(device.value.vid) == 0 } ?? true
        if !isAccepted { endSession(vid, nil) }
    }

    private func handleSession(_ vid: Int, _ generation: UInt32) {
        guard let slot = value.existingSlot(vid), slot.value.session != nil,
            slot.value.generation & 0xff_ffff == generation
        else { return }
        FrontendAccount.charge(slot.value.driver?.value.account)
        defer { FrontendAccount.charge(nil) }
        do throws(VhostError) {
            try slot.value.session?.handleInput()
        } catch {
            endSession(vid, error)
        }
    }

    /// Ends a connection and its device.
    func endSession(_ vid: Int, _ error: VhostError?) {
        guard let slot = value.existingSlot(vid), let device = slot.value.session?.device else {
            return
        }
        let before = FrontendAccount.charge(slot.value.driver?.value.account)
        defer { FrontendAccount.charge(before) }
        if let error, !error.isHangUp {
            Log.warning { line in
                line.begin(device.value.path)
                line.add("connection dropped: ")
                line.add(error)
            }
        } else {
            Log.notice { line in
                line.begin(device.value.path)
                line.add("connection closed, device ")
                line.add(vid)
            }
        }
        let end = device.end(error)
        if let driver = slot.value.driver { noteEnd(driver, end) }
        slot.value.didServe =
            device.value.hasRun
            || Reconnection.served(since: slot.value.start, until: System.nanoseconds())
        if let number = slot.value.session?.connection.number { value.poll.remove(number) }
        slot.value.session = nil
        device.close()
        if device.value.isDraining {
            value.drainingCount += 1
        } else {
            detach(vid)
        }
    }

    /// Ends the devices whose memory was cut short under them.
    private func endBrokenDevices() {
        guard MemoryGuard.takeFault() else { return }
        for vid in 0..<DeviceTable.maximumCount {
            guard let slot = value.existingSlot(vid), let device = slot.value.session?.device,
                device.value.isMappingBroken || device.isPostcopyAbandoned
            else { continue }
            endSession(vid, .frontend(.memoryGone))
        }
    }

    /// Asks again for translations of rings that wait for them.
    private func retryRings() {
        guard RingTranslation.takeAwaited() else { return }
        for vid in 0..<DeviceTable.maximumCount {
            value.existingSlot(vid)?.value.session?.device.retryRings()
        }
    }

    /// Ends the drivers that a thread waits to see unregistered.
    private func endClosingDrivers() {
        guard value.closingCount.load(ordering: .acquiring) > 0 else { return }
        for index in 0..<registryCount {
            let closing: HeapCell<Driver>? = value.registry.lock.withLock {
                guard let cell = value.registry.value.cell(index), cell.value.state == .closing
                else {
                    return nil
                }
                return cell
            }
            guard let closing else { continue }
            guard !endSessions(of: closing) else { continue }
            if let listener = closing.value.listener?.number { value.poll.remove(listener) }
            let registry = value.registry
            registry.lock.lock()
            closing.value.stopListening()
            registry.value.release(closing)
            registry.lock.unlock()
            value.closingCount.subtract(1, ordering: .releasing)
        }
    }

    private func finishDraining() {
        guard value.drainingCount > 0 else { return }
        for vid in 0..<DeviceTable.maximumCount {
            guard let device = DeviceTable.draining(vid), device.finishClosing() else { continue }
            value.drainingCount -= 1
            detach(vid)
        }
    }
}

extension HeapCell where Value == Device {
    /// Gives a fresh device what its driver was registered with.
    fileprivate func adopt(_ driver: HeapCell<Driver>) {
        lock.lock()
        value.path = driver.value.path
        value.account = driver.value.account
        value.callbacks = driver.value.callbacks
        value.flags = driver.value.flags
        value.offeredFeatures = driver.value.features
        value.offeredProtocolFeatures = driver.value.protocolFeatures
        value.offeredQueuePairs = driver.value.queuePairs
        value.isNet.store(driver.value.isNet, ordering: .relaxed)
        lock.unlock()
        let history = value.history
        history.lock.withLock {
            history.value.open(reconnections: driver.value.connectionCount)
        }
    }
}
