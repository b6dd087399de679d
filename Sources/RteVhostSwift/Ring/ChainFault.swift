// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Why a chain was given back to the guest unused. Each has its counter.
enum ChainFault: UInt8, Error {
    /// Loop, index out of range, nested or malformed indirect table.
    case badChain = 1
    /// An address outside guest memory.
    case unmapped
    /// Shorter than the virtio-net header, or nothing behind it.
    case short
    /// A buffer that the chain's direction forbids.
    case direction
    /// More pieces or bytes than a packet may have.
    case tooLong
    /// An address that the IOTLB does not know. No fault of the guest's: the chain is not given
    /// back, it is taken again later.
    case missing
    /// A DMA engine reported that it did not copy the packet.
    case notCopied
}
