// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What descriptors of both ring formats have, copied out of guest memory once. virtio 1.2, 2.7.5
/// and 2.8.13.
protocol RingDescriptor: BitwiseCopyable {
    /// Takes the fields out of the two words that were read.
    init(_ words: GuestWords)

    /// Guest-physical address of the buffer, or of an indirect table.
    var address: GuestAddress { get }
    /// Bytes of the buffer or table.
    var byteCount: UInt32 { get }
    /// VIRTQ_DESC_F_…
    var flags: UInt16 { get }
}

extension RingDescriptor {
    /// VIRTQ_DESC_F_NEXT: the chain goes on.
    @inline(__always) var hasNext: Bool { flags & 1 != 0 }
    /// VIRTQ_DESC_F_WRITE: the device writes, it must not read.
    @inline(__always) var isDeviceWritable: Bool { flags & 2 != 0 }
    /// VIRTQ_DESC_F_INDIRECT
    @inline(__always) var isIndirect: Bool { flags & 4 != 0 }

    /// Appends the buffer to a packet's after its direction was checked.
    @inline(__always)
    func append(
        to segments: inout SegmentList, _ direction: ChainDirection, from memory: AddressSpace
    ) throws(ChainFault) {
        guard isDeviceWritable == (direction == .deviceWrites) else { throw .direction }
        try segments.append(address, byteCount: byteCount, direction.permission, in: memory)
    }
}
