// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The virtio-net header, private and by value: virtio 1.2, 5.1.6. Read once; what was checked is
/// what is used.
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
    /// VIRTIO_NET_HDR_GSO_TCPV4
    static let segmentationTCP4: UInt8 = 1
    /// VIRTIO_NET_HDR_GSO_UDP
    static let segmentationUDP: UInt8 = 3
    /// VIRTIO_NET_HDR_GSO_TCPV6
    static let segmentationTCP6: UInt8 = 4
    /// VIRTIO_NET_HDR_GSO_ECN
    static let segmentationECN: UInt8 = 0x80

    /// No offload at all.
    @inline(__always)
    init() {}

    /// What asks for a checksum: NEEDS_CSUM with where to begin and where to write, from there.
    struct ChecksumRequest {
        /// csum_start
        var start: UInt16
        /// csum_offset
        var offset: UInt16
    }

    /// What asks for segmentation: gso_type, gso_size and hdr_len.
    struct SegmentationRequest {
        /// gso_type
        var type: UInt8
        /// gso_size
        var size: UInt16
        /// hdr_len
        var headerByteCount: UInt16
    }

    /// A header that asks for these.
    init(checksum: ChecksumRequest?, segmentation: SegmentationRequest?) {
        if let checksum {
            first = UInt64(Self.needsChecksum) | UInt64(checksum.start) << 48
            checksumOffset = checksum.offset
        }
        if let segmentation {
            first |=
                UInt64(segmentation.type) << 8 | UInt64(segmentation.headerByteCount) << 16
                | UInt64(segmentation.size) << 32
        }
    }

    /// True when the header asks for nothing.
    @inline(__always)
    var isPlain: Bool { first & 0xffff == 0 }
}

extension GuestSlice {
    /// The header in front of a packet in one buffer of at least ten bytes.
    @inline(__always)
    func loadHeader() -> NetHeader {
        // Once for both fields.
        precondition(count >= 10)
        var header = NetHeader()
        header.first = load64(at: 0)
        header.checksumOffset = load16(at: 8)
        return header
    }

    /// Writes the first `byteCount` (10 or 12) bytes of a header into a buffer that has them.
    @inline(__always)
    func storeHeader(_ header: NetHeader, byteCount: Int) {
        guard byteCount == 12 else {
            store64(header.first, at: 0)
            return store16(header.checksumOffset, at: 8)
        }
        precondition(count >= 12)
        store64(header.first, at: 0)
        store32(UInt32(header.checksumOffset) | UInt32(header.bufferCount) << 16, at: 8)
    }

    /// The same for a packet in one chain, of which nothing is wished: few instructions.
    @inline(__always)
    func storePlainHeader(byteCount: Int) {
        guard _fastPath(byteCount == 12) else {
            store64(0, at: 0)
            return store16(0, at: 8)
        }
        precondition(count >= 12)
        store64(0, at: 0)
        store32(1 << 16, at: 8)
    }
}

extension SegmentList {
    /// The header in front of a packet. The list has at least ten bytes.
    @inline(__always)
    func loadHeader() -> NetHeader {
        guard self[0].count >= 10 else { return loadScatteredHeader() }
        return self[0].loadHeader()
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
        self[0].storeHeader(header, byteCount: byteCount)
    }

    @inline(never)
    private func storeScatteredHeader(_ header: NetHeader, byteCount: Int) {
        let last = UInt64(header.checksumOffset) | UInt64(header.bufferCount) << 16
        var position = 0
        for index in 0..<count {
            for offset in 0..<self[index].count {
                guard position < byteCount else { return }
                let byte =
                    position < 8
                    ? header.first >> UInt64(8 * position) : last >> UInt64(8 * (position - 8))
                self[index].store8(UInt8(truncatingIfNeeded: byte), at: offset)
                position += 1
            }
        }
    }
}
