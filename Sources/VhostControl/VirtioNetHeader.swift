// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A packet's virtio-net header, as far as the process knows it: virtio 1.2, 5.1.6.
public struct VirtioNetHeader: Equatable, Sendable {
    /// VIRTIO_NET_HDR_F_…
    public let flags: UInt8
    /// VIRTIO_NET_HDR_GSO_…
    public let segmentationType: UInt8
    /// hdr_len
    public let headerByteCount: UInt16
    /// gso_size
    public let segmentSize: UInt16
    /// csum_start
    public let checksumStart: UInt16
    /// csum_offset
    public let checksumOffset: UInt16

    /// Of the two words of a record: the header's bytes 0 to 7, and the two that follow.
    init(_ first: UInt64, _ second: UInt64) {
        flags = UInt8(truncatingIfNeeded: first)
        segmentationType = UInt8(truncatingIfNeeded: first >> 8)
        headerByteCount = UInt16(truncatingIfNeeded: first >> 16)
        segmentSize = UInt16(truncatingIfNeeded: first >> 32)
        checksumStart = UInt16(truncatingIfNeeded: first >> 48)
        checksumOffset = UInt16(truncatingIfNeeded: second)
    }

    /// The packet's comment in the file: there is no link type for packets behind such a header
    /// (tcpdump.org/linktypes.html), and a comment can be seen and searched for.
    public var comment: String {
        "virtio-net flags=\(flags) gso_type=\(segmentationType)\(segmentationWords)"
            + " hdr_len=\(headerByteCount) gso_size=\(segmentSize)"
            + " csum_start=\(checksumStart) csum_offset=\(checksumOffset)"
    }

    private var segmentationWords: String {
        // VIRTIO_NET_HDR_GSO_ECN may stand beside a type.
        switch segmentationType & 0x7f {
        case 1: "(TCPv4)"
        case 3: "(UDP)"
        case 4: "(TCPv6)"
        case 5: "(UDP_L4)"
        default: ""
        }
    }
}
