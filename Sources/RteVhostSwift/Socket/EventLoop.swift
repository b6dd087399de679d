// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// The event thread: listening sockets, connections, and the end of both. One in the process,
/// started with the first driver.
struct EventLoop: ~Copyable {
    /// What an event's token names: in its upper eight bits, a generation of 24 bits and an index
    /// of 32 below.
    enum Source: UInt64 {
        case wake
        case listener
        case session
    }

    /// A session's place; recycled with its device's vid.
    struct SessionSlot: ~Copyable {
        /// The connection and its device; nil while the slot is free.
        var session: Session?
        /// The socket it came in by.
        var driver: HeapCell<Driver>?
        /// Counts uses of the slot, so that an event for an earlier use is known as stale.
        var generation: UInt32 = 0
        /// When the connection was made.
        var start: UInt64 = 0
        /// The connection came to something: a client looks for the next one at once.
        var didServe = false
        /// Neighbours in the driver's list, or -1.
        var previous = -1
        /// See `previous`.
        var next = -1
    }

    /// Devices whose connection is gone and whose engine still copies. Event thread.
    var drainingCount = 0
    /// Registered sockets.
    let registry: HeapCell<DriverRegistry>
    /// How devices reach their datapath.
    let hooks: DatapathHooks
    /// What the thread waits on.
    private(set) var poll: EventPoll
    /// Wakes the thread.
    private(set) var wake: FileDescriptor
    /// The process that made both, and whose thread waits on them.
    private var process = System.currentProcess
    /// The thread's identity, 0 before it runs.
    let thread = Atomic<UInt>(0)
    /// The thread was started.
    let isStarted = Atomic<Bool>(false)
    /// When the next client has to be tried; `max` for never.
    let nextAttempt = Atomic<UInt64>(.max)
    /// Drivers that threads wait to see unregistered.
    let closingCount = Atomic<Int>(0)
    /// Sessions in the lists of drivers.
    var sessionCount = 0

    private var slots = InlineArray<1024, HeapCell<SessionSlot>?>(repeating: nil)

    /// A loop without thread. Throws `system`, `outOfMemory`.
    init(hooks: DatapathHooks) throws(VhostError) {
        let poll = try EventPoll()
        let wake = try System.makeEvent()
        try poll.add(wake.number, token: Self.token(.wake, 0, 0))
        registry = try HeapCell(DriverRegistry())
        self.hooks = hooks
        self.poll = poll
        self.wake = wake
    }

    /// False in a child process once its parent's thread was started: it has no such thread, and
    /// shares what it waits on, so that its sockets would be reported to the parent.
    var isUsable: Bool {
        !isStarted.load(ordering: .acquiring) || process == System.currentProcess
    }

    /// Before the thread starts: a child process, the application that became a daemon perhaps,
    /// gets an epoll instance of its own. Throws `system`, `outOfMemory`.
    mutating func belongHere() throws(VhostError) {
        guard process != System.currentProcess else { return }
        let poll = try EventPoll()
        let wake = try System.makeEvent()
        try poll.add(wake.number, token: Self.token(.wake, 0, 0))
        MemoryGuard.setEvent(wake.number)
        PostcopyWatch.install(event: wake.number)
        self.poll = poll
        self.wake = wake
        process = System.currentProcess
    }

    /// The token of a source.
    static func token(_ source: Source, _ generation: UInt32, _ index: Int) -> UInt64 {
        source.rawValue << 56 | UInt64(generation & 0xff_ffff) << 32 | UInt64(index)
    }

    /// The session slot of a vid, made if it is new. Throws `outOfMemory`.
    mutating func slot(_ vid: Int) throws(VhostError) -> HeapCell<SessionSlot> {
        if let slot = slots[vid] { return slot }
        let slot = try HeapCell(SessionSlot(session: nil))
        slots[vid] = slot
        return slot
    }

    /// The session slot of a vid, if there was one.
    func existingSlot(_ vid: Int) -> HeapCell<SessionSlot>? {
        vid >= 0 && vid < 1024 ? slots[vid] : nil
    }
}
