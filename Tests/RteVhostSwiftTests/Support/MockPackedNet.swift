// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc
import Testing

@testable import RteVhostSwift

/// A net device with one pair of packed queues, its guest's driver, and a pool.
final class MockPackedNet: MockPair {
    /// Buffers of a slot lie here, one after the other.
    static let buffers: UInt64 = 0x10_0000

    let guest: MockMemory
    let frontend: MockFrontend
    /// Queue 0: host to guest.
    let receive: MockPackedDriver
    /// Queue 1: guest to host.
    let transmit: MockPackedDriver
    let pool: MockPool
    private var nextBuffer = MockPackedNet.buffers

    init(
        vid: Int32 = 0, features: UInt64 = Feature.version1, size: Int = 16,
        mbufs: Int = 64, start: (slot: Int, wrap: Bool) = (0, true)
    ) throws {
        guest = try MockMemory([
            (guest: 0x1_0000, byteCount: 0x1_0000), (guest: Self.buffers, byteCount: 0x2_0000),
            (guest: Self.buffers + 0x2_0000, byteCount: 0x2_0000),
        ])
        frontend = try MockFrontend(vid: vid)
        receive = MockPackedDriver(guest, size: size, at: 0x1_0000)
        transmit = MockPackedDriver(guest, size: size, at: 0x1_8000)
        pool = try MockPool(count: mbufs)
        receive.start(slot: start.slot, wrap: start.wrap)
        transmit.start(slot: start.slot, wrap: start.wrap)
        let all = features | Feature.protocolFeatures | Feature.ringPacked
        let base = UInt32(start.slot) | (start.wrap ? 0x8000 : 0)
        let errors = [
            frontend.number(2, all), frontend.setMemory(guest),
            try frontend.startQueue(0, receive, base: base),
            try frontend.startQueue(1, transmit, base: base),
        ]
        try #require(errors.allSatisfy { $0 == nil })
    }

    /// Offers a chain of buffers of these lengths; in a table if wished. Returns where they lie.
    @discardableResult
    func offer(
        _ driver: MockPackedDriver, id: UInt16, lengths: [Int], isIndirect: Bool = false,
        isWritable: Bool? = nil
    ) -> [UInt64] {
        let flag: UInt16 = isWritable ?? (driver === receive) ? 2 : 0
        let places = lengths.map { place($0) }
        let elements = zip(places, lengths).map {
            MockPackedDriver.Element(address: $0, byteCount: UInt32($1), flags: flag)
        }
        guard isIndirect else {
            driver.offer(elements, id: id)
            return places
        }
        let table = place(elements.count * 16)
        for (index, element) in elements.enumerated() {
            driver.writeEntry(index, of: table, element)
        }
        driver.offer(
            [.init(address: table, byteCount: UInt32(elements.count * 16), flags: 4)], id: id)
        return places
    }

    /// Room for so many bytes, which may cross from one region into the next.
    private func place(_ count: Int) -> UInt64 {
        if nextBuffer + UInt64(count) > Self.buffers + 0x4_0000 { nextBuffer = Self.buffers }
        defer { nextBuffer += UInt64(count) }
        return nextBuffer
    }

    /// The guest sends bytes behind a plain header, in buffers of these lengths.
    func send(_ bytes: [UInt8], id: UInt16, cuts: [Int] = [], isIndirect: Bool = false) {
        let whole = [UInt8](repeating: 0, count: 12) + bytes
        let lengths = cuts + [whole.count - cuts.reduce(0, +)]
        var rest = whole[...]
        let places = offer(transmit, id: id, lengths: lengths, isIndirect: isIndirect)
        for (place, length) in zip(places, lengths) {
            guest.write(Array(rest.prefix(length)), at: place)
            rest = rest.dropFirst(length)
        }
    }
}

extension MockFrontend {
    /// Brings a packed queue up as QEMU does, from a base. Returns the first refusal.
    func startQueue(_ queue: UInt32, _ driver: MockPackedDriver, base: UInt32) throws -> VhostError?
    {
        let files = [try Self.makeEvent(), try Self.makeEvent()]
        defer { for file in files { close(file) } }
        let places = [driver.descriptors, driver.deviceEvent, driver.driverEvent].map {
            $0 &+ MockMemory.frontendOffset
        }
        let payload =
            Self.littleEndian(queue) + Self.littleEndian(UInt32(0))
            + (places + [0]).flatMap(Self.littleEndian)
        return state(8, queue, UInt32(driver.size)) ?? state(10, queue, base)
            ?? request(9, payload) ?? number(12, UInt64(queue), files: [files[0]])
            ?? number(13, UInt64(queue), files: [files[1]]) ?? state(18, queue, 1)
    }
}
