// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// When the driver of a vDPA device hears of a device that its hardware serves. Event thread, no
/// locks held.
extension HeapCell where Value == Device {
    /// DPDK 21.08: once the device is ready, and again with each message until it works.
    func configureVdpa() {
        guard let vdpa = value.vdpa, !value.isVdpaConfigured else { return }
        guard vdpa.configure(value.vid) == 0 else {
            Log.error { line in
                line.begin(value.path)
                line.add("the vDPA driver cannot configure device ")
                line.add(Int(value.vid))
            }
            return
        }
        value.isVdpaConfigured = true
    }

    /// The hardware has to let go: the device stops, or the memory under it changes.
    func closeVdpa() {
        guard let vdpa = value.vdpa, value.isVdpaConfigured else { return }
        value.isVdpaConfigured = false
        _ = vdpa.close(value.vid)
    }

    /// DPDK 21.08: a queue that gets another eventfd, or another place, is reported as stopped
    /// before, and as working after it; else hardware would go on with what it was told.
    func withdrawFromVdpa(_ queue: HeapCell<VirtQueue>) {
        guard value.vdpa != nil else { return }
        let wasReady = queue.lock.withLock {
            let wasReady = queue.value.reportedReady
            queue.value.reportedReady = false
            return wasReady
        }
        if wasReady { reportQueue(queue.value.index, isReady: false) }
    }
}
