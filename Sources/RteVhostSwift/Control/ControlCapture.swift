// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A client that captures a queue's packets: what it is sent after the answer's first line. Bursts
/// see an atomic bit of their queue, and nothing of them is locked or waited for.
struct ControlCapture {
    /// Nanoseconds between two looks for packets: a burst has no time to wake anybody.
    static let interval: UInt64 = 10_000_000

    private let request: CaptureRequest
    private let queue: HeapCell<VirtQueue>
    private let ring: HeapCell<CaptureRing>
    private var hasEnded = false

    /// Why there is no capture.
    enum Fault: Error {
        /// The program did not allow it.
        case forbidden
        /// No such device or ring.
        case nothing
        /// Somebody else captures.
        case taken
        /// There is no memory for the packets.
        case outOfMemory

        /// In words.
        var words: StaticString {
            switch self {
            case .forbidden:
                "the program does not allow it: RTEVHOSTSWIFT_CONTROL_CAPTURE"
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
        queue.value.watch.set(.capture, true)
        writer.addHead()
        writer.openObject("capture")
        writer.add("device", request.device)
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

    /// Puts the last record in once the device is gone and the client has all packets; true when
    /// nothing more will come.
    mutating func end(_ writer: inout JSONWriter) -> Bool {
        if hasEnded { return true }
        if DeviceTable.find(Int32(truncatingIfNeeded: request.device)) == nil { ring.value.close() }
        guard !ring.value.isInUse, pending.count == 0 else { return false }
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
        queue.value.watch.set(.capture, false)
        ring.value.release()
    }
}
