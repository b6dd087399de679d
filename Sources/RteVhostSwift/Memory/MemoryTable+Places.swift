// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Which region has an address that is not the guest's own: a frontend's, or one of this process.
/// Found so: 509 regions that each lookup of the IOTLB went through one after the other made one
/// call take half a billion instructions.
extension MemoryTable {
    /// Index of the first region that has a frontend-virtual address; -1 when none has it.
    func index(of address: FrontendAddress) -> Int {
        guard count <= Self.scanLimit else {
            // SAFETY: placeCount places were written.
            let index = unsafe Self.place(address.rawValue, places.frontend, placeCount)
            guard index >= 0, has(index, address.rawValue) else { return -1 }
            return index
        }
        for index in 0..<count where has(index, address.rawValue) { return index }
        return -1
    }

    /// Index of the region that is mapped at a host address; -1 when none is.
    func index(ofHost host: UInt) -> Int {
        guard count <= Self.scanLimit else {
            // SAFETY: there is a place for each region.
            let index = unsafe Self.place(UInt64(host), places.host, count)
            guard index >= 0, hasHost(index, host) else { return -1 }
            return index
        }
        for index in 0..<count where hasHost(index, host) { return index }
        return -1
    }

    private func has(_ index: Int, _ address: UInt64) -> Bool {
        address &- self[index].frontend < self[index].byteCount
    }

    private func hasHost(_ index: Int, _ host: UInt) -> Bool {
        UInt64(host &- self[index].host) < self[index].byteCount
    }

    /// The region of the last place that begins at or before an address; -1 for none.
    private static func place(
        _ address: UInt64, _ places: UnsafeMutablePointer<Place>, _ count: Int
    ) -> Int {
        var low = 0
        var high = count
        // SAFETY: the caller's places are `count`. Bounded: each turn halves what is left.
        while low < high {
            let middle = (low &+ high) / 2
            if unsafe places[middle].start <= address { low = middle &+ 1 } else { high = middle }
        }
        return low > 0 ? unsafe places[low &- 1].region : -1
    }

    /// Finds the places of a table that has changed. Nothing to do where all regions are looked at.
    func findPlaces() {
        guard count > Self.scanLimit else { return }
        let (frontend, host) = unsafe places
        for index in 0..<count {
            // SAFETY: there is room for as many places by host, and twice as many by frontend.
            unsafe host[index] = Place(start: UInt64(self[index].host), region: index)
            unsafe frontend[index] = Place(start: self[index].frontend, region: index)
        }
        unsafe Self.sort(host, count)
        unsafe Self.sort(frontend, count)
        placeCount = count
        if hasOverlap { separateOverlaps() }
    }

    /// True when two regions have the same frontend addresses, which nothing forbids.
    private var hasOverlap: Bool {
        let frontend = unsafe places.frontend
        for place in 1..<count {
            // SAFETY: below count, which is the number of places.
            let (before, this) = unsafe (frontend[place - 1], frontend[place])
            if this.start &- before.start < self[before.region].byteCount { return true }
        }
        return false
    }

    /// A place for each stretch that the same regions have; the first of them counts. Some millions
    /// of steps for the most regions.
    private func separateOverlaps() {
        let frontend = unsafe places.frontend
        for index in 0..<count {
            let region = self[index]
            // SAFETY: there is room for twice as many places as regions.
            unsafe frontend[index * 2] = Place(start: region.frontend)
            unsafe frontend[index * 2 + 1] = Place(start: region.frontend &+ region.byteCount)
        }
        unsafe Self.sort(frontend, count * 2)
        placeCount = count * 2
        for place in 0..<placeCount {
            // SAFETY: as above.
            let start = unsafe frontend[place].start
            for index in 0..<count where has(index, start) {
                unsafe frontend[place].region = index
                break
            }
        }
    }

    /// By insertion: tables change by one region, and most frontends give theirs in order.
    private static func sort(_ places: UnsafeMutablePointer<Place>, _ count: Int) {
        for end in 1..<count {
            // SAFETY: the caller's places are `count`.
            let place = unsafe places[end]
            var hole = end
            while hole > 0, unsafe places[hole - 1].start > place.start {
                unsafe places[hole] = places[hole - 1]
                hole -= 1
            }
            unsafe places[hole] = place
        }
    }
}
