// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Net: to the guest, packed rings")
struct PackedEnqueueTests {
    private let source: MockPool

    init() throws { source = try MockPool(count: 64, dataRoom: 9000) }

    /// Enqueues packets of these bytes; how many were taken. The packets are freed.
    private func enqueue(_ net: MockPackedNet, _ packets: [[UInt8]], cuts: [Int] = []) -> Int {
        let buffers = packets.map { source.packet($0, cuts: cuts) }
        let result = net.burst(0).enqueue(MockNet.array(buffers))
        for buffer in buffers { buffer.freeChain() }
        return result.count
    }

    /// A chain that the guest offered: where it lies, and how long its buffers are.
    private struct Room {
        var places: [UInt64]
        var lengths: [Int]
    }

    /// Offers random rooms while there are slots; bad ones among them.
    private func offer(
        _ net: MockPackedNet, _ rooms: inout [UInt16: Room], _ random: inout FixedRandom
    ) {
        while net.receive.free >= 3, Int.random(in: 0..<16, using: &random) > 0 {
            let id = net.receive.freeID
            switch Int.random(in: 0..<16, using: &random) {
            case 0: net.offer(net.receive, id: id, lengths: [100], isWritable: false)
            case 1:
                // Too short for a header, but room for the end of a packet.
                let places = net.offer(net.receive, id: id, lengths: [11])
                rooms[id] = Room(places: places, lengths: [11])
            case 2: net.receive.offer([.init(address: 1, byteCount: 9, flags: 2)], id: id)
            case 3...6:
                let lengths = [[12, 800], [13, 1, 700], [300, 400]].randomElement(using: &random)!
                let places = net.offer(
                    net.receive, id: id, lengths: lengths,
                    isIndirect: Bool.random(using: &random))
                rooms[id] = Room(places: places, lengths: lengths)
            default:
                let places = net.offer(net.receive, id: id, lengths: [400])
                rooms[id] = Room(places: places, lengths: [400])
            }
        }
    }

    /// Packets that the guest finds in what is used; bad chains come back with length 0.
    private func receive(_ net: MockPackedNet, _ rooms: inout [UInt16: Room]) -> [[UInt8]] {
        var packets: [[UInt8]] = []
        var used = net.receive.pollAll()[...]
        while let first = used.popFirst() {
            var bytes: [UInt8] = []
            var entry = first
            var left = 0
            while true {
                #expect(entry.isWritten == (entry.byteCount > 0))
                guard entry.byteCount > 0, let room = rooms.removeValue(forKey: entry.id) else {
                    #expect(left == 0 && (entry.byteCount == 0))
                    rooms[entry.id] = nil
                    break
                }
                let all = zip(room.places, room.lengths).flatMap { net.guest.read($1, at: $0) }
                let isFirst = bytes.isEmpty
                bytes += all.prefix(Int(entry.byteCount))
                if isFirst { left = Int(bytes[10]) + Int(bytes[11]) * 256 }
                left -= 1
                guard left > 0, let next = used.popFirst() else { break }
                entry = next
            }
            #expect(left == 0)
            if !bytes.isEmpty { packets.append(Array(bytes.dropFirst(12))) }
        }
        return packets
    }

    @Test("random rooms and packets, mergeable or not, at every start", arguments: [3, 5, 8, 16])
    func mixed(size: Int) throws {
        for slot in 0..<size {
            for features in [Feature.version1, Feature.version1 | Feature.mergeableBuffers] {
                let net = try MockPackedNet(
                    features: features, size: size, start: (slot, slot & 1 == 1))
                var random = FixedRandom(seed: UInt64(size * 100 + slot))
                var rooms: [UInt16: Room] = [:]
                var sent: [[UInt8]] = []
                var found: [[UInt8]] = []
                for round in 0..<30 {
                    offer(net, &rooms, &random)
                    let isLong = features != Feature.version1 && size > 3
                    let packets = (0..<Int.random(in: 1...9, using: &random)).map { index in
                        pattern(
                            [1, 60, 388, isLong ? 389 : 300].randomElement(using: &random)!,
                            round * 16 + index)
                    }
                    let cuts = round & 3 == 0 ? [1] : []
                    let usable = packets.filter { $0.count > 1 || cuts.isEmpty }
                    let taken = enqueue(net, usable, cuts: cuts)
                    sent += usable.prefix(taken)
                    found += receive(net, &rooms)
                }
                #expect(found == sent && found.count > 10)
                #expect(source.own.availableCount == 64)
            }
        }
    }

    @Test("four packets at once, and where one of them is no batch", arguments: 0..<4)
    func batches(odd: Int) throws {
        for kind in 0..<3 {
            let net = try MockPackedNet(size: 5)
            var places: [UInt64] = []
            for id in 0..<5 {
                let isOdd = kind == 0 && id == odd
                places += net.offer(net.receive, id: UInt16(id), lengths: [100], isIndirect: isOdd)
            }
            let packets = (0..<5).map { index in
                source.packet(
                    pattern(index == odd && kind == 1 ? 89 : 60, index),
                    cuts: index == odd && kind == 2 ? [30] : [])
            }
            let result = net.burst(0).enqueue(MockNet.array(packets))
            for packet in packets { packet.freeChain() }
            // 89 bytes and a header do not fit: the burst ends there.
            let expected = kind == 1 ? odd : 5
            #expect(result.count == expected)
            let used = net.receive.pollAll()
            #expect(used.map(\.id) == (0..<UInt16(expected)).map { $0 })
            #expect(used.allSatisfy { $0.byteCount == 72 && $0.isWritten })
            for index in 0..<expected {
                #expect(net.guest.read(60, at: places[index] + 12) == pattern(60, index))
            }
            let counted = net.statistics(0).packets
            #expect(counted == UInt64(expected))
        }
    }
}
