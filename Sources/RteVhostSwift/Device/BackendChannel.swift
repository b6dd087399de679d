// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

/// Requests from the backend to its frontend, over the socket of SET_BACKEND_REQ_FD. It is opened
/// and closed by the event thread; any thread may send.
struct BackendChannel: ~Copyable {
    /// What one thread sends by at a time.
    private struct Line: ~Copyable {
        var socket: FileDescriptor?
        /// Counts sockets, so that a late verdict does not hit the next one.
        var generation: UInt32 = 0
    }

    /// Its lock is held for one system call at most.
    private let line: HeapCell<Line>
    private let isUsable = Atomic<Bool>(false)
    /// One question at a time: answers have no number.
    private let isAsking = Atomic<Bool>(false)
    /// A request could not be sent as a whole, though the frontend is there; nobody was told yet.
    private let isBroken = Atomic<Bool>(false)
    /// The frontend left a question without a good answer.
    private let isBarred = Atomic<Bool>(false)
    /// Nanoseconds that answers were waited for, less what was forgiven, and when that was worked
    /// out. With `isAsking`.
    private let waited = Atomic<UInt64>(0)
    private let waitedUntil = Atomic<UInt64>(0)

    /// Bytes in front of a payload.
    private static var headerByteCount: Int { 12 }
    /// How long answers are waited for: all of them together, because a driver of hardware may ask
    /// for each queue on the event thread. An eighth of the time that passes is forgiven.
    private static var patience: UInt64 { 1_000_000_000 }

    /// How often the lock is looked at: queues that are polled at the same time have one system
    /// call each. A thread that lost its core is not waited for.
    private static var patienceSpins: Int { 1000 }

    /// A closed channel. Throws `outOfMemory`.
    init() throws(VhostError) { line = try HeapCell(Line()) }

    /// True when requests can be sent.
    var isOpen: Bool { isUsable.load(ordering: .acquiring) }

    /// False for a frontend that did not answer: another channel could keep a thread waiting again.
    var mayOpen: Bool { !isBarred.load(ordering: .acquiring) }

    /// Takes a Unix stream socket in the place of an earlier one.
    func open(_ descriptor: consuming FileDescriptor) {
        replace(with: descriptor)
        isUsable.store(true, ordering: .releasing)
    }

    /// Closes the channel; a thread that waits for an answer gives up at once.
    func close() {
        isUsable.store(false, ordering: .releasing)
        replace(with: nil)
    }

    /// Closes the channel for another frontend.
    func reset() {
        close()
        waited.store(0, ordering: .relaxed)
        isBroken.store(false, ordering: .relaxed)
        isBarred.store(false, ordering: .releasing)
    }

    private func replace(with descriptor: consuming FileDescriptor?) {
        var other = descriptor
        // ThreadSanitizer takes a change of what `self.line` leads to for one of `self.line`.
        let line = line
        line.lock.lock()
        swap(&other, &line.value.socket)
        line.value.generation &+= 1
        line.lock.unlock()
        // A duplicate that a question waits on has the same connection.
        if let old = other { System.shutDown(old) }
    }

    /// Sends requests that have no answer, from any thread; waits no longer than another thread's
    /// system call takes. Returns how many were sent: fewer when there is no channel, another thread
    /// sends for longer, or the frontend does not read.
    func tell(_ batch: borrowing RequestBatch) -> Int {
        guard isOpen, line.lock.tryLock(spins: Self.patienceSpins) else { return 0 }
        defer { line.lock.unlock() }
        do throws(VhostError) {
            switch line.value.socket {
            case .some(let socket):
                let byteCount = try System.send(
                    socket, batch.words.span,
                    byteCount: batch.count * RequestBatch.requestByteCount, descriptor: -1)
                // Half a message: the peer takes what comes next for its end.
                guard byteCount % RequestBatch.requestByteCount == 0 else {
                    throw .system(EMSGSIZE)
                }
                return byteCount / RequestBatch.requestByteCount
            case nil: return 0
            }
        } catch {
            noteBreak(error)
            return 0
        }
    }

    /// Sends a request, with a descriptor where there is one; with `isAnswered`, which needs
    /// REPLY_ACK, waits for the answer: a second at most, of which earlier answers took their part.
    /// Not for threads that hold a queue's lock.
    /// Throws `notFound` without channel, `busy` when the frontend does not read or another question
    /// is open, `refused` when the answer is no, `noAnswer` when there is none, `system`.
    func ask(
        request: UInt32, payload: InlineArray<8, UInt64>, byteCount: Int, descriptor: Int32?,
        isAnswered: Bool
    ) throws(VhostError) {
        let deadline = System.nanoseconds() &+ Self.patience
        try beginAsking(deadline)
        defer { isAsking.store(false, ordering: .releasing) }
        // vhost-user: version 1, NEED_REPLY.
        let words = Self.words(request, flags: isAnswered ? 1 | 8 : 1, payload, byteCount)
        var current: UInt32 = 0
        let copy = try line.lock.withLock { () throws(VhostError) -> FileDescriptor in
            guard isOpen else { throw .notFound }
            current = line.value.generation
            // The event thread may close the channel meanwhile, and the number be used again.
            let copy = try duplicate()
            try send(words, byteCount, descriptor: descriptor ?? -1)
            return copy
        }
        guard isAnswered else { return }
        let start = System.nanoseconds()
        defer { noteWait(from: start) }
        do throws(VhostError) {
            try awaitAnswer(request, on: copy, until: min(deadline, start &+ patience(at: start)))
        } catch {
            if error != .frontend(.declined) { drop(current) }
            throw error
        }
    }

    /// How long an answer may take now.
    private func patience(at now: UInt64) -> UInt64 {
        let forgiven = (now &- waitedUntil.load(ordering: .relaxed)) / 8
        let before = waited.load(ordering: .relaxed)
        let rest = before - min(before, forgiven)
        waited.store(rest, ordering: .relaxed)
        return Self.patience - min(rest, Self.patience)
    }

    private func noteWait(from start: UInt64) {
        let now = System.nanoseconds()
        waited.add(now &- start, ordering: .relaxed)
        waitedUntil.store(now, ordering: .relaxed)
    }

    private func beginAsking(_ deadline: UInt64) throws(VhostError) {
        while isAsking.exchange(true, ordering: .acquiring) {
            guard System.nanoseconds() < deadline else { throw .busy }
            System.sleep(microseconds: 1000)
        }
    }

    private func duplicate() throws(VhostError) -> FileDescriptor {
        switch line.value.socket {
        case .some(let socket): return try System.duplicate(socket)
        case nil: throw .notFound
        }
    }

    /// Sends under the lock. Throws as `ask` does.
    private func send(
        _ words: InlineArray<19, UInt32>, _ byteCount: Int, descriptor: Int32
    ) throws(VhostError) {
        let wanted = Self.headerByteCount + byteCount
        var sent = 0
        do throws(VhostError) {
            switch line.value.socket {
            case .some(let socket):
                sent = try System.send(
                    socket, words.span, byteCount: wanted, descriptor: descriptor)
                guard sent == 0 || sent == wanted else { throw .system(EMSGSIZE) }
            case nil: break
            }
        } catch {
            noteBreak(error)
            throw error
        }
        guard sent == wanted else { throw .busy }
    }

    /// A peer that is gone, or took half a message, gets no more.
    private func noteBreak(_ error: VhostError) {
        isUsable.store(false, ordering: .releasing)
        if !error.isHangUp { isBroken.store(true, ordering: .relaxed) }
    }

    /// True once after the channel broke.
    func takeBreak() -> Bool {
        isBroken.load(ordering: .relaxed) && isBroken.exchange(false, ordering: .relaxed)
    }

    /// Reads 20 bytes and compares them: vhost-user, REPLY_ACK: the request, version 1 and REPLY,
    /// eight bytes that are 0 for success. Descriptors that come along are closed.
    private func awaitAnswer(
        _ request: UInt32, on socket: borrowing FileDescriptor, until deadline: UInt64
    ) throws(VhostError) {
        let wanted = Self.headerByteCount + 8
        var bytes = MessageBytes(repeating: 0)
        var count = 0
        while count < wanted {
            let now = System.nanoseconds()
            guard now < deadline else { throw .frontend(.noAnswer) }
            let milliseconds = Int32((deadline - now) / 1_000_000) + 1
            guard System.waitReadable(socket, milliseconds: milliseconds) else { continue }
            var descriptors = ReceivedDescriptors()
            count += try System.receive(
                socket, into: &bytes, from: count, until: wanted, &descriptors)
            guard descriptors.count == 0 else { throw .frontend(.descriptors) }
        }
        var reader = ByteReader(bytes, count: wanted)
        let answered = try reader.u32()
        let flags = try reader.u32()
        let size = try reader.u32()
        guard answered == request, flags & 7 == 1 | 4, size == 8 else {
            throw .frontend(.noAnswer)
        }
        guard try reader.u64() == 0 else { throw .frontend(.declined) }
    }

    /// Gives a channel up whose frontend left the protocol, unless it was replaced meanwhile.
    private func drop(_ asked: UInt32) {
        line.lock.withLock {
            guard line.value.generation == asked else { return }
            isUsable.store(false, ordering: .releasing)
            isBarred.store(true, ordering: .releasing)
        }
    }

    private static func words(
        _ request: UInt32, flags: UInt32, _ payload: InlineArray<8, UInt64>, _ byteCount: Int
    ) -> InlineArray<19, UInt32> {
        precondition(byteCount >= 0 && byteCount <= 64)
        var words = InlineArray<19, UInt32>(repeating: 0)
        words[0] = request
        words[1] = flags
        words[2] = UInt32(byteCount)
        for index in 0..<8 {
            words[3 + 2 * index] = UInt32(truncatingIfNeeded: payload[index])
            words[4 + 2 * index] = UInt32(truncatingIfNeeded: payload[index] >> 32)
        }
        return words
    }
}
