// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

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
        if let setting = unsafe System.environment("RTEVHOSTSWIFT_SIGBUS"),
            unsafe strcmp(setting, "off") == 0
        {
            return
        }
        // SAFETY: the handler touches atomics, mmap and write alone, all of which a signal handler
        // may.
        let result = unsafe crte_guard_install { number, info, context in
            let saved = crte_errno()
            if unsafe !MemoryGuard.repair(info) { unsafe crte_guard_chain(number, info, context) }
            crte_set_errno(saved)
        }
        if result < 0 { Log.warning { $0.add("no handler for SIGBUS: guests can raise it") } }
    }

    /// Tells of faults through another eventfd.
    static func setEvent(_ event: Int32) { crte_guard_set_event(event) }

    /// True when the fault lay in a watched mapping. Runs in the signal handler.
    private static func repair(_ info: UnsafeMutablePointer<siginfo_t>?) -> Bool {
        // SAFETY: SA_SIGINFO: the kernel passes a siginfo.
        guard let info = unsafe info, unsafe crte_guard_is_fault(info) else { return false }
        let address = unsafe crte_guard_fault_address(info)
        // A slot that is being changed is looked at again.
        for _ in 0..<3 {
            if let isRepaired = find(address) { return isRepaired }
        }
        return false
    }

    /// Repairs the mapping that has the address: whether it worked, nil when no slot has it.
    private static func find(_ address: UInt) -> Bool? {
        for index in 0..<crte_guard_get_used() {
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

    /// Held while the list of free ranges changes; never by the handler.
    private static let lock = SpinLock()
    /// The first range that was in use and is not any more, plus one; 0 for none.
    private static let firstFree = Atomic<UInt32>(0)
    private static let limit = UInt32(CRTE_GUARD_CHUNK) * UInt32(CRTE_GUARD_CHUNKS)

    /// Watches a mapping; its slot. Throws `limitReached`, `outOfMemory`.
    static func add(start: UInt, end: UInt) throws(VhostError) -> UInt32 {
        lock.lock()
        defer { lock.unlock() }
        let free = firstFree.load(ordering: .relaxed)
        if free > 0 {
            firstFree.store(crte_guard_next_free(free - 1), ordering: .relaxed)
            crte_guard_set(free - 1, start, end)
            return free - 1
        }
        let index = crte_guard_get_used()
        guard index < limit else { throw .limitReached }
        guard crte_guard_make_chunk(index) else { throw .outOfMemory }
        crte_guard_set(index, start, end)
        // Last: a handler looks at what is below.
        crte_guard_set_used(index + 1)
        return index
    }

    /// Stops watching a mapping, which is about to go.
    static func remove(_ slot: UInt32) {
        lock.lock()
        defer { lock.unlock() }
        crte_guard_set(slot, 0, 0)
        crte_guard_set_next_free(slot, firstFree.load(ordering: .relaxed))
        firstFree.store(slot + 1, ordering: .relaxed)
    }

    /// Has the event thread look at its devices when it wakes, as after a fault.
    static func noteFault() { crte_guard_note_fault() }

    /// True once after faults: devices have to be looked at.
    static func takeFault() -> Bool { crte_guard_take_fault() }

    /// True when the mapping's file was cut short under it.
    static func isBroken(_ slot: UInt32) -> Bool { crte_guard_is_broken(slot) }
}
