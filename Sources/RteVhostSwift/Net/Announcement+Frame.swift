// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

extension Announcement {
    /// Fills a fresh mbuf with the announcement of a MAC address, in the low 48 bits, first byte
    /// lowest. False when the mbuf is too small.
    static func write(_ address: UInt64, to packet: PacketBuffer) -> Bool {
        guard packet.capacity >= byteCount else { return false }
        let frame = packet.room
        for index in 0..<byteCount { frame.setByte(0, at: index) }
        for index in 0..<6 {
            let byte = UInt8(truncatingIfNeeded: address >> UInt64(8 * index))
            frame.setByte(0xff, at: index)
            frame.setByte(byte, at: 6 + index)
            // Sender and target hardware address.
            frame.setByte(byte, at: 22 + index)
            frame.setByte(byte, at: 32 + index)
        }
        frame.setBigEndian16(0x8035, at: 12)
        // Ethernet, IPv4, lengths 6 and 4, operation 3: reverse request.
        frame.setBigEndian16(1, at: 14)
        frame.setBigEndian16(0x0800, at: 16)
        frame.setByte(6, at: 18)
        frame.setByte(4, at: 19)
        frame.setBigEndian16(3, at: 20)
        packet.byteCount = byteCount
        packet.packetByteCount = byteCount
        return true
    }
}
