// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// vhost-user, IOMMU support: what the frontend tells of translations, and what it is asked.
extension HeapCell where Value == Device {
    /// VHOST_USER_BACKEND_IOTLB_MSG
    private static var missRequest: UInt32 { 1 }
    /// VHOST_IOTLB_MISS
    private static var missType: UInt64 { 1 }

    /// Tells the frontend of the queue's misses, unless it knows. True when it was told of any.
    /// With the queue's lock held, from any thread; waits for no frontend. An address that may not be
    /// accessed as the device wants is asked for as well: the guest may have granted more since,
    /// and QEMU takes no ACCESS_FAIL. DPDK 21.08 does the same.
    @inline(never)
    @discardableResult
    func requestTranslation(_ queue: HeapCell<VirtQueue>, tries: Int = 1) -> Bool {
        let misses = queue.value.iotlb.value.takeMisses()
        let now = System.nanoseconds()
        var untold = FreshMisses()
        var batch = RequestBatch()
        for index in 0..<misses.count
        where queue.value.iotlb.value.begin(misses[index], now: now) {
            untold.add(misses[index])
            batch.add(Self.missRequest, Self.payload(of: misses[index]))
        }
        let told = tell(batch, tries: tries)
        for index in told..<untold.count {
            queue.value.iotlb.value.cancel(untold[index])
        }
        if told < untold.count, value.backendChannel.takeBreak() {
            deferReport(.brokenChannel, queue: queue.value.index)
        }
        return told > 0
    }

    /// struct vhost_iotlb_msg: address, size, frontend address; permission and type are bytes.
    private static func payload(of miss: TranslationMiss) -> InlineArray<4, UInt64> {
        [miss.address.rawValue, 0, 0, UInt64(miss.permission.rawValue) | missType << 8]
    }

    /// How many requests could be sent now.
    private func tell(_ batch: RequestBatch, tries: Int) -> Int {
        for _ in 0..<tries where batch.count > 0 {
            let told = value.backendChannel.tell(batch)
            if told > 0 { return told }
        }
        return 0
    }

    /// The same for a ring that cannot start without.
    func requestRing(_ queue: HeapCell<VirtQueue>) {
        // No poll repeats it soon when another thread has the channel now.
        requestTranslation(queue, tries: 32)
        value.isRingAwaited.store(true, ordering: .relaxed)
        RingTranslation.noteAwaited()
    }

    /// Requests to the frontend cannot be sent any more. No locks held.
    func logBrokenChannel(_ queue: Int) {
        let account = lock.withLock { value.account }
        Log.error(of: account) { line in
            line.begin(value.path)
            line.add("queue ")
            line.add(queue)
            line.add(": the channel for requests to the frontend broke, nothing is asked any more")
        }
    }

    /// Looks again at the rings that wait for translations. Event thread.
    func retryRings() {
        // Those of other devices are nobody's business: a call that finds its queue locked gives
        // nothing.
        guard value.isRingAwaited.exchange(false, ordering: .relaxed) else { return }
        // A ring that waits is polled by nobody who would say so.
        if let report = takeReport() {
            let found = report.kind
            if found == .brokenChannel {
                logBrokenChannel(report.queue)
            } else if let found {
                deferReport(found, queue: report.queue)
            }
        }
        forEachQueue { queue in
            guard queue.lock.withLock({ queue.value.isAwaitingTranslation }) else { return }
            // What keeps a ring from starting now was said when its addresses came.
            try? start(queue)
        }
        reportChanges()
    }

    /// Takes a translation in, for every queue; rings that waited for it start. Event thread.
    /// Throws `unmapped` when a byte of it is not in the guest's memory, `outOfMemory`, and what
    /// keeps a ring from starting.
    func addTranslation(_ entry: IOTLBEntry) throws(VhostError) {
        let byteCount = entry.last - entry.first + 1
        guard value.memory.table.contains(entry.frontend, byteCount: byteCount) else {
            throw .frontend(.unmapped)
        }
        let deadline = Self.drainDeadline
        var failure: VhostError?
        forEachQueue { queue in
            do throws(VhostError) {
                let isElsewhere = try queue.lock.withLock { () throws(VhostError) -> Bool in
                    try queue.value.iotlb.value.insert(entry)
                    return hasMoved(queue, entry)
                }
                if isElsewhere { _ = try stop(queue, until: deadline) }
                try start(queue)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    /// True when a new translation puts a running ring elsewhere.
    private func hasMoved(_ queue: HeapCell<VirtQueue>, _ entry: IOTLBEntry) -> Bool {
        guard let old = queue.value.ringParts,
            queue.value.ringTouches(first: entry.first, last: entry.last),
            let new = queue.value.parts(over: value.memory.table)
        else { return false }
        return !new.isSame(as: old)
    }

    /// Forgets translations. When this returns nothing touches the memory behind them: packets that
    /// an engine copies are waited for, and rings that lie there are taken away until they translate
    /// again. Event thread. Throws `busy` when an engine does not finish.
    func removeTranslations(first: UInt64, last: UInt64) throws(VhostError) {
        let deadline = Self.drainDeadline
        var failure: VhostError?
        forEachQueue { queue in
            do throws(VhostError) {
                try removeTranslations(of: queue, first: first, last: last, until: deadline)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    private func removeTranslations(
        of queue: HeapCell<VirtQueue>, first: UInt64, last: UInt64, until deadline: UInt64
    ) throws(VhostError) {
        var isIdle = false
        var touchesRing = false
        queue.lock.withLock {
            queue.value.iotlb.value.invalidate(
                first: first, last: last, now: System.nanoseconds())
            touchesRing =
                queue.value.hasRing && queue.value.ringTouches(first: first, last: last)
            // What is in flight may lie in an entry that was thrown out before.
            isIdle = value.hooks.poll(self, queue)
            // An engine that an earlier invalidation waited for in vain.
            if isIdle { queue.value.isPaused = false }
        }
        if touchesRing {
            _ = try stop(queue, until: deadline)
            try start(queue)
        } else if !isIdle {
            guard drain(queue, until: deadline) else { throw .busy }
            queue.lock.withLock { queue.value.isPaused = false }
        }
    }
}
