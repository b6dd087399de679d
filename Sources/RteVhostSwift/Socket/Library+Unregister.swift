// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// `rte_vhost_driver_unregister`.
extension Library {
    /// How long `unregister` waits for engines to finish, and for a thread that starts the driver.
    private static var patience: UInt64 { 3_000_000_000 }

    /// Ends a driver and its connections; the callbacks of its devices are called before this
    /// returns, on the event thread. Throws `notFound`; `busy` in a callback, which that thread
    /// would wait for itself in, and when an engine does not finish its copies: engine and pools
    /// must stay then, and the driver goes by itself once they are done.
    static func unregister(_ path: SocketPath) throws(VhostError) {
        let loop = try shared()
        let mayWait = loop.value.thread.load(ordering: .acquiring) != System.currentThread
        let deadline = System.nanoseconds() &+ patience
        while true {
            let closing: (HeapCell<Driver>, UInt32)
            switch try beginClosing(path, loop, mayWait) {
            case .done: return
            case .began(let driver, let generation): closing = (driver, generation)
            case .starting:
                guard System.nanoseconds() < deadline else { throw .busy }
                System.sleep(microseconds: 100)
                continue
            }
            System.signal(loop.value.wake.number)
            return try awaitEnd(loop, closing.0, closing.1, deadline)
        }
    }

    /// How far `beginClosing` came.
    private enum Closing {
        /// It never started, and is gone.
        case done
        /// The event thread has to end this use of the cell.
        case began(HeapCell<Driver>, UInt32)
        /// Another thread is about to start it.
        case starting
    }

    private static func awaitEnd(
        _ loop: HeapCell<EventLoop>, _ driver: HeapCell<Driver>, _ generation: UInt32,
        _ deadline: UInt64
    ) throws(VhostError) {
        while loop.value.registry.lock.withLock({ driver.value.generation }) == generation {
            guard System.nanoseconds() < deadline else { throw .busy }
            System.sleep(microseconds: 100)
        }
    }

    /// Marks a driver for the event thread to end.
    private static func beginClosing(
        _ path: SocketPath, _ loop: HeapCell<EventLoop>, _ mayWait: Bool
    ) throws(VhostError) -> Closing {
        loop.value.registry.lock.lock()
        defer { loop.value.registry.lock.unlock() }
        guard let (_, driver) = loop.value.registry.value.find(path) else { throw .notFound }
        if driver.value.state == .registered {
            let registry = loop.value.registry
            registry.value.release(driver)
            return .done
        }
        guard mayWait else { throw .busy }
        if driver.value.state == .starting { return .starting }
        if driver.value.state != .closing {
            driver.value.state = .closing
            loop.value.closingCount.add(1, ordering: .releasing)
        }
        return .began(driver, driver.value.generation)
    }
}
