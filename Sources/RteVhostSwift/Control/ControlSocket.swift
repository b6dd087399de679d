// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// Opens and closes the process's control socket.
enum ControlSocket {
    /// Where it stands; opening and closing take time, and are one thread's.
    private enum State: Int {
        case closed
        case changing
        case open
    }

    /// RTEVHOSTSWIFT_CONTROL_CAPTURE
    private static let captureFlag: UInt64 = 1

    private static let server = LazyCell<ControlServer>()
    private static let state = Atomic<Int>(State.closed.rawValue)
    /// Whose thread serves it: a child process has none.
    private static let process = Atomic<Int32>(0)
    private static let didReadEnvironment = Atomic<Bool>(false)

    /// Opens it. Throws `invalidArgument`, `exists`, `busy` while another thread opens or closes it,
    /// `outOfMemory`, `system`.
    static func open(_ path: SocketPath, flags: UInt64) throws(VhostError) {
        guard flags & ~captureFlag == 0 else { throw .invalidArgument }
        if process.load(ordering: .acquiring) != System.currentProcess { forsake() }
        try claim(from: .closed, orElse: .exists)
        do throws(VhostError) {
            let cell = try server.get { () throws(VhostError) in try HeapCell(ControlServer()) }
            cell.value.mayCapture = flags & captureFlag != 0
            try start(cell, path)
            process.store(System.currentProcess, ordering: .releasing)
            state.store(State.open.rawValue, ordering: .releasing)
        } catch {
            if let cell = server.existing { letGo(cell) }
            state.store(State.closed.rawValue, ordering: .releasing)
            throw error
        }
    }

    /// Closes it; its thread has ended then. Throws `notFound`, `busy` while another thread opens or
    /// closes it.
    static func close() throws(VhostError) {
        if process.load(ordering: .acquiring) != System.currentProcess {
            guard forsake() else { throw .notFound }
            return
        }
        try claim(from: .open, orElse: .notFound)
        if let cell = server.existing {
            cell.value.isEnding.store(true, ordering: .releasing)
            if let number = cell.value.wake?.number { System.signal(number) }
            System.join(cell.value.thread)
            letGo(cell)
        }
        state.store(State.closed.rawValue, ordering: .releasing)
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
            if byte(index) == 0x25, byte(index + 1) == 0x70 {
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
        let (isDone, found) = state.compareExchange(
            expected: from.rawValue, desired: State.changing.rawValue,
            ordering: .acquiringAndReleasing)
        guard !isDone else { return }
        throw found == State.changing.rawValue ? .busy : error
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

    /// In a child process: closes its copies and leaves file and thread to the parent. True when
    /// there was anything to close.
    @discardableResult
    private static func forsake() -> Bool {
        guard
            state.exchange(State.closed.rawValue, ordering: .acquiringAndReleasing)
                != State.closed.rawValue
        else { return false }
        guard let cell = server.existing else { return true }
        cell.value.listener = nil
        cell.value.wake = nil
        cell.value.file = nil
        for index in 0..<ControlServer.clientLimit { cell.value.client(index)?.value.close() }
        return true
    }
}
