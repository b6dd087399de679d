// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

@testable import RteVhostSwift

/// The driver's side of a packed ring, written from virtio 1.2, 2.8 without looking at the library:
/// its own positions and wrap counters, and the lengths of the lists by id.
final class MockPackedDriver {
    static let available: UInt16 = 1 << 7
    static let used: UInt16 = 1 << 15

    /// One element of a list.
    struct Element: Equatable {
        var address: UInt64
        var byteCount: UInt32
        /// NEXT, WRITE, INDIRECT; the rest is set by `offer`.
        var flags: UInt16 = 0
    }

    /// A used descriptor as the driver finds it.
    struct Used: Equatable {
        var id: UInt16
        var byteCount: UInt32
        var isWritten: Bool
    }

    let guest: MockMemory
    let size: Int
    let descriptors: UInt64
    let driverEvent: UInt64
    let deviceEvent: UInt64
    /// Where the next descriptor is made available.
    private(set) var nextAvailable = 0
    private(set) var availableWrap = true
    /// Where the next used descriptor is looked for.
    private(set) var nextUsed = 0
    private(set) var usedWrap = true
    /// Descriptors of the list that each id stands for.
    private(set) var lengths: [UInt16: Int] = [:]

    /// A ring of `size` slots at a guest-physical address, which is a multiple of 16.
    init(_ guest: MockMemory, size: Int, at base: UInt64) {
        self.guest = guest
        self.size = size
        free = size
        descriptors = base
        driverEvent = base + UInt64(size * 16)
        deviceEvent = driverEvent + 4
    }

    /// The device's view.
    func makeRing(usesEventIndex: Bool = false) throws -> PackedRing {
        func slice(_ address: UInt64, _ count: Int) -> GuestSlice {
            guest.memory.slice(at: GuestAddress(rawValue: address), count: count)!
        }
        return try PackedRing(
            size: size, descriptors: slice(descriptors, size * 16),
            driverEvent: slice(driverEvent, 4), deviceEvent: slice(deviceEvent, 4),
            usesEventIndex: usesEventIndex)
    }

    /// Puts the driver at a place where all was used, as if the ring had run until there: each slot
    /// holds what the lap before left there.
    func start(slot: Int, wrap: Bool) {
        (nextAvailable, availableWrap, nextUsed, usedWrap) = (slot, wrap, slot, wrap)
        lengths = [:]
        free = size
        for index in 0..<size {
            let lap = index < slot ? wrap : !wrap
            describe(index, Element(address: 0, byteCount: 0), id: 0)
            setFlags(index, lap ? Self.available | Self.used : 0)
        }
        guest.store(UInt32(0), at: driverEvent)
        guest.store(UInt32(0), at: deviceEvent)
    }

    /// Slots that hold nothing that the device has not used.
    private(set) var free: Int

    /// An id that is not out.
    var freeID: UInt16 { (0..<UInt16(size)).last { lengths[$0] == nil }! }

    /// Writes all but the flags of a descriptor.
    func describe(_ slot: Int, _ element: Element, id: UInt16) {
        let place = descriptors + UInt64(slot * 16)
        guest.store(element.address, at: place)
        guest.store(element.byteCount, at: place + 8)
        guest.store(id, at: place + 12)
    }

    /// Writes a descriptor's flags.
    func setFlags(_ slot: Int, _ flags: UInt16) {
        guest.store(flags, at: descriptors + UInt64(slot * 16) + 14)
    }

    /// A descriptor's flags, and its address.
    func flags(_ slot: Int) -> UInt16 {
        guest.load(descriptors + UInt64(slot * 16) + 14, as: UInt16.self)
    }

    func address(_ slot: Int) -> UInt64 {
        guest.load(descriptors + UInt64(slot * 16), as: UInt64.self)
    }

    /// Makes a list available. 2.8.21.1: id in the last, first flags last. The ids of the others
    /// are what they like.
    func offer(_ elements: [Element], id: UInt16) {
        precondition(elements.count <= free && lengths[id] == nil)
        let first = nextAvailable
        var firstFlags: UInt16 = 0
        for (index, element) in elements.enumerated() {
            let isLast = index == elements.count - 1
            var flags = element.flags | (isLast ? 0 : 1)
            flags |= availableWrap ? Self.available : Self.used
            describe(nextAvailable, element, id: isLast ? id : 0xffff)
            if index == 0 { firstFlags = flags } else { setFlags(nextAvailable, flags) }
            nextAvailable += 1
            if nextAvailable == size { (nextAvailable, availableWrap) = (0, !availableWrap) }
        }
        lengths[id] = elements.count
        free -= elements.count
        setFlags(first, firstFlags)
    }

    /// Looks at the one place where the next used descriptor will be. 2.8.22.
    func poll() -> Used? {
        let place = descriptors + UInt64(nextUsed * 16)
        let flags = self.flags(nextUsed)
        let isUsed = flags & Self.used != 0
        guard isUsed == usedWrap, isUsed == (flags & Self.available != 0) else { return nil }
        let id = guest.load(place + 12, as: UInt16.self)
        let length = guest.load(place + 8, as: UInt32.self)
        guard let count = lengths.removeValue(forKey: id) else { return nil }
        free += count
        nextUsed += count
        if nextUsed >= size { (nextUsed, usedWrap) = (nextUsed - size, !usedWrap) }
        return Used(id: id, byteCount: length, isWritten: flags & 2 != 0)
    }

    /// All that is used.
    func pollAll() -> [Used] {
        var all: [Used] = []
        while let entry = poll() { all.append(entry) }
        return all
    }

    /// The driver's wish: place, wrap counter, flags.
    func setEvent(_ offset: UInt16, _ wrap: Bool, flags: UInt16) {
        guest.store(offset | (wrap ? 0x8000 : 0), at: driverEvent)
        guest.store(flags, at: driverEvent + 2)
    }

    /// The device's wish, the same way.
    var deviceWish: (place: UInt16, flags: UInt16) {
        (
            guest.load(deviceEvent, as: UInt16.self),
            guest.load(deviceEvent + 2, as: UInt16.self)
        )
    }

    /// Writes an entry of an indirect table.
    func writeEntry(_ index: Int, of table: UInt64, _ element: Element, noise: UInt16 = 0) {
        let place = table + UInt64(index * 16)
        guest.store(element.address, at: place)
        guest.store(element.byteCount, at: place + 8)
        guest.store(noise, at: place + 12)
        guest.store(element.flags, at: place + 14)
    }
}
