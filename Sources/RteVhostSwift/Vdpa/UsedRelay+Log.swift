// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What hardware wrote without logging it: the writable buffers of each chain that it used.
extension UsedRelay {
    /// Marks a chain's writable buffers in full; how far the hardware came is not known of each.
    static func logChain(
        _ table: GuestArray<GuestWords>, _ head: Int, in memory: AddressSpace, _ log: DirtyLog
    ) {
        let first = SplitDescriptor(table.load(head))
        guard first.isIndirect else {
            return logDescriptors(count: table.count, from: head, in: memory, log) { index in
                SplitDescriptor(table.load(index))
            }
        }
        // A table that crosses from one region into the next is translated entry by entry.
        let count = min(Int(first.byteCount) / 16, SegmentList.maximumCount)
        guard count > 0 else { return }
        logDescriptors(count: count, from: 0, in: memory, log) { index in
            let address = first.address.advanced(by: index * 16)
            guard let slice = memory.slice(at: address, count: 16, .read), slice.count == 16 else {
                return nil
            }
            return SplitDescriptor(GuestArray<GuestWords>(slice).load(0))
        }
    }

    /// At most `count` steps, so a loop ends; what is no chain ends it as well.
    private static func logDescriptors(
        count: Int, from first: Int, in memory: AddressSpace, _ log: DirtyLog,
        _ load: (Int) -> SplitDescriptor?
    ) {
        var index = first
        for _ in 0..<count {
            guard let descriptor = load(index) else { return }
            if descriptor.isDeviceWritable {
                mark(descriptor.address, Int(descriptor.byteCount), in: memory, log)
            }
            guard descriptor.hasNext, Int(descriptor.next) < count else { return }
            index = Int(descriptor.next)
        }
    }

    private static func mark(
        _ address: GuestAddress, _ count: Int, in memory: AddressSpace, _ log: DirtyLog
    ) {
        var address = address
        var rest = count
        // Bounded by the regions: each turn ends one or is the last.
        while rest > 0, let slice = memory.slice(at: address, count: rest, .write) {
            log.mark(slice, in: memory.table)
            rest -= slice.count
            address = address.advanced(by: slice.count)
        }
    }
}
