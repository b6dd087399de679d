// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// The control socket and its thread, which alone touches all but the atomics while it runs. It takes
/// no lock but the registry's, to copy what is told of one socket.
struct ControlServer: ~Copyable {
    /// Most clients at a time; others wait to be accepted.
    static let clientLimit = 12
    /// Most of them that capture: who does may stay, and others want to look.
    static let captureLimit = 8

    /// Where the socket is.
    var path = SocketPath()
    /// Who may ask: this process's effective user.
    var user: UInt32 = 0
    /// Clients may have copies of packets.
    var mayCapture = false
    /// The listening socket.
    var listener: FileDescriptor?
    /// The file that it was bound to.
    var file: System.FileIdentity?
    /// Wakes the thread.
    var wake: FileDescriptor?
    /// The thread.
    var thread = System.Thread.none
    /// No connection is taken before: the last one could not be.
    var acceptsAgain: UInt64 = 0
    /// When a refused client was logged last.
    var refusalLogged: UInt64 = 0
    /// The thread has to end.
    let isEnding = Atomic<Bool>(false)
    /// For its looks.
    let inspector: Inspector

    private var clients = InlineArray<12, HeapCell<ControlClient>?>(repeating: nil)

    /// A closed one. Throws `outOfMemory`.
    init() throws(VhostError) {
        let inspector = try Inspector()
        for index in 0..<Self.clientLimit { clients[index] = try HeapCell(ControlClient()) }
        self.inspector = inspector
    }

    /// The client at an index below `clientLimit`.
    func client(_ index: Int) -> HeapCell<ControlClient>? { clients[index] }
}
