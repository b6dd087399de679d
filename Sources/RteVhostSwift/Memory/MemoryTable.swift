// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The regions of a guest's memory, for translation: a handle of two words that a burst takes once.
/// It is good for as long as its `GuestMemory`, that is while the lock of a queue that runs is held.
@safe
struct MemoryTable: BitwiseCopyable {
    /// What translation needs of a region.
    struct Region: BitwiseCopyable {
        /// First guest-physical address.
        var guest: UInt64 = 0
        /// First frontend-virtual address.
        var frontend: UInt64 = 0
        /// Number of bytes.
        var byteCount: UInt64 = 0
        /// First host byte.
        var host: UInt = 0
    }

    /// Regions that are looked at one after the other; more are searched.
    static let scanLimit = 8

    /// Where addresses begin that a region has, if it has them: up to the next place.
    struct Place: BitwiseCopyable {
        /// First address.
        var start: UInt64 = 0
        /// Index of the region, or -1.
        var region = -1
    }

    /// In front of the regions lies their number; where origins and places begin; how many places by
    /// frontend address there are.
    private static let headerByteCount = 64

    fileprivate let regions: UnsafeMutablePointer<Region>

    /// Regions to scan: all of them, or none where there are many.
    private var scanCount = 0

    /// Regions in the table, by guest-physical address.
    private(set) var count: Int {
        // SAFETY: init made the header.
        get { unsafe UnsafeRawPointer(regions).load(fromByteOffset: -64, as: Int.self) }
        nonmutating set {
            unsafe UnsafeMutableRawPointer(regions).storeBytes(
                of: newValue, toByteOffset: -64, as: Int.self)
        }
    }

    /// An empty table for `capacity` regions, to be freed by its owner. Throws `outOfMemory`.
    init(capacity: Int) throws(VhostError) {
        let regionBytes = capacity * MemoryLayout<Region>.stride
        let placeStart = Self.headerByteCount + (regionBytes + capacity * 8 + 15) & ~15
        let bytes = (placeStart + 3 * capacity * MemoryLayout<Place>.stride + 63) & ~63
        // SAFETY: the allocation holds header, `capacity` regions, as many origins, and three times
        // as many places, all initialised here; the header has their number and where they begin.
        guard let raw = unsafe aligned_alloc(64, bytes) else { throw .outOfMemory }
        unsafe regions = (raw + Self.headerByteCount).bindMemory(
            to: Region.self, capacity: capacity)
        unsafe regions.initialize(repeating: Region(), count: capacity)
        unsafe (raw + Self.headerByteCount + regionBytes).bindMemory(
            to: UInt.self, capacity: capacity
        ).initialize(repeating: 0, count: capacity)
        unsafe raw.storeBytes(
            of: Self.headerByteCount + regionBytes, toByteOffset: 8, as: Int.self)
        unsafe (raw + placeStart).bindMemory(to: Place.self, capacity: 3 * capacity)
            .initialize(repeating: Place(), count: 3 * capacity)
        unsafe raw.storeBytes(of: placeStart, toByteOffset: 16, as: Int.self)
        unsafe raw.storeBytes(of: capacity, toByteOffset: 32, as: Int.self)
        placeCount = 0
        count = 0
    }

    /// Regions that there is room for.
    private var capacity: Int {
        // SAFETY: init made the header.
        unsafe UnsafeRawPointer(regions).load(fromByteOffset: 32 - 64, as: Int.self)
    }

    /// Places by frontend address, twice as many as regions; behind them those by host address. For
    /// tables of many regions.
    var places: (frontend: UnsafeMutablePointer<Place>, host: UnsafeMutablePointer<Place>) {
        // SAFETY: init put them there.
        let header = unsafe UnsafeMutableRawPointer(regions) - Self.headerByteCount
        let first = unsafe (header + header.load(fromByteOffset: 16, as: Int.self))
            .assumingMemoryBound(to: Place.self)
        return unsafe (first, first + 2 * capacity)
    }

    /// Places by frontend address; those by host address are as many as regions.
    var placeCount: Int {
        // SAFETY: init made the header.
        get { unsafe UnsafeRawPointer(regions).load(fromByteOffset: 24 - 64, as: Int.self) }
        nonmutating set {
            unsafe UnsafeMutableRawPointer(regions).storeBytes(
                of: newValue, toByteOffset: 24 - 64, as: Int.self)
        }
    }

    /// Frees the table; for its owner.
    func free() {
        // SAFETY: allocated by init; the owner calls this once.
        unsafe CRteVhost.free(UnsafeMutableRawPointer(regions) - Self.headerByteCount)
    }

    /// `PageFrames.origin` of each region's mapping, beside the regions, which are scanned.
    private var origins: UnsafeMutablePointer<UInt> {
        // SAFETY: init put them there.
        let header = unsafe UnsafeMutableRawPointer(regions) - Self.headerByteCount
        return unsafe (header + header.load(fromByteOffset: 8, as: Int.self))
            .assumingMemoryBound(to: UInt.self)
    }

    /// `PageFrames.origin` of the region at `index`.
    func frameOrigin(_ index: Int) -> UInt {
        precondition(index >= 0 && index < count)
        // SAFETY: checked on the line above.
        return unsafe origins[index]
    }

    /// Puts a region at `index`, in front of those behind; the owner made room for it.
    mutating func insert(_ region: Region, frameOrigin: UInt, at index: Int) {
        precondition(index >= 0 && index <= count)
        // SAFETY: the owner's limit is the capacity.
        unsafe (origins + index + 1).update(from: origins + index, count: count - index)
        unsafe origins[index] = frameOrigin
        unsafe (regions + index + 1).update(from: regions + index, count: count - index)
        unsafe regions[index] = region
        setCount(count + 1)
    }

    /// Takes the region at `index` out.
    mutating func remove(at index: Int) {
        precondition(index >= 0 && index < count)
        // SAFETY: within the table, by the line above.
        unsafe (origins + index).update(from: origins + index + 1, count: count - index - 1)
        unsafe (regions + index).update(from: regions + index + 1, count: count - index - 1)
        setCount(count - 1)
    }

    /// Forgets all regions.
    mutating func removeAll() { setCount(0) }

    private mutating func setCount(_ count: Int) {
        self.count = count
        scanCount = count <= Self.scanLimit ? count : 0
        findPlaces()
    }

    /// Index of the last region that begins at or before a guest-physical address; -1 for none.
    func index(before address: UInt64) -> Int {
        var low = 0
        var high = count
        // Bounded: each turn halves what is left.
        while low < high {
            let middle = (low &+ high) / 2
            if self[middle].guest <= address { low = middle &+ 1 } else { high = middle }
        }
        return low &- 1
    }

    /// Index of the region that has a guest-physical address, looked for where there are many; -1
    /// when none has it.
    @inline(never)
    private func searched(_ address: UInt64) -> Int {
        guard count > Self.scanLimit else { return -1 }
        let index = index(before: address)
        guard index >= 0, address &- self[index].guest < self[index].byteCount else { return -1 }
        return index
    }

    /// The region at `index`, which is below `count`.
    @inline(__always)
    subscript(index: Int) -> Region {
        precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
        // SAFETY: checked on the line above.
        return unsafe regions[index]
    }

    /// The bytes at a guest-physical address: `wanted` of them, or fewer when the region ends
    /// before; nil when no region has the first.
    @inline(__always)
    func slice(at address: GuestAddress, count wanted: Int) -> GuestSlice? {
        var index = 0
        // SAFETY: indices below scanCount are regions of the table.
        while index < scanCount {
            if unsafe address.rawValue &- regions[index].guest < regions[index].byteCount {
                return slice(at: address, count: wanted, region: index)
            }
            index &+= 1
        }
        let found = searched(address.rawValue)
        guard found >= 0 else { return nil }
        return slice(at: address, count: wanted, region: found)
    }

    /// A window on the region that has an address; nil when there is none.
    @inline(__always)
    func window(at address: GuestAddress) -> MemoryWindow? {
        var index = 0
        // SAFETY: indices below scanCount are regions of the table.
        while index < scanCount {
            if unsafe address.rawValue &- regions[index].guest < regions[index].byteCount {
                return unsafe MemoryWindow(proven: regions[index])
            }
            index &+= 1
        }
        return scanCount == 0 ? searchedWindow(at: address) : nil
    }

    @inline(never)
    private func searchedWindow(at address: GuestAddress) -> MemoryWindow? {
        let index = searched(address.rawValue)
        // SAFETY: the search finds regions of the table.
        return index >= 0 ? unsafe MemoryWindow(proven: regions[index]) : nil
    }

    /// The same in the region that has the address.
    @inline(__always)
    private func slice(at address: GuestAddress, count wanted: Int, region: Int) -> GuestSlice {
        // SAFETY: the region is one of the table, and has the address: offset + length ≤ byteCount,
        // all of which is mapped at host, which is not NULL.
        let offset = unsafe address.rawValue &- regions[region].guest
        let rest = unsafe regions[region].byteCount &- offset
        let length = min(UInt64(truncatingIfNeeded: wanted), rest)
        return unsafe GuestSlice(
            proven: UnsafeMutableRawPointer(
                bitPattern: regions[region].host &+ UInt(offset)
            ).unsafelyUnwrapped,
            count: Int(truncatingIfNeeded: length))
    }

    /// The bytes at a frontend-virtual address, all `wanted` of them in one region; nil otherwise.
    func slice(at address: FrontendAddress, count wanted: Int) -> GuestSlice? {
        guard let slice = run(at: address, count: wanted), slice.count == wanted else { return nil }
        return slice
    }

    /// The bytes at a frontend-virtual address: `wanted` of them, or fewer when the region ends
    /// before; nil when no region has the first.
    func run(at address: FrontendAddress, count wanted: Int) -> GuestSlice? {
        let index = index(of: address)
        guard index >= 0 else { return nil }
        let region = self[index]
        let offset = address.rawValue &- region.frontend
        let length = min(UInt64(truncatingIfNeeded: wanted), region.byteCount &- offset)
        // SAFETY: the region has the address: offset + length ≤ byteCount, all of which is mapped at
        // host.
        return unsafe GuestSlice(
            proven: UnsafeMutableRawPointer(bitPattern: region.host + UInt(offset))!,
            count: Int(truncatingIfNeeded: length))
    }

    /// True when regions have every byte of a frontend-virtual range.
    func contains(_ address: FrontendAddress, byteCount: UInt64) -> Bool {
        var address = address
        var rest = byteCount
        // Each turn ends a region or is the last.
        for _ in 0..<count {
            guard let part = run(at: address, count: Int(clamping: rest)) else { return false }
            rest -= UInt64(part.count)
            if rest == 0 { return true }
            address.rawValue &+= UInt64(part.count)
        }
        return false
    }

    /// Where a DMA engine finds the bytes of a slice, and how many of them lie there in a row; nil
    /// when nobody knows.
    @inline(__always)
    func engineRun(_ slice: GuestSlice) -> (address: EngineAddress, count: Int)? {
        guard EngineAddressing.isPhysical else {
            // SAFETY: an address for the engine; it is not followed here.
            return (EngineAddress(rawValue: unsafe UInt(bitPattern: slice.base)), slice.count)
        }
        return physicalRun(slice)
    }

    @inline(never)
    private func physicalRun(_ slice: GuestSlice) -> (address: EngineAddress, count: Int)? {
        // SAFETY: as in engineRun.
        let host = unsafe UInt(bitPattern: slice.base)
        guard let address = PageFrames.physical(host, origin: origin(of: host)) else {
            return nil
        }
        let count = min(slice.count, EngineAddressing.bytesLeftOnPage(after: host))
        return (EngineAddress(rawValue: address), count)
    }

    /// `PageFrames.origin` of the region that has a host byte.
    private func origin(of host: UInt) -> UInt {
        let index = index(ofHost: host)
        return index >= 0 ? frameOrigin(index) : 0
    }
}

/// Looks at a table that another thread may free meanwhile.
extension MemoryTable {
    /// Where the regions lie.
    var address: UInt {
        // SAFETY: the address is kept as a number.
        unsafe UInt(bitPattern: regions)
    }

    /// How many regions there are, read by the kernel; nil when nothing is there any more.
    static func peekCount(_ address: UInt) -> Int? {
        var words = InlineArray<4, UInt16>(repeating: 0)
        for index in 0..<4 {
            guard let word = System.peek16(address &- 64 &+ UInt(index) * 2) else { return nil }
            words[index] = word
        }
        guard words[1] | words[2] | words[3] == 0 else { return nil }
        let count = Int(words[0])
        return count <= GuestMemory.maximumSlotCount ? count : nil
    }

    /// Where a region of such a table lies.
    static func regionAddress(_ address: UInt, _ index: Int) -> UInt {
        address &+ UInt(index * MemoryLayout<Region>.stride)
    }
}
