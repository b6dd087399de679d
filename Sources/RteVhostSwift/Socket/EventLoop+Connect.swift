// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// RTE_VHOST_USER_CLIENT: the library connects to a socket at which the frontend listens. Connecting
/// a Unix socket never waits, so the event thread does it between two rounds; a thread of its own,
/// as DPDK has it, would only add a handover to what makes and ends devices.
extension HeapCell where Value == EventLoop {
    /// Attempts between two rounds: the other sources have their turn.
    private static var attemptsAtOnce: Int { 64 }

    /// Milliseconds until a client has to be tried, -1 when none waits.
    var connectTimeout: Int32 {
        let due = value.nextAttempt.load(ordering: .acquiring)
        guard due != .max else { return -1 }
        let now = System.nanoseconds()
        guard due > now else { return 0 }
        return Int32(min((due - now) / 1_000_000 + 1, 60_000))
    }

    /// Tries the clients whose time has come.
    func connectClients() {
        let now = System.nanoseconds()
        guard value.nextAttempt.load(ordering: .acquiring) <= now else { return }
        // First, so that what another thread starts meanwhile is not forgotten.
        value.nextAttempt.store(.max, ordering: .releasing)
        var attempts = 0
        for index in 0..<registryCount {
            guard let (driver, due) = waitingClient(index) else { continue }
            if due <= now, attempts < Self.attemptsAtOnce {
                attempts += 1
                connect(driver)
            }
            noteAttempt(driver)
        }
    }

    /// The client at an index of the registry that waits to be tried, and since when.
    private func waitingClient(_ index: Int) -> (HeapCell<Driver>, UInt64)? {
        value.registry.lock.withLock {
            guard let cell = value.registry.value.cell(index), cell.value.state == .started,
                let due = cell.value.reconnection.due
            else { return nil }
            return (cell, due)
        }
    }

    /// Sees to it that the thread wakes when a client is due.
    private func noteAttempt(_ driver: HeapCell<Driver>) {
        guard let due = driver.value.reconnection.due else { return }
        var known = value.nextAttempt.load(ordering: .acquiring)
        // Another thread only ever puts 0 there.
        while due < known {
            let (isDone, now) = value.nextAttempt.compareExchange(
                expected: known, desired: due, ordering: .acquiringAndReleasing)
            if isDone { return }
            known = now
        }
    }

    /// One attempt.
    private func connect(_ driver: HeapCell<Driver>) {
        // Before the attempt: what comes of the connection may change it.
        change(driver) { $0.value.reconnection.stop() }
        FrontendAccount.charge(driver.value.account)
        defer { FrontendAccount.charge(nil) }
        do throws(VhostError) {
            try open(try takeConnection(driver), driver)
            change(driver) { $0.value.reconnection.isLogged = false }
        } catch {
            tryLater(driver, error)
        }
    }

    private func takeConnection(_ driver: HeapCell<Driver>) throws(VhostError) -> FileDescriptor {
        let fresh = value.registry.lock.withLock { driver.value.fresh.take() }
        if let socket = fresh { return socket }
        let socket = try System.connect(to: driver.value.path)
        try driver.value.peers.check(socket)
        return socket
    }

    private func tryLater(_ driver: HeapCell<Driver>, _ error: VhostError) {
        let tries = driver.value.flags.reconnects
        noteRefusal(driver, at: System.nanoseconds(), error)
        if !driver.value.reconnection.isLogged {
            change(driver) { $0.value.reconnection.isLogged = true }
            Log.add(System.isNobodyThere(error) ? .notice : .warning) { line in
                line.begin(driver.value.path)
                line.add("not connected")
                line.add(tries ? ", tries again: " : ": ")
                line.add(error)
            }
        }
        if tries { change(driver) { $0.value.reconnection.tryLater(System.nanoseconds()) } }
    }

    /// Changes what only this thread changes, under the lock that others take to change the rest.
    private func change(_ driver: HeapCell<Driver>, _ body: (HeapCell<Driver>) -> Void) {
        value.registry.lock.withLock { body(driver) }
    }

    /// A client's connection is gone, and its device with it: looks for the frontend again unless
    /// the driver may not or is about to go.
    func reconnect(_ driver: HeapCell<Driver>, didServe: Bool) {
        guard driver.value.flags.reconnects, driver.value.state == .started,
            driver.value.firstSession < 0
        else { return }
        let now = System.nanoseconds()
        change(driver) {
            if didServe {
                $0.value.reconnection.tryAtOnce(now)
            } else {
                $0.value.reconnection.tryLater(now)
            }
        }
        noteAttempt(driver)
    }
}
