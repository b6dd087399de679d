// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What hardware wrote without logging it: the writable buffers of each chain that it used, for one
/// call. The guest may have changed its descriptors since the hardware read them: to chains that
/// loop through all of its memory, each. So what one call looks at and marks is limited; beyond that
/// all of the guest's memory is marked once, and nothing more is looked at.
struct RelayLog {
    private let memory: AddressSpace
    private let log: DirtyLog
    /// Descriptors that may still be looked at, and bytes of the log that may be written.
    private var stepsLeft: Int

    /// Descriptors that a call looks at in any case.
    private static var leastSteps: Int { 65_536 }
    /// Bytes of guest memory for which the log has a byte.
    private static var shiftOfLogByte: Int { 15 }

    /// The log of a call that finds addresses in `memory`.
    init(_ log: DirtyLog, over memory: AddressSpace) {
        self.memory = memory
        self.log = log
        stepsLeft = Self.leastSteps + log.byteCount
    }

    /// Marks a chain's writable buffers in full; how far the hardware came is not known of each.
    mutating func markChain(_ table: GuestArray<GuestWords>, _ head: Int) {
        guard take(1) else { return }
        let first = SplitDescriptor(table.load(head))
        guard first.isIndirect else {
            return markDescriptors(count: table.count, from: head) { index in
                SplitDescriptor(table.load(index))
            }
        }
        // A table that crosses from one region into the next is translated entry by entry.
        let count = min(Int(first.byteCount) / 16, SegmentList.maximumCount)
        guard count > 0 else { return }
        let memory = memory
        markDescriptors(count: count, from: 0) { index in
            let address = first.address.advanced(by: index * 16)
            guard let slice = memory.slice(at: address, count: 16, .read), slice.count == 16 else {
                return nil
            }
            return SplitDescriptor(GuestArray<GuestWords>(slice).load(0))
        }
    }

    /// At most `count` steps, so a loop ends; what is no chain ends it as well.
    private mutating func markDescriptors(
        count: Int, from first: Int, _ load: (Int) -> SplitDescriptor?
    ) {
        var index = first
        for _ in 0..<count {
            guard take(1), let descriptor = load(index) else { return }
            if descriptor.isDeviceWritable {
                mark(descriptor.address, Int(descriptor.byteCount))
            }
            guard descriptor.hasNext, Int(descriptor.next) < count else { return }
            index = Int(descriptor.next)
        }
    }

    private mutating func mark(_ address: GuestAddress, _ count: Int) {
        var address = address
        var rest = count
        // Bounded by the regions: each turn ends one or is the last.
        while rest > 0, let slice = memory.slice(at: address, count: rest, .write) {
            guard take(1 + slice.count >> Self.shiftOfLogByte) else { return }
            log.mark(slice, in: memory.table)
            rest -= slice.count
            address = address.advanced(by: slice.count)
        }
    }

    /// True while so many steps are left; marks everything when they are not, once.
    private mutating func take(_ steps: Int) -> Bool {
        guard stepsLeft >= steps else {
            if stepsLeft >= 0 { markAll() }
            stepsLeft = -1
            return false
        }
        stepsLeft -= steps
        return true
    }

    private func markAll() {
        for index in 0..<memory.table.count {
            let region = memory.table[index]
            log.mark(GuestAddress(rawValue: region.guest), count: region.byteCount)
        }
    }
}
