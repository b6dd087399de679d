// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A run of a split ring, in which neither available nor used ring begin anew.
struct SplitRun: PlainRun {
    /// The heads of the run.
    private let heads: GuestArray<UInt16>
    /// Where their used elements go.
    private let elements: GuestArray<UInt64>
    private let descriptors: GuestArray<GuestWords>
    /// The flags that a chain of one buffer has.
    private let flags: UInt16
    private var buffers: PlainBuffers
    private(set) var count = 0

    /// A run over `heads`, with as many `elements`.
    @inline(__always)
    init(
        _ heads: GuestArray<UInt16>, buffers: PlainBuffers,
        elements: GuestArray<UInt64>, descriptors: GuestArray<GuestWords>
    ) {
        self.heads = heads
        self.elements = elements
        self.descriptors = descriptors
        self.buffers = buffers
        flags = SplitDescriptor.plainFlags(buffers.direction)
    }

    @inline(__always)
    var limit: Int { heads.count }

    @inline(__always)
    func anew(_ buffers: PlainBuffers) -> SplitRun {
        var run = self
        run.buffers = buffers
        run.count = 0
        return run
    }

    @inline(__always)
    mutating func end(as other: SplitRun) {
        count = other.count
    }

    @inline(__always)
    mutating func next<S: PlainShape>(_ shape: S.Type, from memory: AddressSpace) -> PlainChain? {
        let head = heads.load(count)
        guard Int(head) < descriptors.count else { return nil }
        let descriptor = SplitDescriptor(descriptors.load(Int(head)))
        guard descriptor.flags & SplitDescriptor.meaningfulFlags != flags else {
            return buffers.single(descriptor, id: head, from: memory)
        }
        if S.hasTables {
            return ChainWalk.plainTable(descriptor, id: head, &buffers, from: memory)
        }
        guard S.hasPairs else { return nil }
        return ChainWalk.pair(descriptor, id: head, of: descriptors, &buffers, from: memory)
    }

    @inline(__always)
    static var fetchesAhead: Bool { false }

    @inline(__always)
    func prefetchAhead() {}

    @inline(__always)
    mutating func use(_ chain: PlainChain, byteCount: UInt32) {
        // virtio 1.2, 2.7.8: struct virtq_used_elem {le32 id; le32 len}.
        elements.store(UInt64(chain.id) | UInt64(byteCount) << 32, at: count)
        count &+= 1
    }

    @inline(__always)
    mutating func take(_ chain: PlainChain) -> UsedEntry {
        count &+= 1
        return UsedEntry(id: chain.id, descriptorCount: 1, byteCount: 0)
    }

    @inline(__always)
    func mark(from start: RingMark) -> RingMark {
        RingMark(index: start.index &+ UInt16(truncatingIfNeeded: count))
    }
}
