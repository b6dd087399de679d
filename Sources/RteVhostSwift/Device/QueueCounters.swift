// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A value for each row of the table of a queue's counters.
struct QueueCounters: BitwiseCopyable {
    private var values = InlineArray<39, UInt64>(repeating: 0)

    /// All zero.
    init() {}

    /// The value of one counter.
    subscript(counter: QueueCounter) -> UInt64 {
        get { values[counter.rawValue] }
        set { values[counter.rawValue] = newValue }
    }
}

extension HeapCell where Value == Device {
    /// A queue's counters at one moment, since they were set to zero last. Takes the queue's lock,
    /// from any thread.
    func counters(of queue: HeapCell<VirtQueue>) -> QueueCounters {
        queue.lock.withLock {
            var counters = totals(of: queue)
            for counter in QueueCounter.rows {
                counters[counter] &-= queue.value.countersBefore[counter]
            }
            return counters
        }
    }

    /// Has a queue's counters begin at zero. Nothing that a burst writes changes, so that one which
    /// runs loses nothing, and who reads other statistics sees them go on.
    func resetCounters(of queue: HeapCell<VirtQueue>) {
        queue.lock.withLock {
            var counters = totals(of: queue)
            for counter in QueueCounter.rows where counter.isGauge { counters[counter] = 0 }
            queue.value.countersBefore = counters
        }
    }

    /// All totals. The queue's lock is held.
    private func totals(of queue: HeapCell<VirtQueue>) -> QueueCounters {
        let inflight = value.hooks.inflightCount(queue.value.datapath)
        var counters = QueueCounters()
        for counter in QueueCounter.rows {
            counters[counter] = queue.value.total(counter, inflight: inflight)
        }
        return counters
    }
}
