// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// Numbers below 128 for the process's threads, as DPDK has lcore ids: each thread that uses a pool
/// of ours gets one until it ends.
enum ThreadSlots {
    /// Slots: RTE_MAX_LCORE.
    static let count = 128

    private static let low = Atomic<UInt64>(0)
    private static let high = Atomic<UInt64>(0)

    /// Slot of the calling thread; `count` when all are taken.
    @inline(__always)
    static var current: Int {
        let slot = crte_get_thread_slot_plus_one()
        return slot != 0 ? Int(slot) &- 1 : claim()
    }

    @inline(never)
    private static func claim() -> Int {
        if let slot = claim(in: low) { return keep(slot) }
        if let slot = claim(in: high) { return keep(64 + slot) }
        return count
    }

    /// The calling thread uses no cache.
    static func optOut() { crte_set_thread_slot_plus_one(UInt32(count + 1)) }

    /// Sets the lowest free bit of a word; nil when all are set.
    private static func claim(in word: borrowing Atomic<UInt64>) -> Int? {
        while true {
            let old = word.load(ordering: .relaxed)
            let free = (~old).trailingZeroBitCount
            guard free < 64 else { return nil }
            let (isOurs, _) = word.compareExchange(
                expected: old, desired: old | 1 << UInt64(free), ordering: .acquiring)
            if isOurs { return free }
        }
    }

    private static func keep(_ slot: Int) -> Int {
        crte_set_thread_slot_plus_one(UInt32(slot + 1))
        // SAFETY: the value is a number, not followed as a pointer.
        unsafe pthread_setspecific(key, UnsafeRawPointer(bitPattern: slot + 1))
        return slot
    }

    /// Its destructor gives the slot of an ending thread back; what its caches hold stays for the
    /// slot's next thread.
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        // SAFETY: the destructor lives as long as the process.
        _ = unsafe pthread_key_create(&key) { value in
            let slot = Int(bitPattern: value) - 1
            crte_set_thread_slot_plus_one(0)
            let mask = ~(UInt64(1) << UInt64(slot & 63))
            if slot < 64 {
                ThreadSlots.low.bitwiseAnd(mask, ordering: .releasing)
            } else {
                ThreadSlots.high.bitwiseAnd(mask, ordering: .releasing)
            }
        }
        return key
    }()
}
