// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Looks at devices for the control thread. No lock of the data path is taken: `HeapCell.withImage`
/// for what is never freed, the kernel's eyes (`System.peek`) for what may be.
struct Inspector: ~Copyable {
    /// Regions that are copied at once.
    static let regionsAtOnce = 32
    /// Most looks at memory that changes meanwhile.
    private static let looks = 8

    /// Room for an image.
    let scratch: FixedBuffer<UInt64>
    private let copies: FixedBuffer<MemoryTable.Region>
    private let words: FixedBuffer<UInt64>

    /// Room for the largest image. Throws `outOfMemory`.
    init() throws(VhostError) {
        var count = max(HeapCell<Device>.imageWordCount, HeapCell<VirtQueue>.imageWordCount)
        count = max(count, HeapCell<NetQueue>.imageWordCount, HeapCell<IOTLB>.imageWordCount)
        let scratch = try FixedBuffer<UInt64>(count: count, repeating: 0)
        let words = try FixedBuffer<UInt64>(count: 128, repeating: 0)
        copies = try FixedBuffer(count: Self.regionsAtOnce, repeating: MemoryTable.Region())
        self.scratch = scratch
        self.words = words
    }

    /// The device with this vid that is open, or whose engine still copies.
    func device(_ vid: Int) -> DeviceFacts? {
        guard let cell = CellTable.find(vid, of: Device.self) else { return nil }
        if DeviceTable.find(Int32(vid)) == nil {
            let isDraining = cell.withImage(scratch) { $0.isDraining }
            guard isDraining else { return nil }
        }
        return DeviceFacts.look(at: cell, scratch)
    }

    /// A device's queue.
    func queue(_ vid: Int, _ index: Int) -> HeapCell<VirtQueue>? {
        CellTable.find(vid, of: Device.self)?.value.queue(index)
    }

    /// Regions of a device's memory; nil when the kernel cannot tell, or the memory has changed since
    /// the look at the device.
    func regionCount(_ device: DeviceFacts) -> Int? {
        let count = MemoryTable.peekCount(device.tableAddress)
        return device.hasSameMemory ? count : nil
    }

    /// Copies regions of a device's memory, from `first` on; how many. Nil as above.
    func regions(_ device: DeviceFacts, from first: Int) -> Int? {
        guard let count = regionCount(device) else { return nil }
        guard first < count else { return 0 }
        let wanted = min(count - first, Self.regionsAtOnce)
        let address = MemoryTable.regionAddress(device.tableAddress, first)
        let isRead = System.peek(address, count: wanted, into: copies)
        return isRead && device.hasSameMemory ? wanted : nil
    }

    /// What is found of a device's memory, looked for again while it changes; nil when it is not
    /// known.
    func memory(of vid: Int, _ look: (DeviceFacts) -> Int?) -> Int? {
        for _ in 0..<Self.looks {
            guard let device = device(vid) else { return nil }
            if let result = look(device) { return result }
            if device.hasSameMemory { return nil }
        }
        return nil
    }

    /// One that was copied.
    func region(_ index: Int) -> MemoryTable.Region { copies[index] }

    /// All that is known of a ring, the writer's object being open.
    func tell<Writer: FactWriter & ~Copyable>(
        _ cell: HeapCell<VirtQueue>, of device: DeviceFacts, _ writer: inout Writer
    ) {
        let queue = QueueFacts.look(at: cell, scratch)
        writer.addQueue(queue)
        addGuestView(queue, of: device, &writer)
        let engine = EngineFacts.look(at: queue.datapath, scratch)
        writer.addEngine(engine)
        var counters = queue.counters
        counters[.inflight] = UInt64(engine.inflightCount)
        if let iotlb = queue.iotlb {
            let translations = TranslationFacts.look(at: iotlb, scratch)
            counters[.translationHits] = QueueCounter.difference(
                translations.lookups.hits, queue.lookupsBefore.hits)
            counters[.translationMisses] = QueueCounter.difference(
                translations.lookups.misses, queue.lookupsBefore.misses)
            writer.addTranslations(translations)
        }
        writer.addCounters(counters)
    }

    /// What the guest's side of a ring says. Pages that a migration has not brought yet are left
    /// alone.
    private func addGuestView<Writer: FactWriter & ~Copyable>(
        _ queue: QueueFacts, of device: DeviceFacts, _ writer: inout Writer
    ) {
        guard let places = queue.places, queue.size > 0, !device.isPostcopy else { return }
        if queue.isPacked {
            let position = PackedPosition(bits: queue.nextAvailable)
            guard let count = places.available(from: position, size: queue.size, words),
                device.hasSameMemory
            else { return }
            writer.add("available", count)
            return
        }
        guard let (flags, available, used) = places.indexes(), device.hasSameMemory else {
            return
        }
        writer.add("available", Int(available &- queue.nextAvailable))
        writer.openObject("guest")
        writer.add("available_flags", UInt64(flags))
        writer.add("available_index", UInt64(available))
        writer.add("used_index", UInt64(used))
        writer.closeObject()
    }
}
