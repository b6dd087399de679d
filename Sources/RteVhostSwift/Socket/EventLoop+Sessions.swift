// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// Which sessions are a driver's. A session stays its driver's until no engine works for its device
/// any more: the application may free engine and pools as soon as the driver is gone.
extension HeapCell where Value == EventLoop {
    /// Puts a session's slot into its driver's list.
    func attach(_ vid: Int, _ slot: HeapCell<EventLoop.SessionSlot>, to driver: HeapCell<Driver>) {
        slot.value.driver = driver
        slot.value.previous = -1
        slot.value.next = driver.value.firstSession
        value.existingSlot(slot.value.next)?.value.previous = vid
        driver.value.firstSession = vid
        value.sessionCount += 1
    }

    /// Remembers how a connection of a driver ended, for whoever asks why a port is down.
    func noteEnd(_ driver: HeapCell<Driver>, _ end: ConnectionEnd) {
        value.registry.lock.withLock { driver.value.lastEnd = end }
    }

    /// Remembers why there was no connection, beside how the last one ended.
    func noteRefusal(_ driver: HeapCell<Driver>, at time: UInt64, _ error: VhostError) {
        value.registry.lock.withLock {
            driver.value.lastRefusal = ConnectionEnd(time: time, error: error)
        }
    }

    /// Cells of the registry that were ever used.
    var registryCount: Int { value.registry.lock.withLock { value.registry.value.count } }

    /// False where a driver that has a session would take the last vid that another one, which has
    /// none, may need: one socket's frontends do not lock those of the others out.
    func mayOpen(_ driver: HeapCell<Driver>) -> Bool {
        guard driver.value.firstSession >= 0 else { return true }
        let free = DeviceTable.maximumCount - value.sessionCount
        guard free <= registryCount else { return true }
        var waiting = 0
        for index in 0..<registryCount {
            value.registry.lock.withLock {
                guard let cell = value.registry.value.cell(index), cell.value.state == .started
                else {
                    return
                }
                if cell.value.firstSession < 0 { waiting += 1 }
            }
        }
        return free > waiting
    }

    /// Takes it out: nothing works for its device any more. A client whose only session it was
    /// looks for its frontend again.
    func detach(_ vid: Int) {
        guard let slot = value.existingSlot(vid), let driver = slot.value.driver else { return }
        if let before = value.existingSlot(slot.value.previous) {
            before.value.next = slot.value.next
        } else {
            driver.value.firstSession = slot.value.next
        }
        value.existingSlot(slot.value.next)?.value.previous = slot.value.previous
        slot.value.driver = nil
        slot.value.previous = -1
        slot.value.next = -1
        value.sessionCount -= 1
        reconnect(driver, didServe: slot.value.didServe)
    }

    /// Ends a driver's connections. True while an engine still copies for one of its devices: the
    /// driver stays until it is done.
    func endSessions(of driver: HeapCell<Driver>) -> Bool {
        // Bounded by the list; a session that ends may leave it.
        var vid = driver.value.firstSession
        while let slot = value.existingSlot(vid) {
            let next = slot.value.next
            if slot.value.session != nil { endSession(vid, nil) }
            vid = next
        }
        return driver.value.firstSession >= 0
    }
}

extension HeapCell where Value == Device {
    /// How its connection ends now. Event thread.
    func end(_ error: VhostError?) -> ConnectionEnd {
        let isHangUp = error?.isHangUp ?? true
        let time = System.nanoseconds()
        return value.history.lock.withLock {
            var request: UInt32?
            // The last record may be of what was no message.
            for index in 0..<value.history.value.count {
                request = value.history.value[index].request ?? request
            }
            var refusal = value.history.value.lastRefusal
            // What was no message is the error itself.
            if refusal?.request == nil { refusal = nil }
            if error == .frontend(.memoryGone) { value.history.value.addMemoryFault(at: time) }
            return ConnectionEnd(
                time: time, error: isHangUp ? nil : error, vid: value.vid, request: request ?? 0,
                refusal: refusal)
        }
    }
}
