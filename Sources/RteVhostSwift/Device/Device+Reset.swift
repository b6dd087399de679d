// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// A reset that a frontend asks for.
extension HeapCell where Value == Device {
    /// Stops all rings, after the application was told, and forgets features, status and what
    /// messages said of queues; the connection goes on. Throws `busy` while an engine does not let
    /// go of a ring.
    func resetByFrontend() throws(VhostError) {
        stopRunning()
        let deadline = Self.drainDeadline
        try forEachQueue { queue throws(VhostError) in
            _ = try stop(queue, until: deadline)
            // The application learns from the next report that the queue stopped, and keeps its
            // engine.
            queue.lock.withLock { queue.value.forget() }
        }
        value.inflightArea = nil
        value.features.store(0, ordering: .relaxed)
        value.mtu.store(0, ordering: .relaxed)
        value.status.store(-1, ordering: .relaxed)
        value.isRarpPending.store(false, ordering: .relaxed)
        updateProfiles()
    }
}
