// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A run of a packed ring, within one lap.
struct PackedRun: PlainRun {
    /// The slots that the run may take.
    private let descriptors: GuestArray<GuestWords>
    /// Where their used entries wait, and how those will lie in the ring.
    private let shadow: FixedView<UInt64>
    private let shapes: FixedView<ShadowShape>
    private let ids: OutstandingIds
    /// The flags that a chain of one buffer has here...
    private let flags: UInt16
    /// ...and its used descriptor, but for those of the lap.
    private let usedFlags: UInt64
    private var buffers: PlainBuffers
    private(set) var count = 0
    /// Slots taken.
    private(set) var slotCount = 0

    /// A run over `descriptors`, of chains that are available in the lap of `wrapCounter`.
    @inline(__always)
    init(
        _ descriptors: GuestArray<GuestWords>, wrapCounter: Bool, buffers: PlainBuffers,
        shadow: (words: FixedView<UInt64>, shapes: FixedView<ShadowShape>), ids: OutstandingIds
    ) {
        self.descriptors = descriptors
        self.shadow = shadow.words
        shapes = shadow.shapes
        self.ids = ids
        self.buffers = buffers
        let direction = buffers.direction
        flags = PackedDescriptor.plainFlags(direction, wrapCounter)
        usedFlags = direction == .deviceWrites ? PackedDescriptor.usedWrite : 0
    }

    @inline(__always)
    var limit: Int { shadow.count }

    @inline(__always)
    mutating func next(from memory: AddressSpace) -> PlainChain? {
        guard slotCount < descriptors.count else { return nil }
        let descriptor = PackedDescriptor(descriptors.loadAcquire(slotCount))
        let chain: PlainChain
        if descriptor.flags & PackedDescriptor.meaningfulFlags == flags {
            guard let found = buffers.single(descriptor, id: descriptor.id, from: memory) else {
                return nil
            }
            chain = found
        } else {
            // A function by itself, which is handed values: the loop around keeps its registers.
            guard descriptor.flags & PackedDescriptor.lapFlags == flags & PackedDescriptor.lapFlags,
                let found = PackedWalk.plain(
                    descriptor, at: slotCount, of: descriptors, buffers, from: memory)
            else { return nil }
            chain = found.chain
            buffers = found.buffers
        }
        return ids.isFree(chain.id) ? chain : nil
    }

    @inline(__always)
    mutating func use(_ chain: PlainChain, byteCount: UInt32) {
        ids.giveBack(chain.id)
        shadow[count] = usedFlags | UInt64(byteCount) | UInt64(chain.id) << 32
        if chain.slotCount != 1 {
            shapes[count] = ShadowShape(slotCount: chain.slotCount, continues: false)
        }
        count &+= 1
        slotCount &+= Int(chain.slotCount)
    }
}
