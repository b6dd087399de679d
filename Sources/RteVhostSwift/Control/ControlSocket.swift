// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// Opens and closes the process's control socket.
enum ControlSocket {
    /// Where it stands; opening and closing take time, and are one thread's.
    private enum State: UInt64 {
        case closed
        case changing
        case open

        /// Of the word that `standing` keeps.
        init(_ word: UInt64) { self = State(rawValue: word & 0xffff_ffff) ?? .closed }

        /// The word for this process.
        var word: UInt64 { ControlSocket.processBits | rawValue }
    }

    /// RTEVHOSTSWIFT_CONTROL_CAPTURE
    private static let captureFlag: UInt64 = 1

    private static let server = LazyCell<ControlServer>()
    /// State, and in the upper half the process whose it is: a child process has neither the thread
    /// nor the file. One word, so that of two threads of a child one alone puts it in order.
    private static let standing = Atomic<UInt64>(0)
    private static let didReadEnvironment = Atomic<Bool>(false)

    /// Opens it. Throws `invalidArgument`, `exists`, `busy` while another thread opens or closes it,
    /// `outOfMemory`, `system`.
    static func open(_ path: SocketPath, flags: UInt64) throws(VhostError) {
        guard flags & ~captureFlag == 0 else { throw .invalidArgument }
        try takeOver()
        try claim(from: .closed, orElse: .exists)
        do throws(VhostError) {
            let cell = try server.get { () throws(VhostError) in try HeapCell(ControlServer()) }
            cell.value.mayCapture = flags & captureFlag != 0
            try start(cell, path)
            standing.store(State.open.word, ordering: .releasing)
        } catch {
            if let cell = server.existing { letGo(cell) }
            standing.store(State.closed.word, ordering: .releasing)
            throw error
        }
    }

    /// Closes it; its thread has ended then. Throws `notFound`, `busy` while another thread opens or
    /// closes it.
    static func close() throws(VhostError) {
        guard try !takeOver() else { return }
        try claim(from: .open, orElse: .notFound)
        if let cell = server.existing {
            cell.value.isEnding.store(true, ordering: .releasing)
            if let number = cell.value.wake?.number { System.signal(number) }
            System.join(cell.value.thread)
            letGo(cell)
        }
        standing.store(State.closed.word, ordering: .releasing)
    }

    /// Opens it where `RTEVHOSTSWIFT_CONTROL` says, the first time that this is called.
    static func openFromEnvironment() {
        guard !didReadEnvironment.exchange(true, ordering: .acquiringAndReleasing),
            let text = unsafe System.environment("RTEVHOSTSWIFT_CONTROL")
        else { return }
        do throws(VhostError) {
            // SAFETY: getenv gives a C string, which is read up to its closing zero.
            let path = try expand { index in unsafe UInt8(bitPattern: text[index]) }
            // Any value but "1" is none.
            let allowed = unsafe System.environment("RTEVHOSTSWIFT_CONTROL_CAPTURE")
            // SAFETY: as above.
            let mayCapture = unsafe allowed.map { unsafe $0[0] == 0x31 && $0[1] == 0 } ?? false
            try open(path, flags: mayCapture ? captureFlag : 0)
        } catch {
            // The program knows nothing of it, and goes on without.
            Log.error { line in
                line.add("RTEVHOSTSWIFT_CONTROL: no control socket: ")
                line.add(error)
            }
        }
    }

    /// The path that a text ending in zero stands for: "%p" is the process's number. Throws
    /// `invalidArgument` for one that no socket's address holds.
    static func expand(_ byte: (Int) -> UInt8) throws(VhostError) -> SocketPath {
        var path = SocketPath()
        var index = 0
        while byte(index) != 0 {
            if byte(index) == UInt8(ascii: "%"), byte(index + 1) == UInt8(ascii: "p") {
                var number = LogLine()
                number.add(Int(System.currentProcess))
                for digit in 0..<number.count {
                    guard path.append(number[digit]) else { throw .invalidArgument }
                }
                index += 2
            } else {
                guard path.append(byte(index)) else { throw .invalidArgument }
                index += 1
            }
        }
        guard path.count > 0 else { throw .invalidArgument }
        return path
    }

    private static func claim(from: State, orElse error: VhostError) throws(VhostError) {
        let (isDone, found) = standing.compareExchange(
            expected: from.word, desired: State.changing.word, ordering: .acquiringAndReleasing)
        guard !isDone else { return }
        throw found == State.changing.word ? .busy : error
    }

    fileprivate static var processBits: UInt64 {
        UInt64(UInt32(bitPattern: System.currentProcess)) << 32
    }

    /// Makes it this process's, where it was the parent's: closes the copies of what the parent had
    /// open, and leaves file and thread to it. True when there was anything to close. Throws `busy`
    /// while another thread does.
    @discardableResult
    private static func takeOver() throws(VhostError) -> Bool {
        let found = standing.load(ordering: .acquiring)
        guard found & ~0xffff_ffff != processBits else { return false }
        let (isDone, _) = standing.compareExchange(
            expected: found, desired: State.changing.word, ordering: .acquiringAndReleasing)
        guard isDone else { throw .busy }
        let wasOpen = State(found) != .closed
        if wasOpen { forsake() }
        standing.store(State.closed.word, ordering: .releasing)
        return wasOpen
    }

    private static func start(
        _ cell: HeapCell<ControlServer>, _ path: SocketPath
    ) throws(VhostError) {
        cell.value.path = path
        cell.value.user = System.effectiveUser
        cell.value.acceptsAgain = 0
        cell.value.isEnding.store(false, ordering: .relaxed)
        cell.value.wake = try System.makeEvent()
        // rw for the owner alone.
        cell.value.listener = try Library.listen(at: path, mode: 0o600)
        cell.value.file = System.identity(path)
        cell.value.thread = try System.startJoinable(OpaqueCell(cell)) { cell in
            cell.cell(of: ControlServer.self).run()
        }
    }

    /// Closes what there is, and removes the socket's file unless another one took its place.
    private static func letGo(_ cell: HeapCell<ControlServer>) {
        if let socket = cell.value.listener.take() {
            if let file = cell.value.file, System.identity(cell.value.path) == file {
                System.unlink(cell.value.path)
            }
            // Copies that a child process has listen no longer either.
            System.shutDown(socket)
        }
        cell.value.file = nil
        cell.value.wake = nil
    }

    /// In a child process: closes its copies.
    private static func forsake() {
        guard let cell = server.existing else { return }
        cell.value.listener = nil
        cell.value.wake = nil
        cell.value.file = nil
        for index in 0..<ControlServer.clientLimit { cell.value.client(index)?.value.forsake() }
    }

    /// In a child process, while it has one thread: whoever was about to make the server does not.
    static func freeInChild() { server.freeInChild() }
}
