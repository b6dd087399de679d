// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// A child process, before `fork()` returns there. It has one thread: what another one held, or was
/// about to do, nobody ends any more. Whatever the child's control thread meets is put in order here;
/// queues' own locks are not: half a burst lies behind a held one.
enum ForkedChild {
    /// Has children begin so. Where there is no memory for that they begin as they are.
    static func prepare() { System.atFork { ForkedChild.begin() } }

    private static func begin() {
        ControlSocket.freeInChild()
        Library.freeInChild()
        EventSignal.freeInChild()
        for vid in 0..<DeviceTable.maximumCount {
            guard let device = CellTable.find(vid, of: Device.self) else { continue }
            // Half a record may be none: all are forgotten.
            let history = device.value.history
            if history.lock.freeInChild() { history.value = DeviceHistory() }
            device.forEachCell { forsakeCapture(of: $0) }
        }
    }

    /// The parent's clients capture, not the child's. With a burst in the middle of it the ring would
    /// be written for good: the next capture makes another one.
    private static func forsakeCapture(of queue: HeapCell<VirtQueue>) {
        guard queue.value.capture.load() != nil else { return }
        queue.value.isCaptured.store(false, ordering: .releasing)
        queue.value.capture.store(nil)
    }
}
