// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A run of plain chains, which lie in the ring in a row: a copy of what the ring would have to
/// fetch anew for each. While it lasts nothing else may be done with the ring.
protocol PlainRun: BitwiseCopyable {
    /// Chains taken.
    var count: Int { get }

    /// Most that may be.
    var limit: Int { get }

    /// The same of a run that nothing was taken of, with lookups from `buffers`, which are of its
    /// direction: where a function got the run from another one, the compiler does not know that.
    func anew(_ buffers: PlainBuffers) -> Self

    /// Has as many chains taken as such a run of this one has in the end.
    mutating func end(as other: Self)

    /// The next chain when it is a plain one of the run's direction, and a shape that the loop is
    /// for; nil when it is not: `takeChain` tells what there is. Not after `limit` chains.
    mutating func next<S: PlainShape>(_ shape: S.Type, from memory: AddressSpace) -> PlainChain?

    /// True where buffers that are written are worth asking for before it is their turn.
    static var fetchesAhead: Bool { get }

    /// Asks for the buffer of a chain that will be the next a few turns later, to write it: its turn
    /// shows whether it is one. Nothing where not `fetchesAhead`.
    func prefetchAhead()

    /// Takes that chain, and writes its used entry as `putUsed` does: `byteCount` is 0 where the
    /// device reads, and is not where it writes.
    mutating func use(_ chain: PlainChain, byteCount: UInt32)

    /// Takes that chain, and leaves its used entry to the caller. Not together with `use`: the run
    /// has to be ended with `endTaking`.
    mutating func take(_ chain: PlainChain) -> UsedEntry

    /// The ring's mark in front of the next chain, of a run that began at `start`.
    func mark(from start: RingMark) -> RingMark
}
