// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The arrays that `transfer_data` is shown: pieces as iovecs, an iterator for each side of a
/// packet, a descriptor for each packet.
@safe
struct EnginePieces: ~Copyable {
    private let sources: FixedBuffer<iovec>
    private let destinations: FixedBuffer<iovec>
    private let iterators: FixedBuffer<rte_vhost_iov_iter>
    /// For the callback.
    let descriptors: FixedBuffer<rte_vhost_async_desc>

    /// Pieces there is room for.
    // SAFETY: only the count is read.
    var pieceCount: Int { unsafe sources.count }

    /// Arrays of these sizes.
    init(pieces: Int, descriptors count: Int) throws(VhostError) {
        // SAFETY: zero is a valid value of each; pointers are set before they are used.
        let sources = try unsafe FixedBuffer(count: pieces, repeating: iovec())
        let destinations = try unsafe FixedBuffer(count: pieces, repeating: iovec())
        let iterators = try unsafe FixedBuffer(count: count * 2, repeating: rte_vhost_iov_iter())
        let descriptors = try unsafe FixedBuffer(count: count, repeating: rte_vhost_async_desc())
        unsafe self.sources = sources
        unsafe self.destinations = destinations
        unsafe self.iterators = iterators
        unsafe self.descriptors = descriptors
    }

    /// Begins to set pieces from `first` on, below `limit`. Either is a bug of ours where the arrays
    /// end before.
    @inline(__always)
    func beginRun(from first: Int, limit: Int) -> EnginePieceRun {
        let room = max(0, limit &- first)
        // SAFETY: the views check the range; they are used within the call.
        return unsafe EnginePieceRun(
            sources: sources.view(from: first, count: room),
            destinations: destinations.view(from: first, count: room))
    }

    /// Sets one piece.
    @inline(__always)
    func set(_ index: Int, _ piece: EnginePiece) {
        // SAFETY: the buffers check the place.
        unsafe sources[index] = piece.source
        unsafe destinations[index] = piece.destination
    }

    /// Sets one packet's descriptor over `count` pieces from `start` on.
    @inline(__always)
    func setDescriptor(_ index: Int, start: Int, count: Int, byteCount: Int) {
        precondition(start >= 0 && count > 0 && start + count <= pieceCount)
        // SAFETY: the ranges were checked; the arrays live as long as self, the callback no longer.
        unsafe iterators[index * 2] = rte_vhost_iov_iter(
            offset: 0, count: byteCount, iov: sources.base + start, nr_segs: UInt(count))
        unsafe iterators[index * 2 + 1] = rte_vhost_iov_iter(
            offset: 0, count: byteCount, iov: destinations.base + start, nr_segs: UInt(count))
        unsafe descriptors[index] = rte_vhost_async_desc(
            src: iterators.base + index * 2, dst: iterators.base + index * 2 + 1)
    }

    /// Pieces of a packet.
    @inline(__always)
    func pieceCount(of packet: Int) -> Int {
        // SAFETY: only the count is read.
        unsafe Int(iterators[packet * 2].nr_segs)
    }

    /// One piece of a packet.
    @inline(__always)
    func piece(_ index: Int, of packet: Int) -> (from: UInt64, to: UInt64, count: Int) {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: pieceCount(of: packet)))
        // SAFETY: setDescriptor set both sides over as many pieces, which are ours.
        let from = unsafe iterators[packet * 2].iov[index]
        let to = unsafe iterators[packet * 2 + 1].iov[index]
        return unsafe (
            UInt64(UInt(bitPattern: from.iov_base)), UInt64(UInt(bitPattern: to.iov_base)),
            from.iov_len
        )
    }
}
