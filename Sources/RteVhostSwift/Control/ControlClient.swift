// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// One client of the control socket: one line is read, one answer is sent, and the connection ends;
/// a capture ends when either side does.
struct ControlClient: ~Copyable {
    /// Nanoseconds for the whole of it, and without a byte going either way.
    private static let patience: (whole: UInt64, still: UInt64) = (20_000_000_000, 2_000_000_000)

    /// The connection; nil while the place is free.
    private var socket: FileDescriptor?
    private var line = InlineArray<256, UInt8>(repeating: 0)
    private var lineCount = 0
    private var writer: JSONWriter
    private var answer: ControlAnswer?
    private var capture: ControlCapture?
    private var isAnswering = false
    /// The client did not take all that there was.
    private var isBlocked = false
    /// While it captures: it may still say that it has enough.
    private var isHeard = true
    private var start: UInt64 = 0
    private var deadline: (whole: UInt64, still: UInt64) = (0, 0)

    /// A free place. Throws `outOfMemory`.
    init() throws(VhostError) { writer = try JSONWriter() }

    /// Takes a connection in.
    mutating func open(_ socket: consuming FileDescriptor, now: UInt64) {
        self.socket = consume socket
        lineCount = 0
        writer.removeAll()
        answer = nil
        capture = nil
        isAnswering = false
        isBlocked = false
        isHeard = true
        start = now
        deadline = (now &+ Self.patience.whole, now &+ Self.patience.still)
    }

    /// Hangs up.
    mutating func close() {
        capture?.stop()
        capture = nil
        socket = nil
    }

    /// Closes a child process's copy. Its parent captures, if anybody does.
    mutating func forsake() {
        capture = nil
        socket = nil
    }

    /// The connection's number; -1 while the place is free.
    var number: Int32 {
        switch socket {
        case .some(let socket): socket.number
        case .none: -1
        }
    }

    /// Hangs up after the answer. With bytes unread the client would get an error in the place of the
    /// answer's end: unix(7), ECONNRESET.
    private mutating func finish() {
        for _ in 0..<16 where System.receive(number, into: &line, from: 0).count > 0 { continue }
        close()
    }

    /// Waits for the client to take bytes, and not for its request.
    var wantsWrite: Bool { isAnswering && (capture == nil || isBlocked) }

    /// It captures.
    var isCapturing: Bool { capture != nil }

    /// Waits for packets, which nobody announces.
    var awaitsPackets: Bool { capture != nil && !isBlocked }

    /// Waits for word that it has enough of them, too.
    var awaitsWord: Bool { awaitsPackets && isHeard }

    /// Nanoseconds for a request while others wait for the place.
    static let crowdedPatience: UInt64 = 100_000_000

    /// Since when nothing has been asked; nil where something was.
    var silentSince: UInt64? { number >= 0 && !isAnswering ? start : nil }

    /// When it is hung up on.
    var end: UInt64 {
        capture == nil ? min(deadline.whole, deadline.still) : isBlocked ? deadline.still : .max
    }

    /// Something came of one that captures. Any byte says that it has enough; its end of the
    /// connection says so where both directions are closed, which is told without being asked for.
    mutating func hear() {
        guard isHeard else { return close() }
        let (count, isEnd) = System.receive(number, into: &line, from: 0)
        if count > 0 { haveEnough() } else if isEnd { isHeard = false }
    }

    private mutating func haveEnough() {
        isHeard = false
        capture?.finish()
    }

    /// Reads what has come. Hangs up where nothing more will come. With `refusal` there is no
    /// capture.
    mutating func read(
        now: UInt64, _ inspector: borrowing Inspector, refusal: ControlCapture.Fault?
    ) {
        guard number >= 0, !isAnswering else { return }
        let (count, isEnd) = System.receive(number, into: &line, from: lineCount)
        if count > 0 { deadline.still = now &+ Self.patience.still }
        let known = lineCount
        lineCount += count
        for index in known..<lineCount where line[index] == UInt8(ascii: "\n") {
            begin(count: index, inspector, refusal)
            // What came with the request was said after it.
            if index + 1 < lineCount { haveEnough() }
            return write(now: now, inspector)
        }
        if lineCount == ControlRequest.limit {
            fail("the request is longer than 255 bytes")
            write(now: now, inspector)
        } else if isEnd {
            close()
        }
    }

    private mutating func begin(
        count: Int, _ inspector: borrowing Inspector, _ refusal: ControlCapture.Fault?
    ) {
        do throws(ControlRequest.Fault) {
            let request = try ControlRequest(line, count: count)
            if case .capture(let wanted) = request.command {
                begin(wanted, inspector, refusal)
            } else {
                answer = ControlAnswer(request)
            }
            isAnswering = true
        } catch {
            fail(error.words)
        }
    }

    private mutating func begin(
        _ wanted: CaptureRequest, _ inspector: borrowing Inspector, _ refusal: ControlCapture.Fault?
    ) {
        do throws(ControlCapture.Fault) {
            if let refusal { throw refusal }
            capture = try ControlCapture(wanted, inspector, &writer)
        } catch {
            fail(error.words)
        }
    }

    private mutating func fail(_ words: StaticString) {
        writer.addFault(words)
        isAnswering = true
    }

    /// Makes as much of the answer as there is room for, and sends what the client takes. Hangs up
    /// at its end. At most a few buffers at a time: the other clients have their turn.
    mutating func write(now: UInt64, _ inspector: borrowing Inspector) {
        guard number >= 0 else { return }
        guard capture == nil else {
            // One that takes less than comes is waited for to take more, for as long as it captures.
            if isBlocked, isHeard { hear() }
            return stream(now: now)
        }
        for _ in 0..<4 {
            while writer.room >= ControlAnswer.stepRoom, !(answer?.isDone ?? true) {
                answer?.advance(&writer, inspector)
            }
            // A bug of ours: half an answer must not look like a whole one.
            guard !writer.hasOverflowed, number >= 0 else { return close() }
            let pending = writer.pending
            guard pending.count > 0 else { return finish() }
            guard let sent = System.send(number, pending) else { return close() }
            guard sent > 0 else { return }
            deadline.still = now &+ Self.patience.still
            writer.drop(sent)
        }
    }

    /// Sends packets as far as the client takes them; what it does not take is lost in the ring.
    private mutating func stream(now: UInt64) {
        isBlocked = false
        for _ in 0..<8 {
            let isDone = writer.pending.count == 0 && (capture?.end(&writer) ?? true)
            guard !isDone else { return finish() }
            let isText = writer.pending.count > 0
            guard let pending = isText ? writer.pending : capture?.pending, pending.count > 0 else {
                deadline.still = now &+ Self.patience.still
                return
            }
            guard let sent = System.send(number, pending) else { return close() }
            guard sent > 0 else { break }
            deadline.still = now &+ Self.patience.still
            if isText { writer.drop(sent) } else { capture?.drop(sent) }
        }
        isBlocked = true
    }
}
