// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

@testable import RteVhostSwift

/// Most tests have no IOMMU: for them a memory table is all there is to an address.
extension Ring where Self: ~Copyable {
    mutating func takeChain(
        _ direction: ChainDirection, into segments: inout SegmentList, from memory: MemoryTable
    ) -> ChainResult {
        takeChain(direction, into: &segments, from: AddressSpace(memory))
    }

    /// Runs of at most `limit` plain chains in all, the used entry of each with the bytes that
    /// `byteCount` says; their buffers and ids.
    mutating func usePlain(
        _ direction: ChainDirection, limit: Int, from memory: MemoryTable,
        headerByteCount: Int = 0, byteCount: (Int) -> UInt32 = { _ in 0 }
    ) -> [PlainChain] {
        var chains: [PlainChain] = []
        var before: Int
        repeat {
            before = chains.count
            let form = formAhead
            var run = beginRun(
                PlainBuffers(headerByteCount: headerByteCount, direction), limit: limit - before)
            while run.count < run.limit,
                let chain = run.next(form, from: AddressSpace(memory))
            {
                run.use(chain, byteCount: byteCount(chains.count))
                chains.append(chain)
            }
            endRun(run)
        } while chains.count > before
        return chains
    }

    /// One run of at most `limit` plain chains that are taken alone: the bytes of each, its used
    /// entry, and the ring's mark in front of it.
    mutating func takePlain(
        _ direction: ChainDirection, limit: Int, from memory: MemoryTable
    ) -> [(byteCount: Int, entry: UsedEntry, mark: RingMark)] {
        var chains: [(byteCount: Int, entry: UsedEntry, mark: RingMark)] = []
        let start = mark
        let form = formAhead
        var run = beginRun(PlainBuffers(headerByteCount: 0, direction), limit: limit)
        while run.count < run.limit,
            let chain = run.next(form, from: AddressSpace(memory))
        {
            let mark = run.mark(from: start)
            chains.append((chain.header.count, run.take(chain), mark))
        }
        endTaking(run)
        return chains
    }
}

extension PlainRun {
    /// The next chain as a loop takes it that is for chains of a form.
    mutating func next(_ form: ChainForm, from memory: AddressSpace) -> PlainChain? {
        switch form {
        case .single: next(SingleBuffers.self, from: memory)
        case .chained: next(PairedBuffers.self, from: memory)
        case .table: next(TableBuffers.self, from: memory)
        }
    }
}

extension SegmentList {
    mutating func append(
        _ address: GuestAddress, byteCount: UInt32, in memory: MemoryTable
    ) throws(ChainFault) {
        try append(address, byteCount: byteCount, .read, in: AddressSpace(memory))
    }
}
