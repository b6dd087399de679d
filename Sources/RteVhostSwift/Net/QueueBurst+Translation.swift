// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Misses of the IOTLB. Each answer takes the frontend a turn, and a driver that maps every buffer
/// anew makes it look up every page anew: told one by one, a packet in 17 pages would take 17 turns.
extension QueueBurst {
    /// Most chains that are looked at for their misses.
    private static var chainLimit: Int { 32 }
    /// Most descriptors in them, but for the last chain.
    private static var descriptorLimit: Int { 256 }

    /// Goes back to a chain whose addresses are not known. If the frontend was not told of it
    /// before, it is told now, and of what the chain and those behind it want besides.
    @inline(never)
    func awaitTranslations<R: Ring & ~Copyable>(
        _ ring: inout R, _ direction: ChainDirection, from mark: RingMark
    ) {
        ring.rewind(to: mark)
        guard device.requestTranslation(queue) else { return }
        var descriptors = 0
        state.value.segments.skipsMissing = true
        for _ in 0..<Self.chainLimit where descriptors < Self.descriptorLimit {
            state.value.segments.removeAll()
            let result = ring.takeChain(direction, into: &state.value.segments, from: memory)
            guard memory.notesMisses else { break }
            if case .none = result { break }
            descriptors &+= max(state.value.segments.descriptorCount, 1)
        }
        state.value.segments.skipsMissing = false
        ring.rewind(to: mark)
        device.requestTranslation(queue)
    }
}
