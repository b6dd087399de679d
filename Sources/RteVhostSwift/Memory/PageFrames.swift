// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// What the EAL said of the pages of a mapping, a word a page, filled as pages are asked for: its
/// rte_mem_virt2iova reads /proc/self/pagemap for memory that is not its own, three system calls
/// a page. DPDK 21.08 keeps such a table as well. Nothing where engines take virtual addresses.
@safe
struct PageFrames: ~Copyable {
    private let entries: UnsafeMutableRawPointer?
    private let byteCount: Int
    /// Where the word of a host page lies: at `origin` + 8 × the page's number, wrapping; 0 for a
    /// mapping without table.
    let origin: UInt

    /// A table for a mapping, which begins with a page. Without memory for it pages are looked up
    /// each time.
    init(start: UInt, byteCount: Int) {
        self.byteCount = (byteCount / 4096 + 1) * 8
        guard EngineAddressing.isPhysical else {
            unsafe entries = nil
            origin = 0
            return
        }
        // SAFETY: new anonymous memory; pages of it that nobody touches take none.
        let made = unsafe mmap(
            nil, self.byteCount, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let made = unsafe made, unsafe made != crte_map_failed() else {
            unsafe entries = nil
            origin = 0
            return
        }
        unsafe entries = made
        origin = UInt(bitPattern: made) &- (start >> 12) << 3
    }

    deinit {
        // SAFETY: init made the mapping; tables that had the origin forgot it before.
        if let entries = unsafe entries { unsafe munmap(entries, byteCount) }
    }

    /// The engine's address of a host byte in the mapping that `origin` belongs to; nil when the
    /// EAL does not know it, which it may the next time.
    static func physical(_ host: UInt, origin: UInt) -> UInt? {
        // SAFETY: the byte lies in the mapping, so its word lies in the table. Threads that fill
        // it at the same time write the same.
        guard origin != 0,
            let entry = unsafe UnsafeMutableRawPointer(bitPattern: origin &+ (host >> 12) << 3)
        else { return EngineAddressing.physical(host) }
        let known = unsafe crte_load_acquire_u64(entry)
        if known != 0 { return UInt(known) & ~0xfff | host & 0xfff }
        guard let address = EngineAddressing.physical(host) else { return nil }
        // The lowest bit tells page 0 from a page that nobody asked for.
        unsafe crte_store_release_u64(entry, UInt64(address & ~0xfff | 1))
        return address
    }
}
