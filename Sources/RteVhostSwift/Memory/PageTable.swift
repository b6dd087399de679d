// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Physical addresses of a region's pages of 4 KiB, looked up once, when the region is mapped.
@safe
struct PageTable: ~Copyable {
    private let pages: UnsafeMutablePointer<UInt>
    private let pageCount: Int
    private let firstPage: UInt

    private static let shift: UInt = 12

    /// Looks up each page; touching them first, because a page that was never touched has no
    /// address. Throws `unmapped` when the EAL does not know one, `outOfMemory`.
    init(host: UInt, byteCount: UInt64) throws(VhostError) {
        let firstPage = host >> Self.shift
        let count = Int((host + UInt(byteCount) - 1) >> Self.shift - firstPage + 1)
        guard let raw = unsafe calloc(count, MemoryLayout<UInt>.stride) else {
            throw .outOfMemory
        }
        let pages = unsafe raw.bindMemory(to: UInt.self, capacity: count)
        for index in 0..<count {
            let page = (firstPage + UInt(index)) << Self.shift
            // SAFETY: the page is part of a mapping that the caller owns; the table has `count`
            // places.
            _ = unsafe crte_load_u16(UnsafeRawPointer(bitPattern: max(page, host))!)
            guard let address = EngineAddressing.physical(page) else {
                unsafe free(raw)
                throw .frontend(.unmapped)
            }
            unsafe pages[index] = address
        }
        unsafe self.pages = pages
        pageCount = count
        self.firstPage = firstPage
    }

    // SAFETY: allocated by init, freed once.
    deinit { unsafe free(pages) }

    /// Physical address of a host byte of the region.
    func address(of host: UInt) -> EngineAddress {
        let index = Int(bitPattern: (host >> Self.shift) &- firstPage)
        precondition(index >= 0 && index < pageCount)
        // SAFETY: checked on the line above.
        return unsafe EngineAddress(rawValue: pages[index] &+ host & 0xfff)
    }

    /// Bytes from `host` to the end of its page.
    static func bytesLeft(after host: UInt) -> Int { 4096 - Int(host & 0xfff) }
}
