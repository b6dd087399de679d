// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The engine's part of the dirty log.
extension EngineCopy {
    /// Keeps in mind where the packet at hand is written, if the engine has part of it.
    mutating func remember(_ segments: borrowing SegmentList, byteCount: Int) -> Bool {
        packetByteCount == 0 || writes.add(segments, byteCount: byteCount)
    }

    /// Marks the engine's next packets, which it has copied.
    mutating func logFinished(_ packets: Int, in log: DirtyLog, _ memory: MemoryTable) {
        writes.finish(packets, in: log, memory)
    }

    /// Makes room for the writes of a ring of `ringSize` slots, nil for a queue that is not logged.
    /// Nothing may be in flight that is to be logged. Without memory the processor will copy.
    mutating func prepareLog(ringSize: Int?) {
        writes.removeAll()
        let wanted = isRegistered ? ringSize.map(EngineWrites.capacity) ?? 0 : 0
        guard wanted != writes.capacity, let new = try? EngineWrites(capacity: wanted) else {
            return
        }
        writes = new
    }
}
