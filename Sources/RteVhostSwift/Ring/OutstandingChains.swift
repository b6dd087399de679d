// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Chains of a packed ring that were taken and not used yet. A guest that offers one of their ids
/// or slots again breaks the ring's rules, and nothing else would tell.
struct OutstandingChains: ~Copyable {
    /// For each id: `out`, or the generation in which it was given back. That of used entries which
    /// the guest has not seen is the present one, so that showing them frees all their ids at once.
    private let states: FixedBuffer<UInt32>
    /// What was taken in order, for rewinding: id, and slots above bit 16.
    private let taken: FixedBuffer<UInt32>
    private let mask: UInt16
    private var generation: UInt32 = 1

    /// Chains taken since the ring was set up, and slots that they occupy, those included...
    private(set) var sequence: UInt16 = 0
    private(set) var slotCount = 0
    /// ...that the guest was shown since `beginLap`. It may offer them again, but not to the call
    /// that showed them: that one would go on for as long as the guest does.
    private(set) var shownCount = 0

    /// Nothing outstanding in a ring of `size` slots. Throws `outOfMemory`.
    init(size: Int) throws(VhostError) {
        var capacity = 1
        while capacity < size { capacity *= 2 }
        let states = try FixedBuffer<UInt32>(count: size, repeating: 0)
        let taken = try FixedBuffer<UInt32>(count: capacity, repeating: 0)
        self.states = states
        self.taken = taken
        mask = UInt16(capacity - 1)
    }

    /// What a queue without ring has.
    init() {
        states = FixedBuffer()
        taken = FixedBuffer()
        mask = 0
    }

    /// Slots that a guest may still offer to the call at hand.
    @inline(__always)
    var freeSlots: Int { states.count &- slotCount }

    /// What a loop needs to tell which ids are free, and to give them back without taking.
    @inline(__always)
    var ids: OutstandingIds {
        OutstandingIds(
            states.view, generation: generation, taken: taken.view, sequence: sequence)
    }

    /// Adds a chain of at most `freeSlots` slots; false when its id is out of range or out already.
    @inline(__always)
    mutating func add(id: UInt16, slots: Int) -> Bool {
        let ids = ids
        guard ids.isFree(id) else { return false }
        ids.take(id, slots: UInt16(truncatingIfNeeded: slots), behind: 0)
        extend(chains: 1, slots: slots)
        return true
    }

    /// Counts chains that were noted in `ids`.
    @inline(__always)
    mutating func extend(chains: Int, slots: Int) {
        sequence &+= UInt16(truncatingIfNeeded: chains)
        slotCount &+= slots
    }

    /// The slots of ids that were given back without being taken. They count as taken: whoever
    /// compares marks sees that.
    @inline(__always)
    mutating func occupy(_ slots: Int) {
        slotCount &+= slots
        sequence &+= UInt16(truncatingIfNeeded: slots)
    }

    /// Gives back the id of a chain that was used: it is free once the guest is shown that.
    @inline(__always)
    func giveBack(_ id: UInt16) { ids.giveBack(id) }

    /// A call begins: it may take what the guest was shown before.
    @inline(__always)
    mutating func beginLap() {
        slotCount &-= shownCount
        shownCount = 0
    }

    /// The guest is shown what was given back: `slots` in all.
    @inline(__always)
    mutating func show(slots: Int) {
        shownCount &+= slots
        generation &+= 1
        if generation == OutstandingIds.out { beginAnew() }
    }

    /// Generations begin anew: once in 2^32 times.
    @inline(never)
    private mutating func beginAnew() {
        generation = 1
        for id in 0..<states.count where states[id] != OutstandingIds.out { states[id] = 0 }
    }

    /// Forgets the chains taken after the first `sequence`.
    @inline(__always)
    mutating func rewind(to sequence: UInt16) {
        // Bounded by the chains that are out, which are at most the ring's slots.
        while self.sequence != sequence {
            self.sequence &-= 1
            let chain = taken[Int(self.sequence & mask)]
            states[Int(UInt16(truncatingIfNeeded: chain))] = 0
            slotCount &-= Int(chain >> 16)
        }
    }
}
