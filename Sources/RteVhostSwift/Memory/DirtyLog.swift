// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The log of written pages that a frontend reads while it migrates a guest: one bit for each 4,096
/// bytes of guest-physical memory, the lowest bit of the first byte for address 0. A handle that a
/// queue keeps; good for as long as its `DirtyLogMapping`, that is while the queue's lock is held.
@safe
struct DirtyLog: BitwiseCopyable {
    /// VHOST_LOG_PAGE is 4,096.
    static let pageShift: UInt64 = 12

    private let base: UnsafeMutableRawPointer

    /// Bytes of the log; 0 for no log, in which nothing can be marked.
    let byteCount: Int

    /// Eventfd of SET_LOG_FD, or -1.
    let event: Int32

    /// For the mapping's owner alone: so many bytes that are mapped.
    init(proven base: UnsafeMutableRawPointer, byteCount: Int, event: Int32) {
        unsafe self.base = base
        self.byteCount = byteCount
        self.event = event
    }

    /// No log.
    static var none: DirtyLog {
        // SAFETY: no byte of a log of 0 bytes is ever touched.
        unsafe DirtyLog(
            proven: UnsafeMutableRawPointer(bitPattern: 64)!, byteCount: 0, event: -1)
    }

    /// Address of the first byte for `rte_vhost_get_log_base`; 0 without log.
    var address: UInt64 {
        // SAFETY: handed out as the API wants; it is not followed here.
        byteCount > 0 ? unsafe UInt64(UInt(bitPattern: base)) : 0
    }

    /// Marks the pages of `count` bytes that were written at a guest-physical address; pages that
    /// the log does not have are left out. At most as many steps as the log has bytes.
    func mark(_ address: GuestAddress, count: UInt64) {
        guard count > 0, byteCount > 0 else { return }
        let (end, wraps) = address.rawValue.addingReportingOverflow(count - 1)
        let limit = UInt64(byteCount) &* 8 &- 1
        let last = min((wraps ? UInt64.max : end) >> Self.pageShift, limit)
        var page = address.rawValue >> Self.pageShift
        while page <= last {
            let byte = page >> 3
            let lastHere = min(last, byte << 3 | 7)
            let bits = (UInt8(2) << UInt8(lastHere & 7)) &- (UInt8(1) << UInt8(page & 7))
            // vhost-user, Migration: atomic, because the frontend clears what it reads. The write
            // that is logged must be visible before its bit is, so this is no plain test-and-set:
            // a bit that is found set may be cleared before our write arrives.
            // SAFETY: page ≤ limit, so the byte lies in the log.
            unsafe crte_or_release_u8(base + Int(byte), bits)
            page = (byte &+ 1) << 3
        }
    }

    /// Marks the pages of host bytes that were written, wherever the guest has them.
    func mark(_ slice: GuestSlice, in memory: MemoryTable) {
        var rest = slice
        // Bounded by the regions: each turn ends one.
        while rest.count > 0, let run = memory.guestRun(rest) {
            mark(run.address, count: UInt64(run.count))
            rest = rest.part(from: run.count, count: rest.count &- run.count)
        }
    }
}
