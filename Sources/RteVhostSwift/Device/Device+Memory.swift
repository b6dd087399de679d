// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What messages do to a device's memory. Event thread.
extension HeapCell where Value == Device {
    /// SET_MEM_TABLE: puts a new table in the place of the old one, and running rings over it.
    /// Throws `busy` when an engine does not let go of the old one, which then stays; `unmapped`
    /// for a ring that the new one does not have.
    func setMemory(_ memory: consuming GuestMemory) throws(VhostError) {
        var memory = memory
        closeVdpa()
        var failure = stopRings()
        if failure == nil { changeMemory { swap(&$0, &memory) } }
        let startFailure = startRings()
        failure = failure ?? startFailure
        if let failure { throw failure }
    }

    /// ADD_MEM_REG: rings go on; those that waited for this memory start, unless it must not be
    /// touched yet. Throws `limitReached`, `badValue`, `outOfMemory`.
    func addMemory(
        _ region: consuming MappedRegion, isTouched: Bool = true
    ) throws(VhostError) {
        closeVdpa()
        var region: MappedRegion? = region
        var failure: VhostError?
        changeMemory { memory in
            guard let new = region.take() else { return }
            do throws(VhostError) {
                try memory.add(new)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        // A ring that lies elsewhere is no reason to refuse a region.
        if isTouched { _ = startRings() }
    }

    /// ADD_MEM_REG for a region that is there already: its host address. Throws `limitReached`.
    func addMemoryAgain(
        _ description: MappedRegion.Description, _ file: borrowing FileDescriptor
    ) throws(VhostError) -> UInt64? {
        lock.lock()
        defer { lock.unlock() }
        return try value.memory.addAgain(description, file)
    }

    /// Starts the rings that waited for memory.
    func startWaitingRings() { _ = startRings() }

    /// REM_MEM_REG: packets in flight are waited for; rings in the region stop until it, or another
    /// one in its place, is added. Throws `badValue` for a region that is not there, `busy` when an
    /// engine does not let go of it; it stays then.
    func removeMemory(_ description: MappedRegion.Description) throws(VhostError) {
        guard let index = value.memory.find(description) else { throw .frontend(.badValue) }
        guard !lock.withLock({ value.memory.removeAddition(at: index) }) else { return }
        closeVdpa()
        let failure = stopRings()
        if failure == nil {
            // Unmapped without locks.
            let removed = changeMemory { $0.remove(at: index) }
            _ = consume removed
        }
        _ = startRings()
        if let failure { throw failure }
    }

    /// Takes every ring that runs away, after its packets in flight; the first error.
    private func stopRings() -> VhostError? {
        let deadline = Self.drainDeadline
        var failure: VhostError?
        forEachQueue { queue in
            let isRunning = queue.lock.withLock { queue.value.hasRing }
            guard isRunning, failure == nil else { return }
            do throws(VhostError) {
                _ = try stop(queue, until: deadline)
            } catch {
                failure = error
            }
        }
        return failure
    }

    /// Builds every ring that can be built; the first error. One that is not in the memory does not
    /// stop the others, nor does an engine that keeps the old memory in place.
    private func startRings() -> VhostError? {
        var failure: VhostError?
        forEachQueue { queue in
            do throws(VhostError) {
                try start(queue)
            } catch {
                failure = failure ?? error
            }
        }
        return failure
    }

    /// Changes the memory while nobody translates: bursts hold their queue's lock, callers of the
    /// API the device's.
    func changeMemory<Result: ~Copyable>(
        _ body: (inout GuestMemory) -> Result
    ) -> Result {
        forEachCell { $0.lock.lock() }
        lock.lock()
        value.memoryChanges.begin()
        defer {
            value.memoryChanges.end()
            lock.unlock()
            forEachCell { $0.lock.unlock() }
        }
        return body(&value.memory)
    }
}
