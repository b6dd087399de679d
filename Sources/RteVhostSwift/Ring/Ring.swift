// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A virtqueue's ring as the device sees it. The loops of the datapath are written against this,
/// once for all formats.
protocol Ring: ~Copyable {
    /// What lies in the ring.
    associatedtype Descriptor: RingDescriptor

    /// What runs of plain chains are here.
    associatedtype Run: PlainRun

    /// True when a loop over a run has too few registers within the call that prepares it, and is
    /// better a function by itself: counted in instructions.
    static var runsApart: Bool { get }

    /// Slots.
    var size: Int { get }

    /// True from the guest's first impossible index on, until the ring is set up again.
    var isBroken: Bool { get }

    /// Chains offered and not yet taken, counted up to `limit`; at least one when there are any.
    /// Finds out whether the ring is broken.
    mutating func refreshAvailable(limit: Int) -> Int

    /// The same for the pace of a burst, where one look may do, or none: more than there are when
    /// the guest offers slots of a packed ring out of order, or chains of several. Chains that were
    /// seen before may be all that is told.
    mutating func estimateAvailable(limit: Int) -> Int

    /// True when so many chains were seen before: `estimateAvailable` did not look for more.
    func remembers(_ count: Int) -> Bool

    /// Looks for chains that were offered since the last look; true when there are any.
    @discardableResult
    mutating func seesMore() -> Bool

    /// Takes the next chain and moves on. Bounded by the ring's size, or by the indirect table's.
    mutating func takeChain(
        _ direction: ChainDirection, into segments: inout SegmentList,
        from memory: AddressSpace
    ) -> ChainResult

    /// The head of the next chain, if one is offered: all the look ahead there is for a call that
    /// wants at most `limit` chains. Nothing is taken yet. Finds out whether the ring is broken.
    mutating func nextHead(limit: Int) -> ChainHead<Descriptor>?

    /// That chain, if it has the shape, as a run would take it.
    func plainChain<S: PlainShape>(
        _ head: ChainHead<Descriptor>, _ shape: S.Type, _ buffers: PlainBuffers,
        from memory: AddressSpace
    ) -> PlainChain?

    /// Takes that chain and shows the guest its used entry: a run's `use`, `endRun` and
    /// `publishUsed` together.
    mutating func showPlain(_ chain: PlainChain, byteCount: UInt32)

    /// What the next chain looks like, and those behind it most likely do: worth nothing where none
    /// is offered.
    var formAhead: ChainForm { get }

    /// Begins a run of at most `limit` plain chains, or fewer where the ring begins anew. Until its
    /// end nothing else may be done.
    mutating func beginRun(_ buffers: PlainBuffers, limit: Int) -> Run

    /// Ends a run: its chains are taken, and their used entries put.
    mutating func endRun(_ run: Run)

    /// Ends a run whose chains were taken, each with `take`.
    mutating func endTaking(_ run: Run)

    /// Where the next chain will be taken.
    var mark: RingMark { get }

    /// Goes back to where `mark` was: the chains since then are offered again. The only rollback
    /// there is.
    mutating func rewind(to mark: RingMark)

    /// Writes one used entry behind those before it; the guest does not see it yet. One that
    /// `continues` belongs to the same packet as the one before: the guest sees both or none.
    mutating func putUsed(_ entry: UsedEntry, continues: Bool)

    /// True when the next packet's entry will show the guest those before it.
    var isFull: Bool { get }

    /// Shows the guest what was put.
    mutating func publishUsed()

    /// What was written into guest memory since this was asked last, for the dirty log: at least
    /// that. The first answer after a time in which nobody asked is worth nothing.
    mutating func takeWrites() -> RingWrites

    /// True when the guest wants an interrupt for what was published since the last call.
    mutating func shouldNotify() -> Bool
}

extension Ring where Self: ~Copyable {
    /// A used entry that is a packet by itself, or the first of one.
    @inline(__always)
    mutating func putUsed(_ entry: UsedEntry) { putUsed(entry, continues: false) }

    /// A ring whose chains are looked at as they are taken.
    func remembers(_ count: Int) -> Bool { false }

    /// The same.
    @discardableResult
    func seesMore() -> Bool { false }
}
