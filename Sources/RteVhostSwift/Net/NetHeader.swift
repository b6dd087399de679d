// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The virtio-net header, private and by value: virtio 1.2, 5.1.6. Read once; what was checked is what is used.
struct NetHeader: BitwiseCopyable, Equatable {
    /// flags, gso_type, hdr_len, gso_size and csum_start: bytes 0 to 7, little-endian.
    var first: UInt64 = 0
    /// csum_offset: bytes 8 and 9.
    var checksumOffset: UInt16 = 0
    /// num_buffers: bytes 10 and 11, in headers of 12 bytes.
    var bufferCount: UInt16 = 0

    /// VIRTIO_NET_HDR_F_…
    var flags: UInt8 { UInt8(truncatingIfNeeded: first) }
    /// VIRTIO_NET_HDR_GSO_…
    var segmentationType: UInt8 { UInt8(truncatingIfNeeded: first >> 8) }
    /// gso_size
    var segmentSize: UInt16 { UInt16(truncatingIfNeeded: first >> 32) }
    /// csum_start
    var checksumStart: UInt16 { UInt16(truncatingIfNeeded: first >> 48) }

    /// VIRTIO_NET_HDR_F_NEEDS_CSUM
    static let needsChecksum: UInt8 = 1
    /// VIRTIO_NET_HDR_F_DATA_VALID
    static let dataValid: UInt8 = 2
    /// VIRTIO_NET_HDR_GSO_TCPV4, UDP, TCPV6, ECN
    static let segmentationTCP4: UInt8 = 1
    static let segmentationUDP: UInt8 = 3
    static let segmentationTCP6: UInt8 = 4
    static let segmentationECN: UInt8 = 0x80

    /// No offload at all.
    @inline(__always)
    init() {}

    /// A header of its fields.
    init(
        flags: UInt8, segmentationType: UInt8 = 0, headerByteCount: UInt16 = 0,
        segmentSize: UInt16 = 0, checksumStart: UInt16, checksumOffset: UInt16
    ) {
        first = UInt64(flags) | UInt64(segmentationType) << 8 | UInt64(headerByteCount) << 16
            | UInt64(segmentSize) << 32 | UInt64(checksumStart) << 48
        self.checksumOffset = checksumOffset
    }

    /// True when the header asks for nothing.
    @inline(__always)
    var isPlain: Bool { first & 0xffff == 0 }
}

extension SegmentList {
    /// The header in front of a packet. The list has at least ten bytes.
    @inline(__always)
    func loadHeader() -> NetHeader {
        guard self[0].count >= 10 else { return loadScatteredHeader() }
        var header = NetHeader()
        header.first = self[0].load64(at: 0)
        header.checksumOffset = self[0].load16(at: 8)
        return header
    }

    /// The same byte by byte, for a header over two, three and more buffers.
    @inline(never)
    private func loadScatteredHeader() -> NetHeader {
        var header = NetHeader()
        var position = 0
        for index in 0..<count {
            for offset in 0..<self[index].count {
                guard position < 10 else { return header }
                let byte = UInt64(self[index].load8(at: offset))
                if position < 8 {
                    header.first |= byte << UInt64(8 * position)
                } else {
                    header.checksumOffset |= UInt16(byte) << UInt16(8 * (position - 8))
                }
                position += 1
            }
        }
        return header
    }

    /// Writes the first `byteCount` (10 or 12) bytes of a header in front of a packet.
    @inline(__always)
    func storeHeader(_ header: NetHeader, byteCount: Int) {
        guard self[0].count >= byteCount else {
            return storeScatteredHeader(header, byteCount: byteCount)
        }
        self[0].store64(header.first, at: 0)
        self[0].store16(header.checksumOffset, at: 8)
        if byteCount == 12 { self[0].store16(header.bufferCount, at: 10) }
    }

    @inline(never)
    private func storeScatteredHeader(_ header: NetHeader, byteCount: Int) {
        let last = UInt64(header.checksumOffset) | UInt64(header.bufferCount) << 16
        var position = 0
        for index in 0..<count {
            for offset in 0..<self[index].count {
                guard position < byteCount else { return }
                let byte = position < 8
                    ? header.first >> UInt64(8 * position) : last >> UInt64(8 * (position - 8))
                self[index].store8(UInt8(truncatingIfNeeded: byte), at: offset)
                position += 1
            }
        }
    }
}
