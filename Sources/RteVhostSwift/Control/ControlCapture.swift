// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// A client that captures a queue's packets: what it is sent after the answer's first line. Bursts
/// see an atomic bit of their queue, and nothing of them is locked or waited for.
struct ControlCapture {
    /// Nanoseconds between two looks for packets: a burst has no time to wake anybody.
    static let interval: UInt64 = 10_000_000

    private let request: CaptureRequest
    private let connection: UInt64
    private let queue: HeapCell<VirtQueue>
    private let ring: HeapCell<CaptureRing>
    private var hasEnded = false

    /// Why there is no capture.
    enum Fault: Error {
        /// The program did not allow it.
        case forbidden
        /// So many capture that the other places are for those who look.
        case crowded
        /// No such device or ring.
        case nothing
        /// The device is another connection than the one that was meant.
        case gone
        /// Somebody else captures.
        case taken
        /// There is no memory for the packets.
        case outOfMemory

        /// In words.
        var words: StaticString {
            switch self {
            case .forbidden:
                "the program does not allow it: RTEVHOSTSWIFT_CONTROL_CAPTURE"
            case .crowded:
                "eight rings are captured, the other places are for those who look"
            case .gone: "the connection has ended, the device is another one now"
            case .nothing: "no such device or ring of the built-in net backend"
            case .taken: "somebody captures this ring already"
            case .outOfMemory: "no memory for packets"
            }
        }
    }

    /// Begins, and puts the answer's first line in.
    init(
        _ request: CaptureRequest, _ inspector: borrowing Inspector, _ writer: inout JSONWriter
    ) throws(Fault) {
        guard let device = inspector.device(request.device), device.isNet,
            let queue = inspector.queue(request.device, request.ring)
        else { throw .nothing }
        connection = device.connection
        if let meant = request.connection, meant != connection { throw .gone }
        self.request = request
        self.queue = queue
        ring = try Self.ring(of: queue)
        let isOpen: Bool
        do throws(VhostError) {
            isOpen = try ring.value.open(limit: request.byteCount)
        } catch {
            throw .outOfMemory
        }
        guard isOpen else { throw .taken }
        queue.value.isCaptured.store(true, ordering: .releasing)
        // A device that ended since the look has closed its ring before this one was opened.
        guard DeviceTable.has(request.device, connection: connection) else {
            stop()
            throw .gone
        }
        addFirstLine(device, &writer)
    }

    private func addFirstLine(_ device: DeviceFacts, _ writer: inout JSONWriter) {
        writer.addHead()
        writer.openObject("capture")
        writer.add("device", request.device)
        writer.add("connection", connection)
        writer.add("socket", device.path)
        writer.add("ring", request.ring)
        writer.add("direction", words: request.ring & 1 == 0 ? "to guest" : "from guest")
        writer.add("packet_bytes", ring.value.limit)
        writer.closeObject()
        writer.closeObject()
        writer.endLine()
    }

    /// The queue's ring, made for its first capture. Only the control thread makes any.
    private static func ring(
        of queue: HeapCell<VirtQueue>
    ) throws(Fault) -> HeapCell<CaptureRing> {
        if let ring = queue.value.capture.load() { return ring }
        guard let ring = try? HeapCell(CaptureRing()) else { throw .outOfMemory }
        queue.value.capture.store(ring)
        return ring
    }

    /// Bytes of packets that wait for the client.
    var pending: FixedView<UInt8> { ring.value.pending }

    /// So many of them were sent.
    func drop(_ count: Int) { ring.value.drop(count) }

    /// The client wants no more: what is there, and how many were left out, is still told.
    func finish() {
        queue.value.isCaptured.store(false, ordering: .releasing)
        ring.value.close()
    }

    /// Puts the last record in once no packet will come and the client has all there are; true when
    /// it has that as well.
    mutating func end(_ writer: inout JSONWriter) -> Bool {
        if hasEnded { return true }
        if !DeviceTable.has(request.device, connection: connection) { ring.value.close() }
        guard !ring.value.isInUse, !ring.value.isWritten, pending.count == 0 else { return false }
        hasEnded = true
        add(UInt64(UInt32.max), &writer)
        add(System.nanoseconds(), &writer)
        add(ring.value.lostCount, &writer)
        add(0, &writer)
        add(0, &writer)
        return false
    }

    /// A word as it lies in the ring's records.
    private func add(_ word: UInt64, _ writer: inout JSONWriter) {
        for index in 0..<8 {
            let shift = UInt64(8 * index)
            writer.add(byte: UInt8(truncatingIfNeeded: word.littleEndian >> shift))
        }
    }

    /// The client is gone.
    func stop() {
        queue.value.isCaptured.store(false, ordering: .releasing)
        ring.value.release()
    }
}
