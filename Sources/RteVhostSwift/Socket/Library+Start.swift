// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// `rte_vhost_driver_start`.
extension Library {
    /// Begins to listen, or to connect. Throws `notFound`, `busy` when it does already,
    /// `invalidArgument` without callbacks, `system`, `foreignUser` for a client that may not try
    /// again. A client that may try again goes on where
    /// nobody listens.
    static func start(_ path: SocketPath) throws(VhostError) {
        let loop = try shared()
        let (index, driver) = try beginStarting(loop, path)
        do throws(VhostError) {
            try startThread(loop)
            if driver.value.flags.isClient {
                try startClient(loop, driver)
            } else {
                try startListening(loop, driver, index)
            }
        } catch {
            loop.value.registry.lock.withLock {
                driver.value.stopListening()
                driver.value.state = .registered
            }
            throw error
        }
    }

    /// Takes a driver from all other threads: two that start it would take the socket for one that
    /// a dead process left, as long as it is bound and does not listen yet.
    private static func beginStarting(
        _ loop: HeapCell<EventLoop>, _ path: SocketPath
    ) throws(VhostError) -> (Int, HeapCell<Driver>) {
        loop.value.registry.lock.lock()
        defer { loop.value.registry.lock.unlock() }
        guard let (index, driver) = loop.value.registry.value.find(path) else { throw .notFound }
        guard driver.value.state == .registered else { throw .busy }
        guard driver.value.callbacks != nil else { throw .invalidArgument }
        driver.value.state = .starting
        return (index, driver)
    }

    /// DPDK 21.08: without RTE_VHOST_USER_NO_RECONNECT this succeeds whoever listens.
    private static func startClient(
        _ loop: HeapCell<EventLoop>, _ driver: HeapCell<Driver>
    ) throws(VhostError) {
        if !driver.value.flags.reconnects {
            let socket = try System.connect(to: driver.value.path)
            try driver.value.peers.check(socket)
            driver.value.fresh = consume socket
        }
        driver.value.reconnection.tryAtOnce(System.nanoseconds())
        finishStarting(loop, driver)
        loop.value.nextAttempt.store(0, ordering: .releasing)
        System.signal(loop.value.wake.number)
    }

    private static func startListening(
        _ loop: HeapCell<EventLoop>, _ driver: HeapCell<Driver>, _ index: Int
    ) throws(VhostError) {
        let listener = try listen(at: driver.value.path)
        let number = listener.number
        driver.value.listener = consume listener
        driver.value.file = System.identity(driver.value.path)
        // A connection that comes before the next line is reported until then.
        try loop.value.poll.add(
            number, token: EventLoop.token(.listener, driver.value.generation, index))
        finishStarting(loop, driver)
    }

    private static func finishStarting(_ loop: HeapCell<EventLoop>, _ driver: HeapCell<Driver>) {
        loop.value.registry.lock.withLock { driver.value.state = .started }
    }

    /// A listening socket. A socket file that nobody listens at is left over from a process that
    /// died: it is replaced; anything else at that path is not ours to remove.
    static func listen(
        at path: SocketPath, mode: UInt32? = nil
    ) throws(VhostError) -> FileDescriptor {
        do throws(VhostError) {
            return try System.listen(at: path, backlog: 128, mode: mode)
        } catch {
            guard System.isAddressInUse(error), StaleSocket.remove(path) else { throw error }
            return try System.listen(at: path, backlog: 128, mode: mode)
        }
    }

    private static func startThread(_ loop: HeapCell<EventLoop>) throws(VhostError) {
        loop.value.registry.lock.lock()
        defer { loop.value.registry.lock.unlock() }
        guard !loop.value.isStarted.load(ordering: .relaxed) else { return }
        try loop.value.belongHere()
        try System.startThread(OpaqueCell(loop)) { cell in
            cell.cell(of: EventLoop.self).run()
        }
        loop.value.isStarted.store(true, ordering: .releasing)
    }
}
