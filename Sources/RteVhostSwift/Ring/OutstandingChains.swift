// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Chains of a packed ring that were taken and not used yet. A guest that offers one of their ids
/// or slots again breaks the ring's rules, and nothing else would tell.
struct OutstandingChains: ~Copyable {
    /// True for each id that is out.
    private let ids: FixedBuffer<Bool>
    /// What was taken in order, for rewinding: id, and slots above bit 16.
    private let taken: FixedBuffer<UInt32>
    private let mask: UInt16

    /// Chains taken since the ring was set up, and slots that they occupy.
    private(set) var sequence: UInt16 = 0
    private(set) var slotCount = 0

    /// Nothing outstanding in a ring of `size` slots. Throws `outOfMemory`.
    init(size: Int) throws(VhostError) {
        var capacity = 1
        while capacity < size { capacity *= 2 }
        let ids = try FixedBuffer(count: size, repeating: false)
        let taken = try FixedBuffer<UInt32>(count: capacity, repeating: 0)
        self.ids = ids
        self.taken = taken
        mask = UInt16(capacity - 1)
    }

    /// What a queue without ring has.
    init() {
        ids = FixedBuffer()
        taken = FixedBuffer()
        mask = 0
    }

    /// Slots that a guest may still offer.
    @inline(__always)
    var freeSlots: Int { ids.count &- slotCount }

    /// Adds a chain of at most `freeSlots` slots; false when its id is out of range or out already.
    @inline(__always)
    mutating func add(id: UInt16, slots: Int) -> Bool {
        guard Int(id) < ids.count, !ids[Int(id)] else { return false }
        ids[Int(id)] = true
        taken[Int(sequence & mask)] = UInt32(id) | UInt32(truncatingIfNeeded: slots) << 16
        sequence &+= 1
        slotCount &+= slots
        return true
    }

    /// True when a chain with this id may be added.
    @inline(__always)
    func isFree(_ id: UInt16) -> Bool { Int(id) < ids.count && !ids[Int(id)] }

    /// Marks an id as out, of a chain that never goes back: its slots are for `occupy`.
    @inline(__always)
    func reserve(_ id: UInt16) { ids[Int(id)] = true }

    /// The slots of reserved ids. They count as taken: whoever compares marks sees that.
    @inline(__always)
    mutating func occupy(_ slots: Int) {
        slotCount &+= slots
        sequence &+= UInt16(truncatingIfNeeded: slots)
    }

    /// Forgets the id of a chain that was used: its slots are for `vacate`.
    @inline(__always)
    func release(_ id: UInt16) { ids[Int(id)] = false }

    /// The slots of released ids.
    @inline(__always)
    mutating func vacate(_ slots: Int) { slotCount &-= slots }

    /// Forgets a chain that was used.
    @inline(__always)
    mutating func remove(id: UInt16, slots: Int) {
        ids[Int(id)] = false
        slotCount &-= slots
    }

    /// Forgets the chains taken after the first `sequence`.
    @inline(__always)
    mutating func rewind(to sequence: UInt16) {
        // Bounded by the chains that are out, which are at most the ring's slots.
        while self.sequence != sequence {
            self.sequence &-= 1
            let chain = taken[Int(self.sequence & mask)]
            remove(id: UInt16(truncatingIfNeeded: chain), slots: Int(chain >> 16))
        }
    }
}
