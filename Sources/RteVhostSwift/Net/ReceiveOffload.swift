// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a guest's virtio-net header means for the mbuf, in DPDK's two conventions.
enum ReceiveOffload {
    /// Sets an mbuf's flags and lengths from a header. False when the header lies about the packet;
    /// no flag is set from a field that does.
    @inline(never)
    static func apply(_ header: NetHeader, to packet: PacketBuffer, isLegacy: Bool) -> Bool {
        guard isPossible(header, packet) else { return false }
        guard let headers = PacketHeaders(packet.data) else { return header.segmentationType == 0 }
        guard fits(header, headers) else { return false }
        if isLegacy {
            applyLegacy(header, headers, to: packet)
        } else {
            applyCompliant(header, headers, to: packet)
        }
        return true
    }

    /// virtio 1.2, 5.1.6.2: checksum fields lie within the packet, a segmentation type is known and
    /// has a size.
    private static func isPossible(_ header: NetHeader, _ packet: PacketBuffer) -> Bool {
        if header.flags & NetHeader.needsChecksum != 0 {
            let field = Int(header.checksumStart) + Int(header.checksumOffset)
            guard field + 2 <= packet.packetByteCount else { return false }
        }
        switch header.segmentationType & ~NetHeader.segmentationECN {
        case 0:
            return header.segmentationType == 0
        case NetHeader.segmentationTCP4, NetHeader.segmentationTCP6, NetHeader.segmentationUDP:
            return header.segmentSize > 0
        default:
            return false
        }
    }

    /// True when the packet is of the protocol that its segmentation type names.
    private static func fits(_ header: NetHeader, _ headers: PacketHeaders) -> Bool {
        switch header.segmentationType & ~NetHeader.segmentationECN {
        case NetHeader.segmentationTCP4:
            headers.isIPv4 && headers.l4Protocol == PacketHeaders.tcp && headers.l4 > 0
        case NetHeader.segmentationTCP6:
            !headers.isIPv4 && headers.l4Protocol == PacketHeaders.tcp && headers.l4 > 0
        case NetHeader.segmentationUDP:
            headers.l4Protocol == PacketHeaders.udp && headers.l4 > 0
        default: true
        }
    }

    /// DPDK before 21.05, and by default since: transmit flags, as if the packet was to be sent on.
    private static func applyLegacy(
        _ header: NetHeader, _ headers: PacketHeaders, to packet: PacketBuffer
    ) {
        guard headers.l3 > 0 else { return }
        var flags = headers.isIPv4 ? OffloadFlags.transmitIPv4 : OffloadFlags.transmitIPv6
        if header.flags & NetHeader.needsChecksum != 0,
            Int(header.checksumStart) == headers.l2 + headers.l3
        {
            flags |= checksumFlag(header.checksumOffset, headers.l4Protocol)
        }
        var l4 = 0
        var size: UInt16 = 0
        switch header.segmentationType & ~NetHeader.segmentationECN {
        case NetHeader.segmentationTCP4, NetHeader.segmentationTCP6:
            flags |= OffloadFlags.transmitTCPSegmentation
            l4 = headers.l4
            size = header.segmentSize
        case NetHeader.segmentationUDP:
            flags |= OffloadFlags.transmitUDPSegmentation
            l4 = headers.l4
            size = header.segmentSize
        default:
            break
        }
        packet.offloadFlags |= flags
        packet.transmitOffload = TransmitOffload(
            l2: headers.l2, l3: headers.l3, l4: l4, segmentSize: size)
    }

    /// The checksum that a field's offset belongs to, if the packet's protocol has it there.
    private static func checksumFlag(_ offset: UInt16, _ l4Protocol: UInt8) -> UInt64 {
        switch (offset, l4Protocol) {
        case (16, PacketHeaders.tcp): OffloadFlags.transmitTCPChecksum
        case (6, PacketHeaders.udp): OffloadFlags.transmitUDPChecksum
        case (8, PacketHeaders.sctp): OffloadFlags.transmitSCTPChecksum
        default: 0
        }
    }

    /// RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS: receive flags, as a network card would set them.
    private static func applyCompliant(
        _ header: NetHeader, _ headers: PacketHeaders, to packet: PacketBuffer
    ) {
        packet.packetType = headers.packetType
        let isKnown = headers.l4 > 0
        if header.flags & NetHeader.needsChecksum != 0 {
            let end = headers.l2 + headers.l3 + headers.l4
            if isKnown, Int(header.checksumStart) <= end {
                packet.offloadFlags |= OffloadFlags.receiveL4None
            } else {
                // A protocol that mbuf flags cannot name: the sum is computed here.
                Checksum.complete(
                    packet, start: Int(header.checksumStart),
                    field: Int(header.checksumStart) + Int(header.checksumOffset))
            }
        } else if header.flags & NetHeader.dataValid != 0, isKnown {
            packet.offloadFlags |= OffloadFlags.receiveL4Good
        }
        guard header.segmentationType != 0 else { return }
        packet.transmitOffload = TransmitOffload(
            l2: 0, l3: 0, l4: 0, segmentSize: header.segmentSize)
        packet.offloadFlags |= OffloadFlags.receiveLRO | OffloadFlags.receiveL4None
    }
}

extension ReceiveOffload {
    /// A header that says what receive flags say: the guest's own one is gone when somebody captures.
    static func header(of packet: PacketBuffer) -> NetHeader {
        let flags = packet.offloadFlags
        var header = NetHeader()
        let headers = PacketHeaders(packet.data)
        if flags & OffloadFlags.receiveL4None == OffloadFlags.receiveL4None {
            header.first = UInt64(NetHeader.needsChecksum)
            if let headers, headers.l4 > 0 {
                header.first |= UInt64(headers.l2 + headers.l3) << 48
                header.checksumOffset = checksumOffset(headers.l4Protocol)
            }
        } else if flags & OffloadFlags.receiveL4Good != 0 {
            header.first = UInt64(NetHeader.dataValid)
        }
        guard flags & OffloadFlags.receiveLRO != 0, let headers else { return header }
        let type =
            headers.l4Protocol == PacketHeaders.udp
            ? NetHeader.segmentationUDP
            : headers.isIPv4 ? NetHeader.segmentationTCP4 : NetHeader.segmentationTCP6
        let length = UInt64(headers.l2 + headers.l3 + headers.l4)
        header.first |=
            UInt64(type) << 8 | length << 16 | UInt64(packet.transmitOffload.segmentSize) << 32
        return header
    }

    /// Where a protocol keeps its checksum.
    private static func checksumOffset(_ l4Protocol: UInt8) -> UInt16 {
        switch l4Protocol {
        case PacketHeaders.tcp: 16
        case PacketHeaders.udp: 6
        default: 8
        }
    }
}
