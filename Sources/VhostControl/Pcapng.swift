// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Blocks of a pcapng file: draft-ietf-opsawg-pcapng. Numbers are little-endian.
public enum Pcapng {
    private enum BlockType: UInt32 {
        case section = 0x0a0d_0d0a
        case interface = 1
        case statistics = 5
        case packet = 6
    }

    /// Section header: what wrote the file.
    public static func section(application: String) -> [UInt8] {
        var body: [UInt8] = []
        // The byte-order magic, version 1.0, and a length that nobody knows yet.
        append(UInt32(0x1a2b_3c4d), to: &body)
        append(UInt16(1), to: &body)
        append(UInt16(0), to: &body)
        append(UInt64.max, to: &body)
        // shb_userappl
        appendOption(4, Array(application.utf8), to: &body)
        return block(.section, body)
    }

    /// An interface of Ethernet, its times in nanoseconds.
    public static func interface(name: String, packetBytes: Int) -> [UInt8] {
        var body: [UInt8] = []
        // LINKTYPE_ETHERNET
        append(UInt16(1), to: &body)
        append(UInt16(0), to: &body)
        append(UInt32(packetBytes), to: &body)
        // if_name, if_tsresol
        appendOption(2, Array(name.utf8), to: &body)
        appendOption(9, [9], to: &body)
        return block(.interface, body)
    }

    /// A packet, at nanoseconds since 1970. `lost`: packets left out since the one before.
    public static func packet(
        _ packet: CapturedPacket, interface: Int, time: UInt64, isToGuest: Bool, lost: UInt64
    ) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(packet.bytes.count + 200)
        append(UInt32(interface), to: &body)
        append(UInt32(truncatingIfNeeded: time >> 32), to: &body)
        append(UInt32(truncatingIfNeeded: time), to: &body)
        append(UInt32(packet.bytes.count), to: &body)
        append(UInt32(packet.byteCount), to: &body)
        body.append(contentsOf: packet.bytes)
        pad(&body)
        // opt_comment; epb_flags: 1 is inbound, 2 outbound, as the backend sees it.
        appendOption(1, Array(packet.header.comment.utf8), to: &body)
        appendOption(2, bytes(UInt32(isToGuest ? 2 : 1)), to: &body)
        // epb_dropcount
        if lost > 0 { appendOption(4, bytes(lost), to: &body) }
        return block(.packet, body)
    }

    /// What became of an interface's packets, at its end.
    public static func statistics(
        interface: Int, time: UInt64, received: UInt64, lost: UInt64
    ) -> [UInt8] {
        var body: [UInt8] = []
        append(UInt32(interface), to: &body)
        append(UInt32(truncatingIfNeeded: time >> 32), to: &body)
        append(UInt32(truncatingIfNeeded: time), to: &body)
        // isb_ifrecv, isb_ifdrop
        appendOption(4, bytes(received), to: &body)
        appendOption(5, bytes(lost), to: &body)
        return block(.statistics, body)
    }

    /// Bytes of whole blocks in the first `count` bytes of blocks.
    static func wholeByteCount(_ blocks: ArraySlice<UInt8>, within count: Int) -> Int {
        var position = 0
        while position + 8 <= blocks.count {
            let first = blocks.startIndex + position + 4
            let size = (0..<4).reduce(0) { $0 | Int(blocks[first + $1]) << (8 * $1) }
            guard size >= 12, position + size <= count else { break }
            position += size
        }
        return position
    }

    private static func block(_ type: BlockType, _ body: [UInt8]) -> [UInt8] {
        var options = body
        // opt_endofopt
        append(UInt32(0), to: &options)
        let size = UInt32(options.count + 12)
        return bytes(type.rawValue) + bytes(size) + options + bytes(size)
    }

    private static func appendOption(_ code: UInt16, _ value: [UInt8], to body: inout [UInt8]) {
        append(code, to: &body)
        append(UInt16(truncatingIfNeeded: value.count), to: &body)
        body.append(contentsOf: value)
        pad(&body)
    }

    private static func pad(_ body: inout [UInt8]) {
        while body.count % 4 != 0 { body.append(0) }
    }

    private static func append<Number: FixedWidthInteger>(
        _ number: Number, to body: inout [UInt8]
    ) {
        body.append(contentsOf: bytes(number))
    }

    private static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
}
