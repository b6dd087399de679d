// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// The copies that one virtqueue gave to the built-in engine. A detached channel's cell is used
/// again for another virtqueue; a caller who found it just before sees by its key that it is not
/// his any more.
struct SoftwareChannel: ~Copyable {
    /// Copies on their way to the worker.
    let ring: SoftwareRing
    /// What a test asked for, and whether that is to hold copies back, for the worker.
    let faults: HeapCell<SoftwareFaults>
    private let isHeld = Atomic<Bool>(false)
    /// The engine whose worker copies.
    let engine = AtomicCell<SoftwareEngine>()
    /// The next channel of the engine, or of those that wait to be used again.
    let next = AtomicCell<SoftwareChannel>()

    // The worker looks at what is above all the time; what callers write and what it writes itself
    // lie apart.
    private let linesBeforeLock = InlineArray<128, UInt8>(repeating: 0)
    /// Held during each callback and each change. Nobody waits with it held, so it is free but for
    /// a moment.
    let lock = SpinLock()
    /// Virtqueue that the channel serves, 0 while it is closed. Written under the lock.
    let key = Atomic<UInt32>(0)
    /// Descriptors accepted and reported, and calls that accepted fewer than offered. Written under
    /// the lock.
    private let submittedCount = Atomic<UInt64>(0)
    private let reportedCount = Atomic<UInt64>(0)
    private let refusedCount = Atomic<UInt64>(0)

    private let linesBeforeDone = InlineArray<128, UInt8>(repeating: 0)
    /// Descriptors and bytes copied. Written by the worker.
    private let doneCount = Atomic<UInt64>(0)
    private let byteCount = Atomic<UInt64>(0)
    private let linesAfterDone = InlineArray<128, UInt8>(repeating: 0)

    /// A closed channel whose ring has `capacity` slots. Throws `outOfMemory`.
    init(capacity: Int, faults: HeapCell<SoftwareFaults>) throws(VhostError) {
        ring = try SoftwareRing(capacity: capacity)
        self.faults = faults
    }

    /// Opens a channel that was closed, with no worker at it: no faults, all counters at zero.
    borrowing func open(key: UInt32, engine: HeapCell<SoftwareEngine>) {
        lock.withLock {
            faults.value = SoftwareFaults(rtevhostswift_dma_faults())
            isHeld.store(false, ordering: .relaxed)
            submittedCount.store(0, ordering: .relaxed)
            reportedCount.store(0, ordering: .relaxed)
            refusedCount.store(0, ordering: .relaxed)
            doneCount.store(0, ordering: .relaxed)
            byteCount.store(0, ordering: .relaxed)
            self.engine.store(engine)
            self.key.store(key, ordering: .relaxed)
        }
    }

    /// True when copies wait that a fault does not hold back. Any thread.
    borrowing func hasWork() -> Bool {
        !ring.isEmpty() && !isHeld.load(ordering: .relaxed)
    }

    /// True when copies wait that will not be done before the fault goes.
    borrowing func isStuck() -> Bool {
        isHeld.load(ordering: .relaxed) && !ring.isEmpty()
    }

    /// `rtevhostswift_dma_stats_get`. Lock held.
    borrowing func statistics() -> rtevhostswift_dma_stats {
        rtevhostswift_dma_stats(
            submitted: submittedCount.load(ordering: .relaxed),
            completed: reportedCount.load(ordering: .relaxed),
            bytes: byteCount.load(ordering: .relaxed),
            refused: refusedCount.load(ordering: .relaxed))
    }

    /// `rtevhostswift_dma_inject`. Lock held.
    borrowing func inject(_ faults: SoftwareFaults) {
        self.faults.value = faults
        isHeld.store(faults.isHolding, ordering: .relaxed)
        engine.load()?.value.wake()
    }
}

/// The callbacks of `struct rte_vhost_async_channel_ops`. Lock held.
extension SoftwareChannel {
    /// `transfer_data`: descriptors accepted, from the first on, as many as there is room for. Each
    /// is accepted whole or not at all, so one of more pieces than the ring has slots never is; one
    /// whose iterators do not match is an error when it comes first.
    borrowing func transfer(
        _ descriptors: UnsafePointer<rte_vhost_async_desc>, count: Int
    ) -> Int32 {
        let result: Int32
        if let fault = faults.value.takeTransferResult() {
            result = fault
        } else {
            // SAFETY: the caller vouches for `count` descriptors.
            result = unsafe accept(descriptors, limit: faults.value.acceptLimit(count))
        }
        if result < count { refusedCount.add(1, ordering: .relaxed) }
        return result
    }

    private borrowing func accept(
        _ descriptors: UnsafePointer<rte_vhost_async_desc>, limit: Int
    ) -> Int32 {
        var writer = ring.beginWriting()
        var accepted = 0
        var isMalformed = false
        while accepted < limit {
            var trial = writer
            // SAFETY: accepted is below limit, which is at most the caller's count.
            if unsafe appendPairs(descriptors[accepted], &trial) {
                writer = trial
                accepted &+= 1
                continue
            }
            trial = writer
            let outcome = unsafe append(descriptors[accepted], &trial)
            isMalformed = outcome == .malformed
            guard outcome == .appended else { break }
            writer = trial
            accepted &+= 1
        }
        if accepted == 0 { return isMalformed ? -1 : 0 }
        ring.publish(writer)
        submittedCount.add(UInt64(accepted), ordering: .relaxed)
        engine.load()?.value.wake()
        return Int32(truncatingIfNeeded: accepted)
    }

    /// Puts a descriptor whose sides have iovecs of the same lengths, as those of this library do;
    /// false for any other, and where there is no room.
    @inline(__always)
    private borrowing func appendPairs(
        _ descriptor: rte_vhost_async_desc, _ writer: inout SoftwareRing.Writer
    ) -> Bool {
        // SAFETY: both iterators and their iovecs are good during transfer_data.
        guard let from = unsafe descriptor.src?.pointee, let to = unsafe descriptor.dst?.pointee,
            let sources = unsafe from.iov, let destinations = unsafe to.iov
        else { return false }
        let count = unsafe from.nr_segs
        guard unsafe to.nr_segs == count, unsafe from.offset | to.offset == 0,
            unsafe from.count == to.count, count <= ring.capacity,
            ring.hasRoom(for: count, &writer)
        else { return false }
        var left = unsafe Int(from.count)
        for index in 0..<Int(count) {
            let source = unsafe sources[index]
            let destination = unsafe destinations[index]
            let length = unsafe Int(source.iov_len)
            guard unsafe Int(destination.iov_len) == length, length > 0, length <= left else {
                return false
            }
            left &-= length
            ring.put(
                SoftwarePiece(
                    source: unsafe UInt(bitPattern: source.iov_base),
                    destination: unsafe UInt(bitPattern: destination.iov_base), count: length,
                    isLastOfDescriptor: left == 0), &writer)
            if left == 0 { return true }
        }
        return false
    }

    private enum Outcome {
        case appended
        case full
        case malformed
    }

    /// Cuts a descriptor where either side's iovecs end.
    @inline(__always)
    private borrowing func append(
        _ descriptor: rte_vhost_async_desc, _ writer: inout SoftwareRing.Writer
    ) -> Outcome {
        // SAFETY: both iterators and their iovecs are good during transfer_data.
        guard let from = unsafe descriptor.src, let to = unsafe descriptor.dst,
            unsafe from.pointee.count == to.pointee.count
        else { return .malformed }
        var left = unsafe Int(from.pointee.count)
        var source = unsafe IOVectorCursor(from.pointee)
        var destination = unsafe IOVectorCursor(to.pointee)
        // Bounded by the iovecs of both sides.
        repeat {
            let count = min(left, min(source.run, destination.run))
            guard count > 0 || left == 0 else { return .malformed }
            left &-= count
            let piece = SoftwarePiece(
                source: source.address, destination: destination.address, count: count,
                isLastOfDescriptor: left == 0)
            guard ring.write(piece, &writer) else { return .full }
            source.advance(count)
            destination.advance(count)
        } while left > 0
        return .appended
    }

    /// `check_completed_copies`: descriptors finished and not reported before, at most `limit`.
    borrowing func takeCompletions(limit: Int) -> Int32 {
        if let fault = faults.value.takeCheckResult() { return fault }
        let reported = reportedCount.load(ordering: .relaxed)
        // Acquires the bytes that the worker wrote before it counted.
        let finished = Int(doneCount.load(ordering: .acquiring) &- reported)
        let count = min(finished, faults.value.completeLimit(limit))
        reportedCount.store(reported &+ UInt64(count), ordering: .relaxed)
        return Int32(clamping: count + faults.value.overReport)
    }
}

/// The worker.
extension SoftwareChannel {
    /// Copies at most `limit` pieces in the order of submission; false when there was nothing to
    /// do.
    borrowing func copyPieces(limit: Int) -> Bool {
        // The end is read, acquiring, before `isHeld`: what was submitted after a hold is not
        // copied.
        var (position, end) = ring.beginReading()
        guard position != end else { return false }
        if end &- position > UInt(limit) { end = position &+ UInt(limit) }
        let start = position
        var done = doneCount.load(ordering: .relaxed)
        var bytes = byteCount.load(ordering: .relaxed)
        while position != end, !isHeld.load(ordering: .relaxed) {
            let piece = ring.piece(at: position)
            copyBytes(piece)
            bytes &+= UInt64(piece.count)
            position &+= 1
            guard piece.isLastOfDescriptor else { continue }
            done &+= 1
            byteCount.store(bytes, ordering: .relaxed)
            // Releases the bytes of the descriptor.
            doneCount.store(done, ordering: .releasing)
        }
        byteCount.store(bytes, ordering: .relaxed)
        ring.release(before: position)
        return position != start
    }

    @inline(__always)
    private borrowing func copyBytes(_ piece: SoftwarePiece) {
        // SAFETY: who submitted the piece keeps both sides mapped until it is reported complete,
        // and they do not overlap: one is guest memory, the other a packet.
        unsafe crte_copy(
            UnsafeMutableRawPointer(bitPattern: piece.destination),
            UnsafeRawPointer(bitPattern: piece.source), piece.count)
    }
}
