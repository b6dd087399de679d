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
            let lastHere = min(last, page | 7)
            set(Self.bits(from: page, through: lastHere), at: page >> 3)
            page = lastHere &+ 1
        }
    }

    /// Bits of pages that have the same byte of a log.
    @inline(__always)
    static func bits(from first: UInt64, through last: UInt64) -> UInt8 {
        (UInt8(2) << UInt8(truncatingIfNeeded: last & 7))
            &- (UInt8(1) << UInt8(truncatingIfNeeded: first & 7))
    }

    /// Sets bits of a byte; none in a byte that the log does not have.
    @inline(__always)
    func set(_ bits: UInt8, at offset: UInt64) {
        guard offset < UInt64(byteCount) else { return }
        // vhost-user, Migration: atomic, because the frontend clears what it reads. The write that
        // is logged must be visible before its bit is, so this is no plain test-and-set: a bit
        // that is found set may be cleared before our write arrives.
        // SAFETY: the byte lies in the log.
        unsafe crte_or_release_u8(base + Int(offset), bits)
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
