// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// What `rte_vhost_driver_…` functions do to the registry and the event thread.
enum Library {
    /// The process's event loop.
    private static let loop = LazyCell<EventLoop>()

    private static func makeLoop() throws(VhostError) -> HeapCell<EventLoop> {
        let loop = try HeapCell(try EventLoop(hooks: NetQueue.hooks))
        // Last: what is told of the loop's descriptors keeps their numbers.
        MemoryGuard.install(event: loop.value.wake.number)
        PostcopyWatch.install(event: loop.value.wake.number)
        return loop
    }

    /// The loop, for a function of the API. Throws `outOfMemory` and `system` where there are
    /// neither descriptors nor memory for it now; `unsupported` in a child process of the one whose
    /// event thread it is.
    static func shared() throws(VhostError) -> HeapCell<EventLoop> {
        let loop = try loop.get { () throws(VhostError) in try makeLoop() }
        guard loop.value.isUsable else { throw .unsupported }
        return loop
    }

    /// The loop if there is one: for a look at its registry.
    static var existing: HeapCell<EventLoop>? { loop.existing }

    /// In a child process, while it has one thread: the registry may be looked at. Of words about
    /// ends a half may be written: they are forgotten.
    static func freeInChild() {
        loop.freeInChild()
        guard let registry = existing?.value.registry, registry.lock.freeInChild() else { return }
        for index in 0..<registry.value.count {
            registry.value.cell(index)?.value.lastEnd = nil
            registry.value.cell(index)?.value.lastRefusal = nil
        }
    }

    /// Registers a socket. Throws `exists`, `invalidArgument`, `unsupported`, `limitReached`,
    /// `outOfMemory`, `badUserList`.
    static func register(_ path: SocketPath, _ flags: DriverFlags) throws(VhostError) {
        guard flags.rawValue & ~DriverFlags.known == 0 else { throw .invalidArgument }
        EventSignal.prepare()
        let loop = try shared()
        loop.value.registry.lock.lock()
        defer { loop.value.registry.lock.unlock() }
        guard loop.value.registry.value.find(path) == nil else { throw .exists }
        let environment = try System.allowedUsers()
        let registry = loop.value.registry
        let driver = try registry.value.claim(path)
        driver.value.flags = flags
        driver.value.peers.environment = environment
        driver.value.features = Feature.netDefaults(flags)
        driver.value.protocolFeatures = flags.protocolFeatures
        driver.value.state = .registered
    }

    /// Changes a registered driver under the registry's lock. Throws `notFound`. Fields one by one:
    /// some are the event thread's, which does not take the lock for them.
    static func change<Result>(
        _ path: SocketPath, _ body: (HeapCell<Driver>) -> Result
    ) throws(VhostError) -> Result {
        let loop = try shared()
        loop.value.registry.lock.lock()
        defer { loop.value.registry.lock.unlock() }
        guard let (_, driver) = loop.value.registry.value.find(path) else { throw .notFound }
        return body(driver)
    }

    /// Says who may be at the other end of a driver's connections. Throws `notFound`, and `busy` once
    /// it is started.
    static func allow(_ path: SocketPath, _ users: UserList) throws(VhostError) {
        let isDone = try change(path) { driver in
            guard driver.value.state == .registered else { return false }
            driver.value.peers.application = users
            return true
        }
        guard isDone else { throw .busy }
    }

    /// Replaces the offered features; the application then serves its devices by itself.
    static func setFeatures(_ path: SocketPath, _ features: UInt64) throws(VhostError) {
        try change(path) { driver in
            driver.value.features = features & ~driver.value.flags.withheldFeatures
            driver.value.isNet = false
        }
    }

    /// Adds features that this release can serve.
    static func enableFeatures(_ path: SocketPath, _ features: UInt64) throws(VhostError) {
        try change(path) {
            $0.value.features |= features & ~$0.value.flags.withheldFeatures
        }
    }
}
