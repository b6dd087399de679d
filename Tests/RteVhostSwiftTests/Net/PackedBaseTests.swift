// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// Positions of packed rings on their way through SET_VRING_BASE and GET_VRING_BASE.
@Suite("Net: where packed rings stand")
struct PackedBaseTests {
    private let packet = [UInt8](repeating: 7, count: 60)

    private func word(_ slot: Int, _ wrap: Bool) -> UInt32 {
        UInt32(slot) | (wrap ? 0x8000 : 0)
    }

    @Test("every slot and wrap counter, with and without the used half", arguments: [1, 3, 5])
    func everyPlace(size: Int) throws {
        let net = try MockPackedNet(size: size)
        for slot in 0..<size {
            for wrap in [true, false] {
                let low = word(slot, wrap)
                for base in [low, low | low << 16] {
                    #expect(net.frontend.state(11, 1, 0) == nil)
                    _ = net.frontend.answer()
                    net.transmit.start(slot: slot, wrap: wrap)
                    let error = try net.frontend.startQueue(1, net.transmit, base: base)
                    #expect(error == nil)
                    net.send(packet, id: 0)
                    #expect(net.dequeue() == [packet] && net.transmit.pollAll().count == 1)
                    let next = word(net.transmit.nextAvailable, net.transmit.availableWrap)
                    #expect(net.frontend.state(11, 1, 0) == nil)
                    #expect(net.frontend.answer()?.words == [1, next | next << 16])
                }
            }
        }
    }

    @Test("FrontendFault.badValue: a base whose slots the ring does not have")
    func outside() throws {
        let net = try MockPackedNet(size: 5)
        for base: UInt32 in [5, 0x8005, 0x7fff, 0x0001_0005, 0x0005_0001, 0xffff_ffff] {
            #expect(net.frontend.state(11, 1, 0) == nil)
            let error = try net.frontend.startQueue(1, net.transmit, base: base)
            #expect(error == .frontend(.badValue))
            let (hasRing, offered) = net.frontend.queue(1).lock.withLock {
                (net.frontend.queue(1).value.hasRing, net.frontend.queue(1).value.size)
            }
            #expect(!hasRing && offered == 5)
        }
    }

    @Test("where a ring stood when it stopped is kept, the first slot of an even lap included")
    func restart() throws {
        for (slot, wrap) in [(0, false), (0, true), (3, false)] {
            let net = try MockPackedNet(size: 5)
            let queue = net.frontend.queue(1)
            net.transmit.start(slot: slot, wrap: wrap)
            // An application that serves the ring by itself took two chains and used none.
            var ahead = PackedPosition(bits: UInt16(word(slot, wrap)))
            ahead.advance(by: 2, size: 5)
            try queue.lock.withLock { () throws(VhostError) in
                try queue.value.setPositions(
                    available: ahead.bits, used: UInt16(word(slot, wrap)))
            }
            net.send(packet, id: 0)
            net.send(packet, id: 1)
            #expect(net.frontend.setMemory(net.guest) == nil)
            let used = queue.lock.withLock { queue.value.positions.used }
            #expect(used == UInt16(word(slot, wrap)))
            // What was only taken is offered again.
            #expect(net.dequeue() == [packet, packet])
            #expect(net.transmit.pollAll().count == 2)
        }
    }
}
