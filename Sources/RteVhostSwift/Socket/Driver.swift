// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// A registered socket: what `rte_vhost_driver_register` makes and connections are made of. Its
/// cell is recycled, never freed. All but `state` is guarded by the registry's lock.
struct Driver: ~Copyable {
    /// Where a driver stands.
    enum State: Int {
        /// The cell is free.
        case unused
        /// Registered, not started.
        case registered
        /// A thread is in `rte_vhost_driver_start`, which has the socket's path for itself.
        case starting
        /// Listening, or connected, or trying to connect; a client that may not try again stays
        /// here when its connection is gone.
        case started
        /// `rte_vhost_driver_unregister` waits for the event thread to end it.
        case closing
    }

    /// Next driver of the registry's chain or list of free cells, or -1.
    var next = -1
    /// When a client connects next. Changed by the event thread alone, once it is started.
    var reconnection = Reconnection()
    /// The socket's path.
    var path = SocketPath()
    /// RTE_VHOST_USER_…
    var flags = DriverFlags(rawValue: 0)
    /// Features offered to frontends.
    var features: UInt64 = 0
    /// Protocol features offered.
    var protocolFeatures: UInt64 = 0
    /// Queue pairs offered.
    var queuePairs: UInt32 = 128
    /// The built-in net backend serves its devices.
    var isNet = true
    /// Hardware that serves its devices.
    var vdpa: VdpaDevice?
    /// The application's callbacks.
    var callbacks: DeviceCallbacks?
    /// Who may be at the other end of its connections; not changed once it is started.
    var peers = PeerRule()
    /// The listening socket.
    var listener: FileDescriptor?
    /// The file that the listening socket was bound to; another one at the path is not removed.
    var file: System.FileIdentity?
    /// The connection that `rte_vhost_driver_start` made for a client, until the event thread takes
    /// it.
    var fresh: FileDescriptor?
    /// First of its devices that are connected or wait for an engine, or -1. Event thread.
    var firstSession = -1
    /// Connections that became devices since it was registered.
    var connectionCount: UInt64 = 0
    /// How its last connection that became a device ended, if any did.
    var lastEnd: ConnectionEnd?
    /// Why a connection became none, the last time that one did not: a peer that was refused, or an
    /// attempt to connect that failed.
    var lastRefusal: ConnectionEnd?
    /// When a refused connection was logged last, in nanoseconds; a line a second is enough.
    var refusalLogged: UInt64 = 0
    /// What its frontends cost; not changed while it is registered.
    private(set) var account: HeapCell<FrontendAccount>?
    /// Counts uses of the cell, so that an event for an earlier use is known as stale.
    var generation: UInt32 = 0

    private let atomicState = Atomic<Int>(State.unused.rawValue)

    /// A free cell.
    init() {}

    /// Where the driver stands.
    var state: State {
        get { State(rawValue: atomicState.load(ordering: .acquiring)) ?? .unused }
        nonmutating set { atomicState.store(newValue.rawValue, ordering: .releasing) }
    }

    /// Closes the listening socket and removes its file, unless another one took its place. Copies
    /// of the socket that a child process has listen no longer either.
    mutating func stopListening() {
        guard let socket = listener.take() else { return }
        if let file, System.identity(path) == file { System.unlink(path) }
        System.shutDown(socket)
        file = nil
    }

    /// A fresh account for a new driver. A burdened one is left to the threads that come back to
    /// it. Throws `outOfMemory`.
    mutating func openAccount(_ path: SocketPath) throws(VhostError) {
        if account?.value.isBurdened ?? true {
            account = try HeapCell(FrontendAccount())
        }
        if let account { account.lock.withLock { account.value.open(path) } }
    }

    /// Back to a free cell.
    mutating func reset() {
        path = SocketPath()
        callbacks = nil
        peers = PeerRule()
        refusalLogged = 0
        lastEnd = nil
        connectionCount = 0
        lastRefusal = nil
        vdpa = nil
        listener = nil
        file = nil
        reconnection = Reconnection()
        fresh = nil
        firstSession = -1
        isNet = true
        queuePairs = 128
        generation &+= 1
        state = .unused
    }
}
