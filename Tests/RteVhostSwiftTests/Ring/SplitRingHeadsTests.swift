// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// What the ring keeps of what it saw: the guest's index, and heads for calls of one packet.
@Suite("Ring: split ring, what was seen of it")
struct SplitRingHeadsTests {
    private static let buffer: UInt64 = 0x2_0000
    private let guest: MockMemory

    init() throws {
        guest = try MockMemory([(guest: 0x1_0000, byteCount: 0x20_0000)])
    }

    private func driver(size: Int) -> MockDriver {
        let driver = MockDriver(guest, size: size, at: 0x1_0000)
        for head in 0..<size {
            driver.describe(
                head, MockDescriptor(address: Self.buffer + UInt64(head), byteCount: 64))
        }
        return driver
    }

    /// Takes a chain as a call for one packet does. Its head, or nil for none.
    private func takeOne(_ ring: inout SplitRing) -> UInt16? {
        let memory = AddressSpace(guest.memory)
        let buffers = PlainBuffers(headerByteCount: 12, .deviceReads)
        guard let head = ring.nextHead(limit: 1),
            let chain = ring.plainChain(head, SingleBuffers.self, buffers, from: memory)
        else { return nil }
        ring.showPlain(chain, byteCount: 0)
        return chain.id
    }

    /// Takes a chain as a call for long packets does.
    private func takeAny(_ ring: inout SplitRing, _ segments: inout SegmentList) -> UInt16? {
        segments.removeAll()
        guard ring.refreshAvailable(limit: 1) > 0,
            case .chain(let entry) = ring.takeChain(
                .deviceReads, into: &segments, from: guest.memory)
        else { return nil }
        return entry.id
    }

    @Test("calls for one packet and for many, and goings back, take what is offered, in order")
    func mixed() throws {
        var random = FixedRandom(seed: 12)
        for size in [1, 2, 4, 8, 64] {
            let driver = driver(size: size)
            var ring = try driver.makeRing()
            var segments = try SegmentList(ringSize: size)
            let start: UInt16 = 0xfff0
            driver.start(at: start)
            ring.start(nextAvailable: start, nextUsed: start)
            var offered: [UInt16] = []
            for _ in 0..<20_000 {
                while offered.count < size, Bool.random(using: &random) {
                    offered.append(UInt16.random(in: 0..<UInt16(size), using: &random))
                    driver.offer(offered[offered.count - 1])
                }
                let expected = offered.first
                switch Int.random(in: 0..<8, using: &random) {
                case 0:
                    let mark = ring.mark
                    try #require(takeAny(&ring, &segments) == expected)
                    ring.rewind(to: mark)
                    continue
                case 1: try #require(takeAny(&ring, &segments) == expected)
                default: try #require(takeOne(&ring) == expected)
                }
                if expected != nil { offered.removeFirst() }
            }
        }
    }

    @Test("heads that were read are forgotten by whoever takes others, even after 65,536 of them")
    func wrap() throws {
        let driver = driver(size: 8)
        var ring = try driver.makeRing()
        var segments = try SegmentList(ringSize: 8)
        for head: UInt16 in 0..<4 { driver.offer(head) }
        try #require(takeOne(&ring) == 0)
        // Now three more are known. By the time the index is the same again they are others.
        var taken = 0
        while taken < 65_536 {
            if driver.availableIndex &- ring.nextAvailable < 8 { driver.offer(7) }
            try #require(takeAny(&ring, &segments) != nil)
            taken += 1
        }
        #expect(takeOne(&ring) == 7)
    }

    @Test(
        "what was offered once is not looked for again; another look finds more, or a broken ring")
    func index() throws {
        let driver = driver(size: 8)
        var ring = try driver.makeRing()
        for head: UInt16 in 0..<3 { driver.offer(head) }
        let seen = ring.estimateAvailable(limit: 2)
        let remembered = (ring.remembers(3), ring.remembers(4))
        #expect(seen == 2 && remembered == (true, false))
        driver.offer(3)
        let same = (ring.estimateAvailable(limit: 3), ring.seesMore(), ring.seesMore())
        #expect(same == (3, true, false))
        let more = ring.estimateAvailable(limit: 8)
        #expect(more == 4)
        let mark = ring.mark
        try #require(takeOne(&ring) == 0)
        driver.setAvailableIndex(100)
        let before = (ring.estimateAvailable(limit: 3), ring.isBroken)
        #expect(before == (3, false))
        let found = (ring.seesMore(), ring.isBroken, ring.estimateAvailable(limit: 1))
        #expect(found == (false, true, 0))
        ring.rewind(to: mark)
        let after = (ring.estimateAvailable(limit: 1), ring.nextHead(limit: 1) == nil)
        #expect(after == (0, true))
    }
}
