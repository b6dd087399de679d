// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// The worker thread.
extension SoftwareEngine {
    /// Pieces copied for one channel before the next has its turn.
    private static let turn = 256
    /// Looks at idle channels, a pause between them, before the worker sleeps: about ten
    /// microseconds. Short, and without `sched_yield`: where there are fewer processors than
    /// threads that never sleep, a thread that yields gets its next turn milliseconds later, one
    /// that sleeps when it is woken.
    private static let spinCount = 256

    /// Runs until the engine is told to stop. Touches nothing of the engine after `ended`.
    static func run(_ engine: HeapCell<SoftwareEngine>) {
        let isPinned = engine.value.pin()
        let next: Phase = isPinned ? .running : .ended
        // A processor that does not exist, or is not for this process, is the creator's to report.
        engine.value.phase.store(next, ordering: .releasing)
        guard isPinned else { return }
        var idleCount = 0
        while engine.value.phase.load(ordering: .acquiring) == .running {
            idleCount = engine.value.copyOnce() ? 0 : idleCount + 1
            if idleCount > spinCount {
                engine.value.sleep()
                idleCount = 0
            } else if idleCount > 0 {
                crte_pause()
            }
        }
        engine.value.phase.store(.ended, ordering: .releasing)
    }

    /// One look at each channel; true when something was copied.
    private borrowing func copyOnce() -> Bool {
        let change = changeCount.load(ordering: .acquiring)
        // Tells that no channel taken off the list before is touched from here on.
        if change != seenChangeCount.load(ordering: .relaxed) {
            seenChangeCount.store(change, ordering: .releasing)
        }
        var didCopy = false
        var channel = channels.load()
        // Bounded: attaching and detaching are slower than a look.
        while let current = channel {
            if current.value.copyPieces(limit: Self.turn) { didCopy = true }
            channel = current.value.next.load()
        }
        return didCopy
    }

    /// Waits for `wake`, unless there is something to do by now.
    private borrowing func sleep() {
        isAsleep.store(true, ordering: .relaxed)
        // Dekker: see `wake`.
        crte_fence()
        if !hasWork() { System.clear(setup.value.eventNumber) }
        isAsleep.store(false, ordering: .relaxed)
    }

    private borrowing func hasWork() -> Bool {
        guard phase.load(ordering: .relaxed) == .running,
            changeCount.load(ordering: .relaxed) == seenChangeCount.load(ordering: .relaxed)
        else { return true }
        var channel = channels.load()
        while let current = channel {
            if current.value.hasWork() { return true }
            channel = current.value.next.load()
        }
        return false
    }

    /// Binds the calling thread to the processor of the configuration; true when that is done or
    /// not wanted.
    private borrowing func pin() -> Bool {
        guard let processor = setup.value.configuration.processor else { return true }
        var set = cpu_set_t()
        let size = MemoryLayout<cpu_set_t>.size
        // SAFETY: the set has 1,024 bits, as words of 64; the configuration's processor is below
        // that.
        unsafe withUnsafeMutableBytes(of: &set) { bytes in
            let words = unsafe bytes.assumingMemoryBound(to: UInt.self)
            unsafe words[processor / 64] = 1 << UInt(processor % 64)
        }
        // SAFETY: the set lives through the call; 0 is the calling thread.
        return unsafe sched_setaffinity(0, size, &set) == 0
    }
}
