// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The first descriptor of a chain that is offered, as it was read once.
struct ChainHead<Descriptor: RingDescriptor>: BitwiseCopyable {
    /// Head index (split), or buffer id where the chain is a single descriptor (packed).
    let id: UInt16
    /// The descriptor's two words: fewer registers than its fields.
    private let words: GuestWords

    /// A chain's first descriptor.
    @inline(__always)
    init(id: UInt16, _ words: GuestWords) {
        self.id = id
        self.words = words
    }

    /// The descriptor.
    @inline(__always)
    var descriptor: Descriptor { Descriptor(words) }

    /// What it tells of the chain.
    @inline(__always)
    var form: ChainForm { descriptor.form }
}
