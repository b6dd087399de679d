// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The Internet checksum (RFC 1071) over a packet's own bytes.
enum Checksum {
    /// Sums the packet from `start` to its end and writes the sum's complement at `field`, which
    /// lies within.
    static func complete(_ packet: PacketBuffer, start: Int, field: Int) {
        var sum: UInt32 = 0
        var isOdd = false
        var position = 0
        var segment: PacketBuffer? = packet
        while let current = segment {
            let data = current.data
            var offset = max(0, start - position)
            while offset < data.count {
                if let byte = data.byte(offset) {
                    sum &+= isOdd ? UInt32(byte) : UInt32(byte) << 8
                }
                isOdd.toggle()
                offset += 1
            }
            sum = sum & 0xffff + sum >> 16
            position += data.count
            segment = current.next
        }
        let checksum = fold(sum)
        // RFC 768: a UDP checksum of 0 means that there is none.
        write(checksum == 0 ? 0xffff : checksum, to: packet, at: field)
    }

    /// The checksum of an IPv4 header of `length` bytes at `offset`, its own field taken as zero.
    static func ofIPv4(_ data: PacketSlice, at offset: Int, length: Int) -> UInt16? {
        var sum: UInt32 = 0
        for position in stride(from: 0, to: length, by: 2) where position != 10 {
            guard let word = data.bigEndian16(offset + position) else { return nil }
            sum &+= UInt32(word)
        }
        return fold(sum)
    }

    private static func fold(_ sum: UInt32) -> UInt16 {
        var sum = sum
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        return ~UInt16(sum)
    }

    /// Writes byte by byte: the field may lie across two segments.
    private static func write(_ value: UInt16, to packet: PacketBuffer, at field: Int) {
        var position = 0
        var segment: PacketBuffer? = packet
        while let current = segment {
            let data = current.data
            data.setByte(UInt8(value >> 8), at: field - position)
            data.setByte(UInt8(value & 0xff), at: field + 1 - position)
            position += data.count
            segment = current.next
        }
    }
}
