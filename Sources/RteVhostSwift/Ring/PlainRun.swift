// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A run of plain chains, which lie in the ring in a row: a copy of what the ring would have to
/// fetch anew for each. While it lasts nothing else may be done with the ring.
protocol PlainRun: BitwiseCopyable {
    /// Chains taken.
    var count: Int { get }

    /// Most that may be.
    var limit: Int { get }

    /// The next chain when it is one buffer of the run's direction, in one region of memory; nil
    /// when it is not: `takeChain` tells what there is. Not after `limit` chains.
    mutating func next(from memory: AddressSpace) -> PlainChain?

    /// Takes that chain, and writes its used entry as `putUsed` does: `byteCount` is 0 where the
    /// device reads, and is not where it writes.
    mutating func use(_ chain: PlainChain, byteCount: UInt32)
}

extension PlainRun {
    /// The buffer of a plain chain, in the region that was met last or another one.
    @inline(__always)
    static func buffer(
        at address: GuestAddress, count: UInt32, _ window: inout MemoryWindow,
        from memory: AddressSpace
    ) -> GuestSlice? {
        if let buffer = window.whole(at: address, count: count) { return buffer }
        guard let other = memory.window(at: address) else { return nil }
        window = other
        return other.whole(at: address, count: count)
    }
}
