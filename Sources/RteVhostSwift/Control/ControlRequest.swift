// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a client asks: one line, "1 show /run/vhost.sock" for instance, the protocol's version first.
struct ControlRequest {
    /// The version of the protocol.
    static let version: UInt64 = 1
    /// Longest line, its end included.
    static let limit = 256

    /// What is asked for.
    enum Command {
        /// Sockets, and their devices in short.
        case list
        /// All of it, of one socket or of every one.
        case show
        /// Packets of a ring.
        case capture(CaptureRequest)
    }

    /// The command.
    var command = Command.list
    /// The one socket that is asked for.
    var path: SocketPath?

    /// Why a line is no request.
    enum Fault: Error {
        /// Its first word is not the number of a version that is spoken.
        case version
        /// Its second word is no command.
        case command
        /// What follows is not what the command takes.
        case argument
        /// What follows is no ring.
        case ring

        /// In words.
        var words: StaticString {
            switch self {
            case .version: "unknown version of the protocol, 1 is spoken"
            case .command: "unknown command, there are list, show and capture"
            case .argument: "not a path of a socket"
            case .ring: "capture takes numbers: device, ring, bytes of a packet, connection"
            }
        }
    }

    /// Parses a line without its end.
    init(_ line: borrowing InlineArray<256, UInt8>, count: Int) throws(Fault) {
        var position = 0
        guard Self.take("1", line, count, &position) else { throw .version }
        if Self.take("list", line, count, &position) {
            command = .list
        } else if Self.take("show", line, count, &position) {
            command = .show
        } else if Self.take("capture", line, count, &position) {
            command = .capture(try Self.takeCapture(line, count, &position))
            guard position == count else { throw .ring }
        } else {
            throw .command
        }
        guard position < count else { return }
        var path = SocketPath()
        while position < count {
            guard line[position] != 0, path.append(line[position]) else { throw .argument }
            position += 1
        }
        self.path = path
    }

    private static func takeCapture(
        _ line: borrowing InlineArray<256, UInt8>, _ count: Int, _ position: inout Int
    ) throws(Fault) -> CaptureRequest {
        guard let device = takeNumber(line, count, &position),
            let ring = takeNumber(line, count, &position),
            let byteCount = takeNumber(line, count, &position), byteCount > 0
        else { throw .ring }
        var request = CaptureRequest(device: device, ring: ring, byteCount: byteCount)
        guard position < count else { return request }
        guard let connection = takeNumber(line, count, &position, digits: 18) else { throw .ring }
        request.connection = UInt64(connection)
        return request
    }

    /// Takes a decimal number of so many digits at most and the space behind it; nil where there is
    /// none.
    private static func takeNumber(
        _ line: borrowing InlineArray<256, UInt8>, _ count: Int, _ position: inout Int,
        digits limit: Int = 9
    ) -> Int? {
        var number = 0
        var digits = 0
        while position < count, let digit = line[position].decimalValue {
            number = number * 10 + Int(digit)
            digits += 1
            position += 1
            guard digits <= limit else { return nil }
        }
        guard digits > 0 else { return nil }
        if position < count {
            guard line[position] == UInt8(ascii: " ") else { return nil }
            position += 1
        }
        return number
    }

    /// Takes a word and the space behind it, if it stands there.
    private static func take(
        _ word: StaticString, _ line: borrowing InlineArray<256, UInt8>, _ count: Int,
        _ position: inout Int
    ) -> Bool {
        let length = word.utf8CodeUnitCount
        guard count - position >= length else { return false }
        for index in 0..<length {
            // SAFETY: a static string's storage holds utf8CodeUnitCount bytes.
            guard unsafe line[position + index] == word.utf8Start[index] else { return false }
        }
        let end = position + length
        if end < count, line[end] != UInt8(ascii: " ") { return false }
        position = min(end + 1, count)
        return true
    }
}
