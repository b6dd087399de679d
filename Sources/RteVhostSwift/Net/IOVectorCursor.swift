// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// One side of a descriptor as it is walked: the bytes that are contiguous at its front.
@safe
struct IOVectorCursor {
    private var next: UnsafePointer<iovec>?
    private var vectorsLeft: UInt
    /// Address of the next byte.
    private(set) var address: UInt = 0
    /// Bytes from there on that are contiguous; 0 when the iovecs have no more.
    private(set) var run = 0

    /// A cursor at the iterator's first byte. Valid as long as the iterator's iovecs are.
    init(_ iterator: rte_vhost_iov_iter) {
        // SAFETY: the caller of transfer_data vouches for nr_segs iovecs during the call.
        unsafe next = UnsafePointer(iterator.iov)
        vectorsLeft = unsafe next == nil ? 0 : iterator.nr_segs
        fill()
        skip(unsafe iterator.offset)
    }

    /// Moves on by `count` bytes, at most `run`.
    @inline(__always)
    mutating func advance(_ count: Int) {
        address &+= UInt(bitPattern: count)
        run &-= count
        if run == 0 { fill() }
    }

    /// To the next iovec that has bytes.
    @inline(__always)
    private mutating func fill() {
        // Bounded by the iovecs there are.
        while run == 0, vectorsLeft > 0, let vector = unsafe next {
            // SAFETY: one of the vectorsLeft iovecs that remain.
            address = unsafe UInt(bitPattern: vector.pointee.iov_base)
            run = unsafe max(Int(bitPattern: UInt(vector.pointee.iov_len)), 0)
            unsafe next = vector + 1
            vectorsLeft &-= 1
        }
    }

    private mutating func skip(_ count: Int) {
        var left = count
        while left > 0, run > 0 {
            let part = min(left, run)
            advance(part)
            left &-= part
        }
    }
}
