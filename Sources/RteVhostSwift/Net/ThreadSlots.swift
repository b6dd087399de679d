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

    /// Notes that the slot goes back when the thread ends; `count` where the system has no room for
    /// the note: the slot would be lost with the thread.
    private static func keep(_ slot: Int) -> Int {
        // SAFETY: the value is a number, not followed as a pointer.
        guard let key = key(),
            unsafe pthread_setspecific(key, UnsafeRawPointer(bitPattern: slot + 1)) == 0
        else {
            giveBack(slot)
            return count
        }
        crte_set_thread_slot_plus_one(UInt32(slot + 1))
        return slot
    }

    private static func giveBack(_ slot: Int) {
        let mask = ~(UInt64(1) << UInt64(slot & 63))
        if slot < 64 {
            low.bitwiseAnd(mask, ordering: .releasing)
        } else {
            high.bitwiseAnd(mask, ordering: .releasing)
        }
    }

    private static let lock = SpinLock()
    /// The key plus one; 0 while there is none.
    private static let keyPlusOne = Atomic<UInt32>(0)

    /// The key whose destructor gives the slot of an ending thread back; what its caches hold stays
    /// for the slot's next thread. Nil where the process has no key left.
    private static func key() -> pthread_key_t? {
        lock.lock()
        defer { lock.unlock() }
        let known = keyPlusOne.load(ordering: .relaxed)
        guard known == 0 else { return pthread_key_t(known - 1) }
        var key = pthread_key_t()
        // SAFETY: the destructor lives as long as the process.
        let result = unsafe pthread_key_create(&key) { value in
            crte_set_thread_slot_plus_one(0)
            ThreadSlots.giveBack(Int(bitPattern: value) - 1)
        }
        guard result == 0 else { return nil }
        keyPlusOne.store(UInt32(key) + 1, ordering: .relaxed)
        return key
    }
}
