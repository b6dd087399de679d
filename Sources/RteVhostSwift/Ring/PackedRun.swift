// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A run of a packed ring, within one lap.
struct PackedRun: PlainRun {
    /// The slots of the run.
    private let descriptors: GuestArray<GuestWords>
    /// Where their used entries wait.
    private let shadow: FixedView<UInt64>
    private let ids: OutstandingIds
    /// The flags that a plain chain has here...
    private let flags: UInt64
    /// ...and its used descriptor, but for those of the lap.
    private let usedFlags: UInt64
    private var window = MemoryWindow()
    private(set) var count = 0

    /// A run over `descriptors`, of chains that are available in the lap of `wrapCounter`.
    @inline(__always)
    init(
        _ descriptors: GuestArray<GuestWords>, _ direction: ChainDirection, wrapCounter: Bool,
        shadow: FixedView<UInt64>, ids: OutstandingIds
    ) {
        self.descriptors = descriptors
        self.shadow = shadow
        self.ids = ids
        flags = UInt64(PackedDescriptor.plainFlags(direction, wrapCounter))
        usedFlags = direction == .deviceWrites ? PackedDescriptor.usedWrite : 0
    }

    @inline(__always)
    var limit: Int { descriptors.count }

    @inline(__always)
    mutating func next(from memory: AddressSpace) -> PlainChain? {
        let words = descriptors.loadAcquire(count)
        let descriptor = PackedDescriptor(words)
        guard words.second >> 48 & UInt64(PackedDescriptor.meaningfulFlags) == flags,
            let buffer = Self.buffer(
                at: descriptor.address, count: descriptor.byteCount, &window, from: memory),
            ids.isFree(descriptor.id)
        else { return nil }
        return PlainChain(buffer: buffer, id: descriptor.id)
    }

    @inline(__always)
    mutating func use(_ chain: PlainChain, byteCount: UInt32) {
        ids.giveBack(chain.id)
        shadow[count] = usedFlags | UInt64(byteCount) | UInt64(chain.id) << 32
        count &+= 1
    }
}
