// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What an mbuf's offload flags mean for the virtio-net header that a guest receives.
enum SendOffload {
    /// Flags that put something into the header.
    private static let relevant =
        OffloadFlags.transmitL4Mask | OffloadFlags.transmitIPChecksum
        | OffloadFlags.transmitTCPSegmentation | OffloadFlags.transmitUDPSegmentation

    /// True when nothing stands in the header of a packet.
    @inline(__always)
    static func isPlain(_ packet: PacketBuffer) -> Bool { packet.offloadFlags & relevant == 0 }

    /// The header for a packet. An IPv4 header checksum that is asked for is computed here, because
    /// virtio-net has no field to pass the wish on.
    @inline(__always)
    static func header(for packet: PacketBuffer) -> NetHeader {
        isPlain(packet) ? NetHeader() : build(packet)
    }

    @inline(never)
    private static func build(_ packet: PacketBuffer) -> NetHeader {
        let lengths = packet.transmitOffload
        if packet.offloadFlags & OffloadFlags.transmitIPChecksum != 0 {
            writeIPChecksum(packet.data, at: lengths.l2, length: lengths.l3)
        }
        return wish(of: packet)
    }

    /// The header that transmit flags ask for; the packet stays as it is.
    static func wish(of packet: PacketBuffer) -> NetHeader {
        let flags = packet.offloadFlags
        let lengths = packet.transmitOffload
        var l4 = flags & OffloadFlags.transmitL4Mask
        if flags & OffloadFlags.transmitTCPSegmentation != 0 {
            l4 = OffloadFlags.transmitTCPChecksum
        }
        let checksum = checksumOffset(l4).map {
            NetHeader.ChecksumRequest(start: UInt16(lengths.l2 + lengths.l3), offset: $0)
        }
        return NetHeader(checksum: checksum, segmentation: segmentation(flags, lengths))
    }

    /// Where a protocol keeps its checksum.
    private static func checksumOffset(_ l4: UInt64) -> UInt16? {
        switch l4 {
        case OffloadFlags.transmitTCPChecksum: 16
        case OffloadFlags.transmitUDPChecksum: 6
        case OffloadFlags.transmitSCTPChecksum: 8
        default: nil
        }
    }

    private static func segmentation(
        _ flags: UInt64, _ lengths: TransmitOffload
    ) -> NetHeader.SegmentationRequest? {
        var request = NetHeader.SegmentationRequest(
            type: 0, size: lengths.segmentSize,
            headerByteCount: UInt16(lengths.l2 + lengths.l3 + lengths.l4))
        if flags & OffloadFlags.transmitTCPSegmentation != 0 {
            let isIPv4 = flags & OffloadFlags.transmitIPv4 != 0
            request.type = isIPv4 ? NetHeader.segmentationTCP4 : NetHeader.segmentationTCP6
            return request
        }
        guard flags & OffloadFlags.transmitUDPSegmentation != 0 else { return nil }
        request.type = NetHeader.segmentationUDP
        return request
    }

    /// Writes the checksum if the header lies in the first segment.
    private static func writeIPChecksum(_ data: PacketSlice, at offset: Int, length: Int) {
        guard length >= 20, let sum = Checksum.ofIPv4(data, at: offset, length: length) else {
            return
        }
        data.setBigEndian16(sum, at: offset + 10)
    }
}
