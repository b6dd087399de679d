// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Keeps a frontend that cuts its memory file short from ending the process. The next access to
/// what is gone raises SIGBUS; if it lies in a mapping of guest memory, zero pages take the place of
/// the whole mapping, the access is repeated, and the event thread, which is told, ends the device.
/// Any other SIGBUS goes where it went before. An application that sets a handler of its own
/// later replaces this one and should call it. `RTEVHOSTSWIFT_SIGBUS=off` leaves SIGBUS alone.
enum MemoryGuard {
    /// Begins to watch; `event` is an eventfd that a fault adds to.
    static func install(event: Int32) {
        crte_guard_set_event(event)
        // SAFETY: getenv gives NULL or a C string.
        if let setting = unsafe getenv("RTEVHOSTSWIFT_SIGBUS"), unsafe strcmp(setting, "off") == 0 {
            return
        }
        // SAFETY: the handler touches atomics, mmap and write alone, all of which a signal handler
        // may.
        _ = unsafe crte_guard_install { number, info, context in
            let saved = crte_errno()
            if unsafe !MemoryGuard.repair(info) { unsafe crte_guard_chain(number, info, context) }
            crte_set_errno(saved)
        }
    }

    /// True when the fault lay in a watched mapping. Runs in the signal handler.
    private static func repair(_ info: UnsafeMutablePointer<siginfo_t>?) -> Bool {
        // SAFETY: SA_SIGINFO: the kernel passes a siginfo.
        guard let info = unsafe info else { return false }
        let address = unsafe crte_guard_fault_address(info)
        // A slot that is being changed is looked at again.
        for _ in 0..<3 {
            if let isRepaired = find(address) { return isRepaired }
        }
        return false
    }

    /// Repairs the mapping that has the address: whether it worked, nil when no slot has it.
    private static func find(_ address: UInt) -> Bool? {
        for index in 0..<UInt32(CRTE_GUARD_RANGES) {
            var start: UInt = 0
            var end: UInt = 0
            // SAFETY: both numbers live through the call.
            guard unsafe crte_guard_get(index, &start, &end), start != 0, address >= start,
                address < end
            else { continue }
            guard crte_guard_replace(start, end) else { return false }
            crte_guard_break(index)
            System.signal(crte_guard_get_event())
            return true
        }
        return nil
    }

    /// Watches a mapping; its slot. Event thread. Throws `limitReached`.
    static func add(start: UInt, end: UInt) throws(VhostError) -> UInt32 {
        for index in 0..<UInt32(CRTE_GUARD_RANGES) where crte_guard_end(index) == 0 {
            crte_guard_set(index, start, end)
            return index
        }
        throw .limitReached
    }

    /// Stops watching a mapping, which is about to go.
    static func remove(_ slot: UInt32) { crte_guard_set(slot, 0, 0) }

    /// True when the mapping's file was cut short under it.
    static func isBroken(_ slot: UInt32) -> Bool { crte_guard_is_broken(slot) }
}
