// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The callbacks that `rtevhostswift_dma_ops` hands out.
extension SoftwareEngines {
    private static let table = LazyCell<rte_vhost_async_channel_ops>()

    /// Made at the first use, for good. Throws `outOfMemory`.
    static func operations() throws(VhostError) -> HeapCell<rte_vhost_async_channel_ops> {
        // SAFETY: the functions capture nothing; what they are given is the caller's to keep valid.
        try table.get { () throws(VhostError) in
            try HeapCell(
                unsafe rte_vhost_async_channel_ops(
                    transfer_data: { vid, queue, descriptors, _, count in
                        unsafe SoftwareEngines.transfer(vid, queue, descriptors, count)
                    },
                    check_completed_copies: { vid, queue, _, limit in
                        SoftwareEngines.check(vid, queue, limit)
                    }))
        }
    }

    /// `transfer_data`; -1 without channel.
    private static func transfer(
        _ vid: Int32, _ queue: UInt16, _ descriptors: UnsafePointer<rte_vhost_async_desc>?,
        _ count: UInt16
    ) -> Int32 {
        guard let descriptors = unsafe descriptors,
            let key = SoftwareChannelTable.key(vid: vid, queue: queue)
        else { return -1 }
        // SAFETY: the caller vouches for `count` descriptors during the call.
        let accepted = try? withChannel(key) {
            unsafe $0.transfer(descriptors, count: Int(count))
        }
        return accepted ?? -1
    }

    /// `check_completed_copies`; -1 without channel.
    private static func check(_ vid: Int32, _ queue: UInt16, _ limit: UInt16) -> Int32 {
        guard let key = SoftwareChannelTable.key(vid: vid, queue: queue) else { return -1 }
        return (try? withChannel(key) { $0.takeCompletions(limit: Int(limit)) }) ?? -1
    }
}
