// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc
import Testing

@testable import RteVhostSwift

/// The frontend's end of a vhost-user connection, and a session over the other end.
final class MockFrontend {
    /// An answer as it came over the socket.
    struct Answer: Equatable {
        var request: UInt32
        var flags: UInt32
        var words: [UInt32]
    }

    let device: HeapCell<Device>
    let socket: Int32
    private var session: Session

    /// A fresh device, not in the process's table, that offers what a net driver does.
    init(vid: Int32 = 0, flags: UInt64 = 0) throws {
        let (near, far) = try Self.makePair()
        socket = near
        let device = try HeapCell(Device(vid: vid, hooks: NetQueue.hooks))
        device.value.isOpen.store(true, ordering: .relaxed)
        device.value.offeredFeatures = Feature.netDefaults(DriverFlags(rawValue: 0))
        device.value.offeredProtocolFeatures = ProtocolFeature.netDefaults
        device.value.offeredQueuePairs = 4
        device.value.flags = DriverFlags(rawValue: flags)
        self.device = device
        session = Session(Connection(FileDescriptor(owning: far)), device: device)
    }

    deinit { close(socket) }

    /// Two connected stream sockets.
    static func makePair() throws -> (Int32, Int32) {
        var ends: [Int32] = [0, 0]
        let type = Int32(SOCK_STREAM.rawValue)
        try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
        return (ends[0], ends[1])
    }

    /// A message's bytes: header and payload.
    static func bytes(
        _ request: UInt32, _ payload: [UInt8] = [], flags: UInt32 = 1, byteCount: Int? = nil
    ) -> [UInt8] {
        [request, flags, UInt32(byteCount ?? payload.count)].flatMap(littleEndian) + payload
    }

    /// The bytes of a number.
    static func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    /// Sends bytes with descriptors in one piece.
    static func send(_ socket: Int32, _ bytes: [UInt8], _ files: [Int32] = []) {
        var bytes = bytes
        // struct cmsghdr: length of 8 bytes, SOL_SOCKET, SCM_RIGHTS, then the numbers.
        var control: [UInt8] = littleEndian(UInt64(16 + files.count * 4))
        control += [Int32(1), 1].flatMap(littleEndian) + files.flatMap(littleEndian)
        while control.count % 8 != 0 { control.append(0) }
        let count = bytes.count
        let sent = bytes.withUnsafeMutableBytes { data in
            control.withUnsafeMutableBytes { control in
                var vector = iovec(iov_base: data.baseAddress, iov_len: count)
                return withUnsafeMutablePointer(to: &vector) { vector in
                    var message = msghdr()
                    message.msg_iov = vector
                    message.msg_iovlen = 1
                    if !files.isEmpty {
                        message.msg_control = control.baseAddress
                        message.msg_controllen = control.count
                    }
                    return sendmsg(socket, &message, 0)
                }
            }
        }
        if sent != count { Issue.record("the mock frontend could not send") }
    }

    /// Sends a request and lets the session handle it; what the session throws.
    @discardableResult
    func request(
        _ request: UInt32, _ payload: [UInt8] = [], files: [Int32] = [], needsReply: Bool = false
    ) -> VhostError? {
        Self.send(socket, Self.bytes(request, payload, flags: needsReply ? 9 : 1), files)
        return handle()
    }

    /// Lets the session handle what is there.
    func handle() -> VhostError? { fault { () throws(VhostError) in try session.handleInput() } }

    /// The next answer; nil when there is none.
    func answer() -> Answer? {
        var bytes = [UInt8](repeating: 0, count: 20)
        guard recv(socket, &bytes, 20, Int32(MSG_DONTWAIT)) == 20 else { return nil }
        let words: [UInt32] = bytes.withUnsafeBytes { buffer in
            (0..<5).map { buffer.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) }
        }
        return Answer(request: words[0], flags: words[1], words: Array(words[3...]))
    }

    /// The payload of requests with one number of 64 bits.
    func number(_ request: UInt32, _ value: UInt64, files: [Int32] = []) -> VhostError? {
        self.request(request, Self.littleEndian(value), files: files)
    }

    /// The payload of requests with queue index and number.
    func state(_ request: UInt32, _ queue: UInt32, _ value: UInt32) -> VhostError? {
        self.request(request, Self.littleEndian(queue) + Self.littleEndian(value))
    }
}

extension MockFrontend {
    /// SET_MEM_TABLE with the regions of a mock guest.
    func setMemory(_ guest: MockMemory) -> VhostError? {
        var payload = Self.littleEndian(UInt32(guest.areas.count)) + Self.littleEndian(UInt32(0))
        for area in guest.areas {
            payload += [
                area.guest, UInt64(area.byteCount), area.guest &+ MockMemory.frontendOffset, 0,
            ].flatMap(Self.littleEndian)
        }
        return request(5, payload, files: guest.areas.map(\.file))
    }

    /// SET_VRING_ADDR for a mock driver's ring.
    func setAddresses(_ queue: UInt32, _ driver: MockDriver) -> VhostError? {
        let places = [driver.descriptors, driver.used, driver.available].map {
            $0 &+ MockMemory.frontendOffset
        }
        let payload =
            Self.littleEndian(queue) + Self.littleEndian(UInt32(0))
            + (places + [0]).flatMap(Self.littleEndian)
        return request(9, payload)
    }

    /// An eventfd's number; the caller closes it.
    static func makeEvent() throws -> Int32 {
        let event = try System.makeEvent()
        let number = dup(event.number)
        try #require(number >= 0)
        return number
    }

    /// Brings a queue up as QEMU does. Returns the first refusal.
    func startQueue(_ queue: UInt32, _ driver: MockDriver) throws -> VhostError? {
        let kick = try Self.makeEvent()
        let call = try Self.makeEvent()
        defer {
            close(kick)
            close(call)
        }
        return state(8, queue, UInt32(driver.size)) ?? state(10, queue, 0)
            ?? setAddresses(queue, driver) ?? number(12, UInt64(queue), files: [kick])
            ?? number(13, UInt64(queue), files: [call]) ?? state(18, queue, 1)
    }

    /// The cell of a queue that messages named.
    func queue(_ index: Int) -> HeapCell<VirtQueue> { device.value.queue(index)! }
}
