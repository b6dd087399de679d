// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// A net device with one pair of queues, its guest's driver, and a pool: all of the datapath but
/// the event thread.
final class MockNet: MockPair {
    /// Buffers of a chain from here on; a quarter of a megabyte.
    static let buffers: UInt64 = 0x10_0000

    let guest: MockMemory
    let frontend: MockFrontend
    /// Queue 0: host to guest.
    let receive: MockDriver
    /// Queue 1: guest to host.
    let transmit: MockDriver
    let pool: MockPool
    private var nextBuffer = MockNet.buffers

    private static let areas: [(guest: UInt64, byteCount: Int)] = [
        (guest: 0x1_0000, byteCount: 0x1_0000), (guest: buffers, byteCount: 0x2_0000),
        (guest: buffers + 0x2_0000, byteCount: 0x2_0000),
    ]

    init(
        vid: Int32 = 0, flags: UInt64 = 0, features: UInt64 = Feature.version1, size: Int = 16,
        mbufs: Int = 64
    ) throws {
        guest = try MockMemory(Self.areas)
        frontend = try MockFrontend(vid: vid, flags: flags)
        receive = MockDriver(guest, size: size, at: 0x1_0000)
        transmit = MockDriver(guest, size: size, at: 0x1_8000)
        pool = try MockPool(count: mbufs)
        let errors = [
            frontend.number(2, features | Feature.protocolFeatures), frontend.setMemory(guest),
            try frontend.startQueue(0, receive), try frontend.startQueue(1, transmit),
        ]
        try #require(errors.allSatisfy { $0 == nil })
    }

    /// Has the frontend give other memory for what the guest has now, with the same in it.
    func moveMemory() throws -> MockMemory {
        let other = try MockMemory(Self.areas)
        for area in guest.areas {
            other.pointer(area.guest).copyMemory(from: area.base, byteCount: area.byteCount)
        }
        try #require(frontend.setMemory(other) == nil)
        return other
    }

    /// Places for so many packets.
    static func array(_ packets: [PacketBuffer?]) -> PacketArray {
        let exact = PacketArray(
            .allocate(capacity: max(1, packets.count)), count: UInt16(packets.count))!
        for (index, packet) in packets.enumerated() { exact[index] = packet }
        return exact
    }

    /// Offers a chain of buffers of these lengths, one slot each from `head` on. Returns where they
    /// lie.
    @discardableResult
    func offer(
        _ driver: MockDriver, head: Int, lengths: [Int], isWritable: Bool? = nil
    ) -> [UInt64] {
        let flag = isWritable ?? (driver === receive) ? MockDescriptor.write : 0
        var places: [UInt64] = []
        for (index, length) in lengths.enumerated() {
            if nextBuffer + UInt64(length) > Self.buffers + 0x4_0000 { nextBuffer = Self.buffers }
            places.append(nextBuffer)
            let isLast = index == lengths.count - 1
            driver.describe(
                head + index,
                MockDescriptor(
                    address: nextBuffer, byteCount: UInt32(length),
                    flags: flag | (isLast ? 0 : MockDescriptor.next),
                    next: UInt16(head + index + 1)))
            nextBuffer += UInt64(length)
        }
        driver.offer(UInt16(head))
        return places
    }

    /// The guest sends bytes behind a plain header, in buffers of these lengths.
    func send(_ bytes: [UInt8], head: Int, cuts: [Int] = []) {
        let whole = [UInt8](repeating: 0, count: 12) + bytes
        let lengths = cuts + [whole.count - cuts.reduce(0, +)]
        var rest = whole[...]
        for (place, length) in zip(offer(transmit, head: head, lengths: lengths), lengths) {
            guest.write(Array(rest.prefix(length)), at: place)
            rest = rest.dropFirst(length)
        }
    }

    /// Bytes of the first packets of an array, which are freed.
    static func consume(_ array: PacketArray, _ count: Int) -> [[UInt8]] {
        (0..<count).map { index in
            let packet = array[index]!
            defer { packet.freeChain() }
            return packet.allBytes
        }
    }
}
