// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// Postcopy migration. Event thread, but for `abandonPostcopy`.
extension HeapCell where Value == Device {
    /// POSTCOPY_ADVISE: makes the userfaultfd. Throws `system` where there is none, `badState` when
    /// a migration is under way.
    func advisePostcopy() throws(VhostError) -> Int32 {
        guard !lock.withLock({ value.postcopy.isListening }) else {
            throw .frontend(.badState)
        }
        let descriptor = try FaultDescriptor()
        let number = descriptor.number
        try PostcopyWatch.start()
        lock.lock()
        value.postcopy = Postcopy()
        value.postcopy.descriptor = consume descriptor
        lock.unlock()
        return number
    }

    /// POSTCOPY_LISTEN. Throws `badState` without POSTCOPY_ADVISE, or when there is memory whose
    /// pages nobody watches.
    func listenPostcopy() throws(VhostError) {
        try lock.withLock { () throws(VhostError) in
            guard value.postcopy.descriptor != nil, !value.postcopy.isListening,
                value.memory.table.count == 0
            else { throw .frontend(.badState) }
            value.postcopy.isListening = true
        }
    }

    /// POSTCOPY_END, or the end of the connection: nobody waits for pages any more.
    func endPostcopy() {
        lock.lock()
        value.releaseFaults()
        var ended = Postcopy()
        swap(&ended, &value.postcopy)
        lock.unlock()
    }

    /// Has a region's missing pages filled by the frontend. Throws `system`.
    func watch(_ region: borrowing MappedRegion) throws(VhostError) {
        try lock.withLock { () throws(VhostError) in
            switch value.postcopy.descriptor {
            case .some(let descriptor): try descriptor.watch(region)
            case nil: throw .frontend(.badState)
            }
        }
    }

    /// SET_MEM_TABLE while listening: keeps the memory until the frontend confirmed its addresses.
    func setPending(_ memory: consuming GuestMemory) {
        var other: GuestMemory? = memory
        lock.lock()
        swap(&other, &value.postcopy.pending)
        lock.unlock()
    }

    /// The frontend knows where the regions are: they may be touched. Throws what `setMemory` does,
    /// `badState` when no memory waits.
    func confirmPending() throws(VhostError) {
        var memory: GuestMemory?
        lock.lock()
        swap(&memory, &value.postcopy.pending)
        lock.unlock()
        guard let memory = memory.take() else { throw .frontend(.badState) }
        try setMemory(memory)
    }

    /// True when the frontend did not fetch a page in time.
    var isPostcopyAbandoned: Bool { lock.withLock { value.postcopy.isAbandoned } }

    /// From the watch's thread: the frontend does not fetch pages. Those who wait go on, and the
    /// device ends.
    func abandonPostcopy() {
        lock.withLock {
            value.releaseFaults()
            value.postcopy.isAbandoned = true
        }
    }
}

extension Device {
    /// Lets everybody go on who waits for a page. Lock held.
    fileprivate func releaseFaults() {
        switch postcopy.descriptor {
        case .some(let descriptor): memory.forEachRegion { descriptor.release($0) }
        case nil: break
        }
    }
}
