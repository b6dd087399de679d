// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The bits of an mbuf's `tx_offload`: l2_len 7, l3_len 9, l4_len 8, tso_segsz 16.
struct TransmitOffload {
    /// All of them.
    var rawValue: UInt64

    /// Bytes of the Ethernet header with tags.
    var l2: Int { Int(rawValue & 0x7f) }
    /// Bytes of the IP header with options.
    var l3: Int { Int(rawValue >> 7 & 0x1ff) }
    /// Bytes of the TCP or UDP header.
    var l4: Int { Int(rawValue >> 16 & 0xff) }
    /// Bytes of payload in each segment.
    var segmentSize: UInt16 { UInt16(rawValue >> 24 & 0xffff) }

    /// The word of its fields, each cut to its bits.
    init(l2: Int, l3: Int, l4: Int, segmentSize: UInt16) {
        rawValue =
            UInt64(l2 & 0x7f) | UInt64(l3 & 0x1ff) << 7 | UInt64(l4 & 0xff) << 16
            | UInt64(segmentSize) << 24
    }

    /// The word as it is.
    init(rawValue: UInt64) { self.rawValue = rawValue }
}
