// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// One wrapper for each system call that the library makes; every failure leaves through `check`.
enum System {
    /// The one place where errno becomes an error.
    static func check(_ result: Int) throws(VhostError) -> Int {
        guard result < 0 else { return result }
        throw .system(crte_errno())
    }

    /// The same for calls that give an `int`.
    static func check(_ result: Int32) throws(VhostError) -> Int32 {
        guard result < 0 else { return result }
        throw .system(crte_errno())
    }

    /// A new listening Unix stream socket at `path`, which must not exist; its file has no more
    /// permissions than `mode` from the first moment.
    static func listen(
        at path: SocketPath, backlog: Int32, mode: UInt32? = nil
    ) throws(VhostError) -> FileDescriptor {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let socket = FileDescriptor(owning: try check(CRteVhost.socket(AF_UNIX, type, 0)))
        // unix(7): the file gets the mode of the socket, less the umask.
        if let mode { _ = try check(crte_set_socket_mode(socket.number, mode)) }
        try bind(socket, to: path)
        guard CRteVhost.listen(socket.number, backlog) == 0 else {
            let code = crte_errno()
            unlink(path)
            throw .system(code)
        }
        return socket
    }

    private static func bind(
        _ socket: borrowing FileDescriptor, to path: SocketPath
    ) throws(VhostError) {
        var address = path.address
        // SAFETY: the address lives through the call.
        _ = try check(unsafe crte_bind(socket.number, &address))
    }

    /// True for the error of a path that is taken.
    static func isAddressInUse(_ error: VhostError) -> Bool { error == .system(EADDRINUSE) }

    /// A connection to whoever listens at `path`, non-blocking; never waits: a listener whose
    /// backlog is full is an error. Throws `system`.
    static func connect(to path: SocketPath) throws(VhostError) -> FileDescriptor {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let socket = FileDescriptor(owning: try check(CRteVhost.socket(AF_UNIX, type, 0)))
        var address = path.address
        // SAFETY: the address lives through the call.
        _ = try check(unsafe crte_connect(socket.number, &address))
        return socket
    }

    /// True for the error of a connection to a path where nobody listens, or who does is busy.
    static func isNobodyThere(_ error: VhostError) -> Bool {
        error == .system(ECONNREFUSED) || error == .system(ENOENT) || error == .system(EAGAIN)
    }

    /// True when somebody accepts connections at `path`, and when nobody can tell.
    static func hasListener(at path: SocketPath) -> Bool {
        do throws(VhostError) {
            _ = try connect(to: path)
            return true
        } catch {
            return error != .system(ECONNREFUSED) && error != .system(ENOENT)
        }
    }

    /// The next waiting connection, non-blocking; nil when there is none. Throws `system`.
    static func accept(_ listener: Int32) throws(VhostError) -> FileDescriptor? {
        let number = crte_accept(listener)
        guard number < 0 else { return FileDescriptor(owning: number) }
        let code = crte_errno()
        if code == EAGAIN || code == EINTR || code == ECONNABORTED { return nil }
        // Out of descriptors or memory: the connection stays in the queue and epoll reports it at
        // once again, so wait a little rather than spin.
        sleep(microseconds: 10_000)
        throw .system(code)
    }

    /// An eventfd that the event loop is woken with.
    static func makeEvent() throws(VhostError) -> FileDescriptor {
        FileDescriptor(
            owning: try check(eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))))
    }

    /// True while writes to a descriptor fail rather than wait. Its flags are shared with the peer
    /// that sent it, who may change them.
    static func isNonBlocking(_ number: Int32) -> Bool {
        crte_fcntl_get_flags(number) & O_NONBLOCK != 0
    }

    /// Adds one to an eventfd. False when it is full, closed or no eventfd.
    @discardableResult
    static func signal(_ event: Int32) -> Bool {
        // Bounded, should signals come faster than calls.
        for _ in 0..<16 {
            if eventfd_write(event, 1) == 0 { return true }
            guard crte_errno() == EINTR else { return false }
        }
        return false
    }

    /// Reads an eventfd back to zero.
    static func clear(_ event: Int32) {
        var value: eventfd_t = 0
        // SAFETY: the address is good for the call.
        _ = unsafe eventfd_read(event, &value)
    }

    /// True for an eventfd, the one kind of descriptor that a notification may be written to: a
    /// pipe or socket could raise SIGPIPE or wait for a reader, and asking a file what it is may
    /// wait for whoever serves it. The name that the kernel gives to it asks nobody.
    static func isEvent(_ descriptor: borrowing FileDescriptor) -> Bool {
        crte_is_eventfd(descriptor.number) == 1
    }

    /// Makes writes to a descriptor fail rather than wait.
    static func setNonBlocking(_ descriptor: borrowing FileDescriptor) throws(VhostError) {
        let flags = try check(crte_fcntl_get_flags(descriptor.number))
        _ = try check(crte_fcntl_set_flags(descriptor.number, flags | O_NONBLOCK))
    }

    /// What the environment says; nil for nothing. Not a `String`, which needs memory.
    static func environment(_ name: StaticString) -> UnsafeMutablePointer<CChar>? {
        // SAFETY: a static string ends with a zero byte.
        unsafe getenv(UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self))
    }

    /// Descriptors that the process may have: RLIMIT_NOFILE.
    static var descriptorLimit: UInt64 { crte_descriptor_limit() }

    /// Nanoseconds of the monotonic clock.
    static func nanoseconds() -> UInt64 {
        var time = timespec()
        // SAFETY: the address is good for the call.
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
