// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Asks a process by its control socket.
public struct ControlClient: Sendable {
    private let path: String
    private let milliseconds: Int32

    /// A client of the socket at a path, which waits so long for each piece of an answer.
    public init(path: String, milliseconds: Int32 = 5000) {
        self.path = path
        self.milliseconds = milliseconds
    }

    /// The answer to a command, as it came. Throws `ControlFault`.
    public func ask(_ command: String, socket: String? = nil) throws -> String {
        let number = try send("\(command)\(socket.map { " " + $0 } ?? "")")
        defer { close(number) }
        return try read(number)
    }

    /// The connection on which a command was sent. Throws `ControlFault`.
    func send(_ command: String) throws -> Int32 {
        let number = try connect()
        var line = Array("1 \(command)\n".utf8)
        guard line.count <= 255 else {
            close(number)
            throw ControlFault.refused("the path is too long")
        }
        let sent = line.withUnsafeMutableBytes { bytes in
            Glibc.send(number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
        guard sent == line.count else {
            let code = errno
            close(number)
            throw fault(code)
        }
        return number
    }

    /// Waits until something comes. Throws `ControlFault`.
    func wait(for number: Int32) throws {
        while true {
            var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
            let ready = poll(&entry, 1, milliseconds)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { throw fault(ETIMEDOUT) }
            return
        }
    }

    /// The same, understood. Throws `ControlFault`, also for a socket that the process does not have.
    public func look(at socket: String? = nil, command: String = "show") throws -> Snapshot {
        let snapshot = try Snapshot(json: try ask(command, socket: socket))
        if let socket, snapshot.sockets?.isEmpty ?? true { throw ControlFault.noSocket(socket) }
        return snapshot
    }

    private func connect() throws -> Int32 {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw fault(errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            close(number)
            throw fault(ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            close(number)
            throw fault(code)
        }
        return number
    }

    private func read(_ number: Int32) throws -> String {
        var answer: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            try wait(for: number)
            let count = recv(number, &piece, piece.count, 0)
            guard count >= 0 else { throw fault(errno) }
            guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
            answer.append(contentsOf: piece[..<count])
        }
    }

    private func fault(_ code: Int32) -> ControlFault {
        let words =
            switch code {
            case ECONNREFUSED: "nobody listens: the process that made it is gone"
            case ENOENT: "no such socket"
            case EACCES: "not allowed: the socket is its process's user's alone"
            case ECONNRESET, EPIPE: "the process hung up: it answers its own user alone"
            case ETIMEDOUT: "the process does not answer"
            default: String(cString: strerror(code))
            }
        return .system(words, path: path)
    }
}
