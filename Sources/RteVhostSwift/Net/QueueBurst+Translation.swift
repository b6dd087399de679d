// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Misses of the IOTLB. Each answer takes the frontend a turn, and a driver that maps every buffer
/// anew makes it look up every page anew: told one by one, a packet in 17 pages would take 17 turns.
extension QueueBurst {
    /// Most chains that are looked at for their misses.
    private static var chainLimit: Int { 32 }
    /// Most descriptors in them, or pieces of memory, but for the last chain.
    private static var stepLimit: Int { 256 }

    /// Goes back to `mark`: of the chain behind `known` chains an address is not known. If the
    /// frontend was not told of it before, it is told now, and of what the chain and those behind it
    /// want besides.
    @inline(never)
    func awaitTranslations<R: Ring & ~Copyable>(
        _ ring: inout R, _ direction: ChainDirection, from mark: RingMark, behind known: Int
    ) {
        ring.rewind(to: mark)
        guard device.requestTranslation(queue) else { return }
        ring.seesMore()
        if skip(known, &ring, direction) { look(&ring, direction) }
        ring.rewind(to: mark)
        device.requestTranslation(queue)
    }

    /// Passes chains of the packet at hand, which were bounded together when it was gathered. False
    /// when the guest changed them meanwhile.
    private func skip<R: Ring & ~Copyable>(
        _ known: Int, _ ring: inout R, _ direction: ChainDirection
    ) -> Bool {
        state.value.segments.removeAll()
        for _ in 0..<known {
            let result = ring.takeChain(direction, into: &state.value.segments, from: memory)
            guard case .chain = result else { return false }
        }
        return true
    }

    /// Notes what the next chains want, within reason.
    private func look<R: Ring & ~Copyable>(_ ring: inout R, _ direction: ChainDirection) {
        var steps = 0
        state.value.segments.skipsMissing = true
        for _ in 0..<Self.chainLimit where steps < Self.stepLimit {
            state.value.segments.removeAll()
            let result = ring.takeChain(direction, into: &state.value.segments, from: memory)
            guard memory.notesMisses else { break }
            if case .none = result { break }
            let pieces = max(state.value.segments.descriptorCount, state.value.segments.count)
            steps &+= max(pieces, 1)
        }
        state.value.segments.skipsMissing = false
    }
}
