// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

@testable import RteVhostSwift

/// A descriptor as a driver writes it.
struct MockDescriptor: Equatable {
    static let next: UInt16 = 1
    static let write: UInt16 = 2
    static let indirect: UInt16 = 4

    var address: UInt64 = 0
    var byteCount: UInt32 = 0
    var flags: UInt16 = 0
    var next: UInt16 = 0
}

/// The driver's side of a split ring: writes descriptors and the available ring, reads the used ring.
final class MockDriver {
    let guest: MockMemory
    let size: Int
    let descriptors: UInt64
    let available: UInt64
    let used: UInt64
    /// The driver's own `avail.idx`.
    private(set) var availableIndex: UInt16 = 0

    /// A ring of `size` slots at a guest-physical address, which is a multiple of 16.
    init(_ guest: MockMemory, size: Int, at base: UInt64) {
        self.guest = guest
        self.size = size
        descriptors = base
        available = base + UInt64(size * 16)
        used = (available + UInt64(size * 2 + 6) + 3) & ~3
    }

    /// Bytes that a ring takes from its address on.
    static func byteCount(size: Int) -> Int { size * 26 + 16 }

    /// The device's view.
    func makeRing(usesEventIndex: Bool = false) throws -> SplitRing {
        let counts = SplitRing.byteCounts(size: size)
        func slice(_ address: UInt64, _ count: Int) -> GuestSlice {
            let place = FrontendAddress(rawValue: address &+ MockMemory.frontendOffset)
            return guest.memory.slice(at: place, count: count)!
        }
        return try SplitRing(
            size: size, descriptors: slice(descriptors, counts.descriptors),
            available: slice(available, counts.available), used: slice(used, counts.used),
            usesEventIndex: usesEventIndex)
    }

    /// Puts both sides at the same index.
    func start(at index: UInt16) {
        availableIndex = index
        guest.store(index, at: available + 2)
        guest.store(index, at: used + 2)
    }

    /// Writes a descriptor of the ring, or of a table elsewhere.
    func describe(_ index: Int, _ descriptor: MockDescriptor, in table: UInt64? = nil) {
        let place = guest.pointer((table ?? descriptors) + UInt64(index * 16))
        place.storeBytes(of: descriptor.address, as: UInt64.self)
        place.storeBytes(of: descriptor.byteCount, toByteOffset: 8, as: UInt32.self)
        place.storeBytes(of: descriptor.flags, toByteOffset: 12, as: UInt16.self)
        place.storeBytes(of: descriptor.next, toByteOffset: 14, as: UInt16.self)
    }

    /// Offers a chain and shows it.
    func offer(_ head: UInt16) {
        let slot = Int(availableIndex) % size
        guest.store(head, at: available + 4 + UInt64(slot * 2))
        setAvailableIndex(availableIndex &+ 1)
    }

    /// Shows any index at all.
    func setAvailableIndex(_ index: UInt16) {
        availableIndex = index
        guest.store(index, at: available + 2)
    }

    /// `used.idx`
    var usedIndex: UInt16 { guest.load(used + 2, as: UInt16.self) }

    /// Head and length of the used entry at a free-running index.
    func usedEntry(_ index: UInt16) -> (id: UInt32, byteCount: UInt32) {
        let place = used + 4 + UInt64(Int(index) % size * 8)
        return (guest.load(place, as: UInt32.self), guest.load(place + 4, as: UInt32.self))
    }

    /// `avail.flags`, NO_INTERRUPT.
    func setFlags(_ flags: UInt16) { guest.store(flags, at: available) }

    /// `used_event`
    func setUsedEvent(_ event: UInt16) {
        guest.store(event, at: available + 4 + UInt64(size * 2))
    }

    /// `used.flags`
    var deviceFlags: UInt16 { guest.load(used, as: UInt16.self) }

    /// `avail_event`
    var availableEvent: UInt16 { guest.load(used + 4 + UInt64(size * 8), as: UInt16.self) }
}
