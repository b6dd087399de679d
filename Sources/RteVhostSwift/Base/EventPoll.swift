// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// An epoll instance whose events carry a number.
@safe
struct EventPoll: ~Copyable {
    private let descriptor: FileDescriptor
    private let events: FixedBuffer<epoll_event>

    /// Events fetched at once.
    private static let batch = 64

    /// A new instance. Throws `system`, `outOfMemory`.
    init() throws(VhostError) {
        // SAFETY: zero is a valid epoll_event.
        let events = try unsafe FixedBuffer(count: Self.batch, repeating: epoll_event())
        let number = try System.check(epoll_create1(Int32(EPOLL_CLOEXEC)))
        descriptor = FileDescriptor(owning: number)
        unsafe self.events = events
    }

    /// Watches a descriptor for input; its events carry `token`. Throws `system`.
    borrowing func add(_ number: Int32, token: UInt64) throws(VhostError) {
        var event = unsafe epoll_event()
        unsafe event.events = EPOLLIN.rawValue
        unsafe event.data.u64 = token
        // SAFETY: the event lives through the call.
        _ = try System.check(
            unsafe epoll_ctl(descriptor.number, EPOLL_CTL_ADD, number, &event))
    }

    /// Stops watching, before the descriptor is closed: one that a child process has a copy of
    /// would be reported for ever.
    borrowing func remove(_ number: Int32) {
        // SAFETY: no event is passed.
        _ = epoll_ctl(descriptor.number, EPOLL_CTL_DEL, number, nil)
    }

    /// Waits at most `milliseconds` (-1: for ever) and calls `body` with each event's token.
    borrowing func wait(milliseconds: Int32, _ body: (UInt64) -> Void) {
        // SAFETY: the buffer has room for a batch.
        let count = unsafe epoll_wait(
            descriptor.number, events.base, Int32(Self.batch), milliseconds)
        guard count > 0 else { return }
        for index in 0..<Int(count) { unsafe body(events[index].data.u64) }
    }
}
