// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// `struct rte_vhost_resubmit_info`: what an application does again after its predecessor died. It
/// reads and writes the structure in place, so nothing here is read back. Freed by its owner.
@safe
struct ResubmitList: ~Copyable {
    private let block: UnsafeMutableRawPointer

    private static let headByteCount = 16
    private static let entryByteCount = 16

    /// A list of `count` entries. Throws `outOfMemory`.
    init(count: Int) throws(VhostError) {
        precondition(count > 0 && count <= 32_768)
        let byteCount = Self.headByteCount + count * Self.entryByteCount
        // SAFETY: the block has room for the structure and its entries; deinit frees it.
        guard let block = unsafe calloc(1, byteCount) else { throw .outOfMemory }
        unsafe self.block = block
        var information = unsafe rte_vhost_resubmit_info()
        unsafe information.resubmit_list = (block + Self.headByteCount)
            .assumingMemoryBound(to: rte_vhost_resubmit_desc.self)
        unsafe information.resubmit_num = UInt16(count)
        unsafe block.storeBytes(of: information, as: rte_vhost_resubmit_info.self)
    }

    // SAFETY: allocated by init; the application was told to stop before.
    deinit { unsafe free(block) }

    /// Fills in one entry; `position` is below the count.
    func set(_ entry: InflightEntry, at position: Int) {
        let place = Self.headByteCount + position * Self.entryByteCount
        // SAFETY: init made room for the entry.
        unsafe (block + place).storeBytes(
            of: rte_vhost_resubmit_desc(index: entry.index, counter: entry.counter),
            as: rte_vhost_resubmit_desc.self)
    }

    /// For `rte_vhost_get_vhost_ring_inflight`.
    var information: UnsafeMutablePointer<rte_vhost_resubmit_info> {
        // SAFETY: init wrote the structure there.
        unsafe block.assumingMemoryBound(to: rte_vhost_resubmit_info.self)
    }
}
