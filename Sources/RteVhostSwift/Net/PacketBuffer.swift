// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// An mbuf, as DPDK lays it out. Whoever holds one owns it, or was lent it by the application for a
/// call.
@safe
struct PacketBuffer: BitwiseCopyable {
    /// The C structure.
    let pointer: UnsafeMutablePointer<rte_mbuf>

    /// Bytes left free in front of the data: RTE_PKTMBUF_HEADROOM.
    static let headroom = 128

    /// Wraps an mbuf.
    @inline(__always)
    init(_ pointer: UnsafeMutablePointer<rte_mbuf>) { unsafe self.pointer = pointer }

    /// Wraps an object of a packet pool.
    @inline(__always)
    init(object: UnsafeMutableRawPointer) {
        // SAFETY: a mempool of packets holds nothing but mbufs.
        unsafe pointer = object.assumingMemoryBound(to: rte_mbuf.self)
    }

    /// Makes a fresh mbuf of a pool an empty packet of one segment. Pools keep refcnt 1, one segment
    /// and no next.
    @inline(__always)
    func prepare() {
        // SAFETY: the caller owns the mbuf.
        // DPDK: no more headroom than there is buffer.
        let offset = unsafe min(UInt64(Self.headroom), UInt64(pointer.pointee.buf_len))
        // rearm_data: data_off; behind it refcnt 1, nb_segs 1 and port 0xffff.
        unsafe UnsafeMutableRawPointer(pointer).storeBytes(
            of: offset | 0xffff_0001_0001_0000, toByteOffset: 16, as: UInt64.self)
        unsafe pointer.pointee.ol_flags &= OffloadFlags.externalBuffer
        unsafe pointer.pointee.packet_type = 0
        unsafe pointer.pointee.pkt_len = 0
        unsafe pointer.pointee.data_len = 0
        unsafe pointer.pointee.vlan_tci = 0
        unsafe pointer.pointee.vlan_tci_outer = 0
        unsafe pointer.pointee.next = nil
        unsafe pointer.pointee.tx_offload = 0
    }

    /// The same for one with `byteCount` bytes, at most `capacity`, in few writes.
    @inline(__always)
    func prepareFilled(byteCount: Int) {
        // SAFETY: the caller owns the mbuf. What is written together lies together: data_off,
        // refcnt, nb_segs, port; packet_type, pkt_len; data_len, vlan_tci.
        unsafe UnsafeMutableRawPointer(pointer).storeBytes(
            of: UInt64(Self.headroom) | 0xffff_0001_0001_0000, toByteOffset: 16, as: UInt64.self)
        unsafe pointer.pointee.ol_flags &= OffloadFlags.externalBuffer
        unsafe UnsafeMutableRawPointer(pointer).storeBytes(
            of: UInt64(UInt32(truncatingIfNeeded: byteCount)) << 32, toByteOffset: 32,
            as: UInt64.self)
        unsafe UnsafeMutableRawPointer(pointer).storeBytes(
            of: UInt32(UInt16(truncatingIfNeeded: byteCount)), toByteOffset: 40, as: UInt32.self)
        unsafe pointer.pointee.vlan_tci_outer = 0
        unsafe pointer.pointee.next = nil
        unsafe pointer.pointee.tx_offload = 0
    }

    /// Bytes that fit behind the headroom.
    // SAFETY: whoever holds a packet owns it, or was lent it for the call.
    @inline(__always)
    var capacity: Int { unsafe max(0, Int(pointer.pointee.buf_len) &- Self.headroom) }

    /// True when `byteCount` bytes, at least one, fit behind the headroom.
    // SAFETY: whoever holds a packet owns it, or was lent it for the call.
    @inline(__always)
    func hasRoom(for byteCount: Int) -> Bool {
        unsafe byteCount &+ Self.headroom <= Int(pointer.pointee.buf_len)
    }

    /// Where the buffer begins.
    // SAFETY: DPDK: every mbuf has a buffer.
    @inline(__always)
    private var buffer: UnsafeMutableRawPointer {
        unsafe pointer.pointee.buf_addr.unsafelyUnwrapped
    }

    /// Asks for the structure, which will be read soon.
    @inline(__always)
    func prefetch() {
        // SAFETY: a hint, which reads and writes nothing.
        unsafe crte_prefetch_for_read(pointer)
        unsafe crte_prefetch_for_read(UnsafeRawPointer(pointer) + 64)
    }

    /// The room behind the headroom, `capacity` bytes.
    @inline(__always)
    var room: PacketSlice { freshRoom(capacity) }

    /// The first `byteCount` bytes of it, at most `capacity`.
    @inline(__always)
    func freshRoom(_ byteCount: Int) -> PacketSlice {
        // SAFETY: buf_addr has buf_len bytes.
        unsafe PacketSlice(base: buffer + Self.headroom, count: byteCount)
    }

    /// The data of this segment.
    @inline(__always)
    var data: PacketSlice {
        // SAFETY: the application, or we, put data_len bytes there.
        unsafe PacketSlice(
            base: buffer + Int(pointer.pointee.data_off), count: Int(pointer.pointee.data_len))
    }

    /// Where an engine that wants physical addresses finds the first bytes of a part of this
    /// segment, and how many of them lie there in a row; nil when nobody knows. External buffers of
    /// ours come from malloc and pools of ours from the heap: their pages do not lie in a row, so
    /// each of them has to be looked up.
    @inline(never)
    func physicalRun(_ slice: PacketSlice) -> (address: EngineAddress, count: Int)? {
        // SAFETY: a packet's pool outlives the packet; addresses are compared, not followed.
        let host = unsafe UInt(bitPattern: slice.base)
        if let pool = unsafe pointer.pointee.pool, unsafe pointer.pointee.buf_iova != 0,
            unsafe pool.pointee.ops_index != OwnPool.operationsIndex
        {
            let offset = unsafe host &- UInt(bitPattern: buffer)
            return unsafe (
                EngineAddress(rawValue: UInt(pointer.pointee.buf_iova) &+ offset), slice.count
            )
        }
        guard let address = EngineAddressing.physical(host) else { return nil }
        return (
            EngineAddress(rawValue: address),
            min(slice.count, EngineAddressing.bytesLeftOnPage(after: host))
        )
    }

    /// Bytes of this segment.
    @inline(__always)
    var byteCount: Int {
        // SAFETY: whoever holds a packet owns it, or was lent it for the call.
        get { unsafe Int(pointer.pointee.data_len) }
        nonmutating set { unsafe pointer.pointee.data_len = UInt16(truncatingIfNeeded: newValue) }
    }

    /// Bytes of the whole packet; of the first segment alone.
    @inline(__always)
    var packetByteCount: Int {
        // SAFETY: whoever holds a packet owns it, or was lent it for the call.
        get { unsafe Int(pointer.pointee.pkt_len) }
        nonmutating set { unsafe pointer.pointee.pkt_len = UInt32(truncatingIfNeeded: newValue) }
    }

    /// Segments of the whole packet; of the first segment alone.
    @inline(__always)
    var segmentCount: Int {
        // SAFETY: whoever holds a packet owns it, or was lent it for the call.
        get { unsafe Int(pointer.pointee.nb_segs) }
        nonmutating set { unsafe pointer.pointee.nb_segs = UInt16(truncatingIfNeeded: newValue) }
    }

    /// The next segment.
    @inline(__always)
    var next: PacketBuffer? {
        // SAFETY: whoever holds a packet owns it, or was lent it for the call.
        get { unsafe pointer.pointee.next.map { unsafe PacketBuffer($0) } }
        nonmutating set { unsafe pointer.pointee.next = newValue.map { unsafe $0.pointer } }
    }

    /// RTE_MBUF_F_…, `ol_flags`.
    @inline(__always)
    var offloadFlags: UInt64 {
        // SAFETY: whoever holds a packet owns it, or was lent it for the call.
        get { unsafe pointer.pointee.ol_flags }
        nonmutating set { unsafe pointer.pointee.ol_flags = newValue }
    }

    /// Lengths of headers and segment size: `tx_offload`.
    @inline(__always)
    var transmitOffload: TransmitOffload {
        // SAFETY: whoever holds a packet owns it, or was lent it for the call.
        get { unsafe TransmitOffload(rawValue: pointer.pointee.tx_offload) }
        nonmutating set { unsafe pointer.pointee.tx_offload = newValue.rawValue }
    }

    /// RTE_PTYPE_…, `packet_type`.
    var packetType: UInt32 {
        // SAFETY: whoever holds a packet owns it, or was lent it for the call.
        get { unsafe pointer.pointee.packet_type }
        nonmutating set { unsafe pointer.pointee.packet_type = newValue }
    }
}
