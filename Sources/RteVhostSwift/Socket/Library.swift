// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// What `rte_vhost_driver_…` functions do to the registry and the event thread.
enum Library {
    /// The process's event loop; nil when the system gives neither descriptors nor memory for it.
    static let loop: HeapCell<EventLoop>? = makeLoop()

    private static func makeLoop() -> HeapCell<EventLoop>? {
        EventSignal.prepare()
        guard let loop = try? EventLoop(hooks: NetQueue.hooks) else { return nil }
        MemoryGuard.install(event: loop.wake.number)
        PostcopyWatch.install(event: loop.wake.number)
        return try? HeapCell(loop)
    }

    private static func shared() throws(VhostError) -> HeapCell<EventLoop> {
        guard let loop else { throw .outOfMemory }
        return loop
    }

    /// Registers a socket. Throws `exists`, `invalidArgument`, `unsupported`, `limitReached`,
    /// `outOfMemory`.
    static func register(_ path: SocketPath, _ flags: DriverFlags) throws(VhostError) {
        guard flags.rawValue & ~DriverFlags.known == 0 else { throw .invalidArgument }
        let loop = try shared()
        loop.value.registry.lock.lock()
        defer { loop.value.registry.lock.unlock() }
        guard loop.value.registry.find(path) == nil else { throw .exists }
        let driver = try loop.value.registry.claim(path)
        driver.value.flags = flags
        driver.value.features = Feature.netDefaults(flags)
        driver.value.protocolFeatures = flags.protocolFeatures
        driver.value.state = .registered
    }

    /// Changes a registered driver under the registry's lock. Throws `notFound`.
    static func change<Result>(
        _ path: SocketPath, _ body: (inout Driver) -> Result
    ) throws(VhostError) -> Result {
        let loop = try shared()
        loop.value.registry.lock.lock()
        defer { loop.value.registry.lock.unlock() }
        guard let (_, driver) = loop.value.registry.find(path) else { throw .notFound }
        return body(&driver.value)
    }

    /// Replaces the offered features; the application then serves its devices by itself.
    static func setFeatures(_ path: SocketPath, _ features: UInt64) throws(VhostError) {
        try change(path) { driver in
            driver.features = features & ~driver.flags.withheldFeatures
            driver.isNet = false
        }
    }

    /// Adds features that this release can serve.
    static func enableFeatures(_ path: SocketPath, _ features: UInt64) throws(VhostError) {
        try change(path) {
            $0.features |= features & ~$0.flags.withheldFeatures
        }
    }

    /// Begins to listen, or to connect. Throws `notFound`, `busy` when it does already,
    /// `invalidArgument` without callbacks, `system`. A client that may try again goes on where nobody listens.
    static func start(_ path: SocketPath) throws(VhostError) {
        let loop = try shared()
        let (state, hasCallbacks, flags) = try change(path) {
            ($0.state, $0.callbacks != nil, $0.flags)
        }
        guard state == .registered else { throw .busy }
        guard hasCallbacks else { throw .invalidArgument }
        try startThread(loop)
        guard !flags.isClient else { return try startClient(loop, path, flags) }
        let listener = try listen(at: path)
        let number = listener.number
        let token = try publish(loop, path, listener)
        do throws(VhostError) {
            try loop.value.poll.add(number, token: token)
        } catch {
            try change(path) { driver in
                driver.listener = nil
                driver.state = .registered
            }
            throw error
        }
    }

    /// DPDK 21.08: without RTE_VHOST_USER_NO_RECONNECT this succeeds whoever listens.
    private static func startClient(
        _ loop: HeapCell<EventLoop>, _ path: SocketPath, _ flags: DriverFlags
    ) throws(VhostError) {
        let fresh = flags.reconnects ? nil : try System.connect(to: path)
        try publishClient(loop, path, fresh)
        loop.value.nextAttempt.store(0, ordering: .releasing)
        System.signal(loop.value.wake.number)
    }

    private static func publishClient(
        _ loop: HeapCell<EventLoop>, _ path: SocketPath, _ fresh: consuming FileDescriptor?
    ) throws(VhostError) {
        loop.value.registry.lock.lock()
        defer { loop.value.registry.lock.unlock() }
        guard let (_, driver) = loop.value.registry.find(path),
            driver.value.state == .registered
        else { throw .busy }
        driver.value.fresh = consume fresh
        driver.value.reconnection.tryAtOnce(System.nanoseconds())
        driver.value.state = .started
    }

    private static func publish(
        _ loop: HeapCell<EventLoop>, _ path: SocketPath, _ listener: consuming FileDescriptor
    ) throws(VhostError) -> UInt64 {
        loop.value.registry.lock.lock()
        defer { loop.value.registry.lock.unlock() }
        guard let (index, driver) = loop.value.registry.find(path),
            driver.value.state == .registered
        else { throw .busy }
        driver.value.listener = consume listener
        driver.value.file = System.identity(path)
        driver.value.state = .started
        return EventLoop.token(.listener, driver.value.generation, index)
    }

    /// A listening socket. A socket file that nobody listens at is left over from a process that
    /// died: it is replaced; anything else at that path is not ours to remove.
    private static func listen(at path: SocketPath) throws(VhostError) -> FileDescriptor {
        do throws(VhostError) {
            return try System.listen(at: path, backlog: 128)
        } catch {
            guard System.isAddressInUse(error), System.isSocket(path),
                !System.hasListener(at: path)
            else { throw error }
            System.unlink(path)
            return try System.listen(at: path, backlog: 128)
        }
    }

    private static func startThread(_ loop: HeapCell<EventLoop>) throws(VhostError) {
        loop.value.registry.lock.lock()
        defer { loop.value.registry.lock.unlock() }
        guard !loop.value.isStarted else { return }
        try System.startThread(OpaqueCell(loop)) { cell in
            cell.cell(of: EventLoop.self).run()
        }
        loop.value.isStarted = true
    }

    /// How long `unregister` waits for engines to finish.
    private static var patience: UInt64 { 3_000_000_000 }

    /// Ends a driver and its connections; the callbacks of its devices are called before this
    /// returns, on the event thread. Throws `notFound`; `busy` in a callback, which that thread
    /// would wait for itself in, and when an engine does not finish its copies: engine and pools
    /// must stay then, and the driver goes by itself once they are done.
    static func unregister(_ path: SocketPath) throws(VhostError) {
        let loop = try shared()
        guard loop.value.thread.load(ordering: .acquiring) != System.currentThread else {
            throw .busy
        }
        guard let (driver, generation) = try beginClosing(path, loop) else { return }
        System.signal(loop.value.wake.number)
        let deadline = System.nanoseconds() &+ patience
        while loop.value.registry.lock.withLock({ driver.value.generation }) == generation {
            guard System.nanoseconds() < deadline else { throw .busy }
            System.sleep(microseconds: 100)
        }
    }

    /// Marks a driver for the event thread to end; nil for one that never started, which is gone
    /// at once.
    private static func beginClosing(
        _ path: SocketPath, _ loop: HeapCell<EventLoop>
    ) throws(VhostError) -> (HeapCell<Driver>, UInt32)? {
        loop.value.registry.lock.lock()
        defer { loop.value.registry.lock.unlock() }
        guard let (_, driver) = loop.value.registry.find(path) else { throw .notFound }
        guard driver.value.state != .registered else {
            loop.value.registry.release(driver)
            return nil
        }
        if driver.value.state != .closing {
            driver.value.state = .closing
            loop.value.closingCount.add(1, ordering: .releasing)
        }
        return (driver, driver.value.generation)
    }
}
