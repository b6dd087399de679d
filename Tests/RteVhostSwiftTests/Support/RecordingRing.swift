// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

@testable import RteVhostSwift

/// A ring that offers nothing and remembers what was put: for tests of the FIFO.
struct RecordingRing: Ring, ~Copyable {
    var size = 16
    var put: [UsedEntry] = []
    var published = 0

    let isBroken = false
    var mark: RingMark { RingMark(index: 0, wrapCounter: false) }

    mutating func refreshAvailable(limit: Int) -> Int { 0 }
    mutating func estimateAvailable(limit: Int) -> Int { 0 }

    mutating func takeChain(
        _ direction: ChainDirection, into segments: inout SegmentList,
        from memory: AddressSpace
    ) -> ChainResult { .none }

    var formAhead: ChainForm { .single }
    static var runsApart: Bool { false }
    mutating func nextHead(limit: Int) -> ChainHead<SplitDescriptor>? { nil }
    func plainChain<S: PlainShape>(
        _ head: ChainHead<SplitDescriptor>, _ shape: S.Type, _ buffers: PlainBuffers,
        from memory: AddressSpace
    ) -> PlainChain? { nil }
    mutating func showPlain(_ chain: PlainChain, byteCount: UInt32) {}

    mutating func beginRun(_ buffers: PlainBuffers, limit: Int) -> SplitRun {
        SplitRun(
            GuestArray(.empty), buffers: buffers, elements: GuestArray(.empty),
            descriptors: GuestArray(.empty))
    }
    mutating func endRun(_ run: SplitRun) {}
    mutating func endTaking(_ run: SplitRun) {}

    mutating func rewind(to mark: RingMark) {}
    mutating func putUsed(_ entry: UsedEntry, continues: Bool) { put.append(entry) }
    mutating func takeWrites() -> RingWrites { RingWrites(used: .empty) }
    var isFull: Bool { false }

    mutating func publishUsed() { published = put.count }
    mutating func shouldNotify() -> Bool { false }
}
