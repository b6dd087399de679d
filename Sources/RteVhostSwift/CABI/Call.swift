// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// What the exported functions share: from a typed error to a log line and an integer.
enum Call {
    /// Runs `body` with the path a caller gave: 0, or -1 with one log line that names function,
    /// socket and reason.
    static func result(
        _ function: StaticString, _ path: UnsafePointer<CChar>?,
        _ body: (SocketPath) throws(VhostError) -> Void
    ) -> Int32 {
        guard let path = unsafe Call.path(function, path) else { return -1 }
        do throws(VhostError) {
            try body(path)
            return 0
        } catch {
            Log.error { line in
                line.begin(function, path)
                line.add(error)
            }
            return -1
        }
    }

    /// The same for functions that name a device and a queue.
    static func result(
        _ function: StaticString, _ vid: Int32, _ queue: UInt16,
        _ body: () throws(VhostError) -> Void
    ) -> Int32 {
        count(function, vid, queue) { () throws(VhostError) in
            try body()
            return 0
        }
    }

    /// The same for those among them that give a number when nothing is wrong.
    static func count(
        _ function: StaticString, _ vid: Int32, _ queue: UInt16,
        _ body: () throws(VhostError) -> Int
    ) -> Int32 {
        do throws(VhostError) {
            return Int32(try body())
        } catch {
            log(function, vid, queue, error)
            return -1
        }
    }

    /// One line that names function and reason.
    static func log(_ function: StaticString, _ error: VhostError) {
        Log.error { line in
            line.add(function)
            line.add(": ")
            line.add(error)
        }
    }

    /// One line that names function, socket, queue and reason.
    static func log(
        _ function: StaticString, _ vid: Int32, _ queue: UInt16, _ error: VhostError,
        _ topic: Log.Topic = .config
    ) {
        // Another connection may take the vid at any time.
        let path = DeviceTable.find(vid).map { device in
            device.lock.withLock { device.value.path }
        }
        Log.error(topic) { line in
            line.begin(function, device: Int(vid), path)
            line.add("queue ")
            line.add(Int(queue))
            line.add(": ")
            line.add(error)
        }
    }

    /// The same where no queue is concerned.
    static func log(_ function: StaticString, _ vid: Int32, _ error: VhostError) {
        Log.error { line in
            line.add(function)
            line.add(": device ")
            line.add(Int(vid))
            line.add(": ")
            line.add(error)
        }
    }

    /// A device by vid; nil, with a log line, when there is none.
    static func device(_ function: StaticString, _ vid: Int32) -> HeapCell<Device>? {
        if let device = DeviceTable.find(vid) { return device }
        Log.error { line in
            line.add(function)
            line.add(": there is no device ")
            line.add(Int(vid))
        }
        return nil
    }

    /// The path a caller gave. Nil, with a log line, for NULL, an empty one or one that no socket
    /// address holds.
    static func path(_ function: StaticString, _ path: UnsafePointer<CChar>?) -> SocketPath? {
        if let path = unsafe SocketPath(path) { return path }
        Log.error { line in
            line.add(function)
            line.add(": the path is missing, empty or longer than 107 bytes")
        }
        return nil
    }

    /// Calls the application's `guest_notified`, if it has one.
    static func tellNotified(_ device: HeapCell<Device>, _ vid: Int32) {
        // The device may end, and another one begin, at any time.
        let callbacks = device.lock.withLock { device.value.callbacks }
        callbacks?.guestNotified?(vid)
    }
}
