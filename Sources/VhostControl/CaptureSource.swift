// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// One ring that is captured: a connection, and what comes by it.
final class CaptureSource {
    /// The connection.
    let number: Int32
    /// What the process said first.
    private(set) var head: CaptureHead?
    /// The device is gone.
    private(set) var hasEnded = false
    /// Packets that came.
    private(set) var packetCount: UInt64 = 0
    /// Packets left out.
    private(set) var lost: UInt64 = 0
    private var stream = CaptureStream()
    private var piece = [UInt8](repeating: 0, count: 1 << 18)

    /// Asks for a ring. Throws `ControlFault`.
    init(_ client: ControlClient, _ name: CaptureRingName, packetBytes: Int) throws {
        number = try client.send(name.request(packetBytes: packetBytes))
        while head == nil {
            try client.wait(for: number)
            guard try receive() else { throw ControlFault.cut }
            guard case .head(let line)? = try stream.next() else { continue }
            head = try Snapshot(json: line).capture
            guard head != nil else { throw ControlFault.notUnderstood(line) }
        }
    }

    deinit { close(number) }

    /// Reads what has come. Throws `ControlFault`.
    func read() throws {
        guard try receive() else { throw ControlFault.hungUp }
    }

    /// Says that no more is wanted: what is on its way still comes, and then the end.
    func finish() {
        let words = Array("end\n".utf8)
        _ = send(number, words, words.count, Int32(MSG_NOSIGNAL))
    }

    /// The next packet that came whole, and how many were left out before it.
    func next() throws -> (packet: CapturedPacket, lost: UInt64)? {
        switch try stream.next() {
        case .packet(let packet):
            let missing = packet.lost &- lost
            packetCount += 1
            lost = packet.lost
            return (packet, missing)
        case .end(let lost):
            self.lost = lost
            hasEnded = true
            return nil
        case .head, nil:
            return nil
        }
    }

    /// False at the connection's end.
    private func receive() throws -> Bool {
        let count = recv(number, &piece, piece.count, 0)
        if count < 0, errno == EINTR { return true }
        guard count > 0 else { return false }
        stream.append(piece[..<count])
        return true
    }
}
