// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Fresh mbufs for a burst, taken from the pool in bulk and prepared one at a time.
@safe
struct PacketSupply: ~Copyable {
    private let objects: FixedBuffer<UnsafeMutableRawPointer?>
    private var pool: PacketPool?
    private var position = 0
    private var end = 0
    /// The pool of the burst could not give as many as were wanted.
    private var isShort = false
    /// The pool of the burst gave something that is no mbuf.
    private(set) var hasRawObjects = false

    /// Most mbufs taken at once.
    private static let batch = 64

    /// A supply without a pool.
    init() throws(VhostError) {
        // SAFETY: the places are nil until they are filled.
        unsafe objects = try FixedBuffer(count: Self.batch, repeating: nil)
    }

    /// Begins a burst that will need about `count` mbufs.
    @inline(__always)
    mutating func open(_ pool: PacketPool, count: Int) {
        self.pool = pool
        position = 0
        end = 0
        isShort = false
        hasRawObjects = false
        fill(count)
    }

    /// A prepared mbuf; nil when the pool is empty. `expected` is how many will be wanted, this one
    /// included, and no more than a guess.
    @inline(__always)
    mutating func next(expected: @autoclosure () -> Int = 1) -> PacketBuffer? {
        if position == end { fillAnew(expected()) }
        // SAFETY: the object was taken from the pool and is handed out once.
        guard position < end, let object = unsafe objects[position] else { return nil }
        position &+= 1
        prefetchNext()
        let packet = unsafe PacketBuffer(object: object)
        packet.prepare()
        return packet
    }

    /// Asks for what the next one will be prepared in: a long packet is copied meanwhile, which drives
    /// the mbufs behind it out of the nearest cache.
    @inline(__always)
    private func prefetchNext() {
        // SAFETY: a hint, which reads and writes nothing.
        if position < end, let object = unsafe objects[position] {
            unsafe crte_prefetch_for_write(object)
            unsafe crte_prefetch_for_write(object + 64)
        }
    }

    /// Mbufs that were taken from the pool for this burst and not handed out.
    @inline(__always)
    var atHand: PacketObjects {
        // SAFETY: objects position..<end are mbufs of the pool; `fill` put them there.
        unsafe PacketObjects(base: objects.base + position, count: end &- position)
    }

    /// Takes more where none is at hand: about `count` will be needed. Not from a pool that gives
    /// them one at a time: whoever wants the next asks for it.
    @inline(__always)
    mutating func refill(_ count: Int) {
        if position == end, !isShort { fillAnew(count) }
    }

    /// The same. Out of line: few bursts need more than they began with.
    @inline(never)
    private mutating func fillAnew(_ count: Int) { fill(count) }

    /// The first `count` of those at hand were handed out.
    @inline(__always)
    mutating func drop(_ count: Int) {
        precondition(count >= 0 && count <= end &- position)
        position &+= count
    }

    /// True when the pool has so many mbufs, free or not.
    @inline(never)
    func canGive(_ count: Int) -> Bool { pool.map { $0.size > count } ?? false }

    /// Ends the burst: what was not used goes back.
    @inline(__always)
    mutating func close() {
        if position < end {
            // SAFETY: objects position..<end were taken and not handed out.
            unsafe pool?.put(end &- position, from: objects.base + position)
        }
        position = 0
        end = 0
    }

    @inline(__always)
    private mutating func fill(_ count: Int) {
        guard let pool else { return }
        let wanted = min(max(count, 1), Self.batch)
        position = 0
        // SAFETY: the buffer has room for a batch.
        if unsafe pool.take(wanted, into: objects.base) {
            end = wanted
        } else {
            // The pool cannot give them all; one at a time then.
            isShort = true
            end = unsafe wanted > 1 && pool.take(1, into: objects.base) ? 1 : 0
        }
        // SAFETY: objects 0..<end were just taken; the first one's first line is needed next.
        if end > 0, let object = unsafe objects[0], unsafe !pool.owns(PacketBuffer(object: object))
        {
            refuse(pool)
        }
    }

    /// Gives back what are no mbufs.
    @inline(never)
    private mutating func refuse(_ pool: PacketPool) {
        // SAFETY: as in fill.
        unsafe pool.put(end, from: objects.base)
        end = 0
        hasRawObjects = true
    }
}
