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

    mutating func takeBatch(
        _ direction: ChainDirection, from memory: MemoryTable
    ) -> ChainBatch? {
        takeBatch(direction, from: AddressSpace(memory))
    }
}

extension SegmentList {
    mutating func append(
        _ address: GuestAddress, byteCount: UInt32, in memory: MemoryTable
    ) throws(ChainFault) {
        try append(address, byteCount: byteCount, .read, in: AddressSpace(memory))
    }
}
