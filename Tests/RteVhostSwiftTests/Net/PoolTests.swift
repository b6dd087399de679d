// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Dispatch
import Glibc
import Testing

@testable import RteVhostSwift

@Suite("Net: packet pools")
struct PoolTests {
    @Test("every object comes once, then none; given back, all come again", arguments: [0, 1, 32])
    func exhaustion(cacheSize: Int) throws {
        let mock = try MockPool(count: 100, cacheSize: cacheSize)
        for _ in 0..<3 {
            var packets: [PacketBuffer] = []
            while let packet = mock.packet() { packets.append(packet) }
            #expect(Set(packets.map { UInt(bitPattern: $0.pointer) }).count == 100)
            #expect(mock.own.availableCount == 0)
            for packet in packets { packet.freeChain() }
            #expect(mock.own.availableCount == 100)
        }
    }

    @Test("bulk: all or none, with and without cache", arguments: [0, 8, 64])
    func bulk(cacheSize: Int) throws {
        let mock = try MockPool(count: 100, cacheSize: cacheSize)
        let objects = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: 200)
        defer { objects.deallocate() }
        // As in DPDK, a bulk larger than the cache comes from the store alone.
        let inCache = cacheSize * 3 / 2
        for count in [0, 1, 7, 8, 9, 63, 64, 65, 99, 100] where count <= 100 - inCache {
            let isTaken = mock.pool.take(count, into: objects)
            #expect(isTaken)
            #expect(Set((0..<count).map { objects[$0] }).count == count)
            #expect(mock.own.availableCount == 100 - count)
            let isMore = mock.pool.take(101 - count, into: objects + count)
            #expect(!isMore)
            mock.pool.put(count, from: objects)
            #expect(mock.own.availableCount == 100)
        }
        #expect(!mock.pool.take(101, into: objects))
    }

    @Test("four threads take and give back: no object is in two hands, none is lost")
    func threads() throws {
        let mock = try MockPool(count: 256, cacheSize: 16)
        let isWrong = UnsafeMutablePointer<Int>.allocate(capacity: 4)
        isWrong.initialize(repeating: 0, count: 4)
        defer { isWrong.deallocate() }
        let address = UInt(bitPattern: isWrong)
        let pool = UInt(bitPattern: mock.own.address)
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            var random = FixedRandom(seed: UInt64(thread + 1))
            let faults = UnsafeMutablePointer<Int>(bitPattern: address)! + thread
            let own = PacketPool(.init(bitPattern: pool)!)
            var held: [PacketBuffer] = []
            for _ in 0..<4000 {
                if Bool.random(using: &random), held.count < 60 {
                    var object: UnsafeMutableRawPointer?
                    guard own.take(1, into: &object), let object else { continue }
                    let packet = PacketBuffer(object: object)
                    packet.prepare()
                    packet.packetType = UInt32(thread + 1)
                    held.append(packet)
                } else if let packet = held.popLast() {
                    if packet.packetType != UInt32(thread + 1) { faults.pointee += 1 }
                    packet.freeChain()
                }
            }
            for packet in held { packet.freeChain() }
        }
        #expect((0..<4).map { isWrong[$0] } == [0, 0, 0, 0])
        #expect(mock.own.availableCount == 256)
    }

    @Test("VhostError.invalidArgument: counts, caches and sizes that no pool has")
    func arguments() {
        let cases: [(Int, Int, Int)] = [
            (0, 0, 0), (-1, 0, 0), (1 << 30, 0, 0), (100, -1, 0), (1000, 513, 0), (10, 8, 0),
            (100, 0, 4), (100, 0, 1),
        ]
        for (count, cacheSize, privateSize) in cases {
            let error = fault { () throws(VhostError) in
                _ = try OwnPool.create(
                    count: count, cacheSize: cacheSize, privateSize: privateSize, dataRoom: 256,
                    socket: 0)
            }
            #expect(error == .invalidArgument)
        }
    }

    @Test("names: one pool each, 25 bytes at most, free again after removal")
    func names() throws {
        func create(_ name: String?) -> VhostError? {
            fault { () throws(VhostError) in
                _ = try PoolRegistry.create(name) { () throws(VhostError) in
                    try OwnPool.create(
                        count: 1, cacheSize: 0, privateSize: 0, dataRoom: 256, socket: 0)
                }
            }
        }
        let name = String(repeating: "n", count: 25)
        #expect(create(nil) == .invalidArgument)
        #expect(create("") == .invalidArgument)
        #expect(create(name + "n") == .system(ENAMETOOLONG))
        #expect(create(name) == nil)
        #expect(create(name) == .exists)
        let pool = try #require(PoolRegistry.find(name))
        func isKnown(_ name: String?) -> Bool { PoolRegistry.find(name) != nil }
        #expect(!isKnown(name.dropLast() + "m"))
        #expect(!isKnown(nil))
        PoolRegistry.remove(pool)
        #expect(!isKnown(name))
    }

    @Test("a supply hands prepared mbufs out and gives the rest back")
    func supply() throws {
        let mock = try MockPool(count: 40)
        var supply = try PacketSupply()
        for wanted in [0, 1, 32, 39, 40, 41, 64, 1000] {
            supply.open(mock.pool, count: wanted)
            var packets: [PacketBuffer] = []
            while packets.count < 40, let packet = supply.next() { packets.append(packet) }
            #expect(packets.count == 40)
            #expect(packets.allSatisfy { $0.byteCount == 0 && $0.segmentCount == 1 })
            let isEmpty = supply.next() == nil
            #expect(isEmpty)
            supply.close()
            for packet in packets { packet.freeChain() }
            supply.open(mock.pool, count: wanted)
            supply.next()?.freeChain()
            supply.close()
            #expect(mock.own.availableCount == 40)
        }
    }

    @Test("a supply takes a batch more when the one at hand was used, and not before")
    func refill() throws {
        let mock = try MockPool(count: 100)
        var supply = try PacketSupply()
        supply.open(mock.pool, count: 100)
        #expect(supply.atHand.count == 64)
        supply.refill(36)
        #expect(supply.atHand.count == 64 && mock.own.availableCount == 36)
        var taken = (0..<64).map { supply.atHand[$0] }
        supply.drop(64)
        supply.refill(30)
        #expect(supply.atHand.count == 30 && mock.own.availableCount == 6)
        taken += (0..<30).map { supply.atHand[$0] }
        supply.drop(30)
        // Fewer than are wanted: one, and from then on whoever wants one asks for it.
        supply.refill(30)
        #expect(supply.atHand.count == 1 && mock.own.availableCount == 5)
        taken.append(supply.atHand[0])
        supply.drop(1)
        supply.refill(30)
        #expect(supply.atHand.count == 0 && mock.own.availableCount == 5)
        if let packet = supply.next() { taken.append(packet) }
        supply.close()
        #expect(Set(taken.map { UInt(bitPattern: $0.pointer) }).count == 96)
        for packet in taken {
            packet.prepare()
            packet.freeChain()
        }
        #expect(mock.own.availableCount == 100)
    }

    @Test("objects that were never made mbufs are told from an empty pool, burst by burst")
    func rawObjects() throws {
        let raw = try MockPool(count: 4)
        let empty = try MockPool(count: 4)
        var supply = try PacketSupply()
        supply.open(raw.pool, count: 4)
        for index in 0..<4 { supply.atHand[index].pointer.pointee.pool = nil }
        supply.close()
        supply.open(raw.pool, count: 4)
        #expect(supply.hasRawObjects && supply.atHand.count == 0)
        supply.close()
        #expect(raw.own.availableCount == 4)
        supply.open(empty.pool, count: 4)
        let taken = (0..<4).map { supply.atHand[$0] }
        supply.drop(4)
        supply.close()
        supply.open(empty.pool, count: 1)
        #expect(!supply.hasRawObjects && supply.atHand.count == 0)
        supply.close()
        for packet in taken {
            packet.prepare()
            packet.freeChain()
        }
    }

    @Test("a second reference keeps a segment; the last one returns the chain")
    func references() throws {
        let mock = try MockPool(count: 4)
        let packet = mock.packet([1, 2, 3, 4], cuts: [1, 1])
        let tail = packet.next!
        tail.pointer.pointee.refcnt = 2
        packet.freeChain()
        #expect(mock.own.availableCount == 3)
        #expect(tail.pointer.pointee.refcnt == 1)
        tail.freeSegment()
        #expect(mock.own.availableCount == 4)
    }

    @Test("an external buffer is freed with its last reference, and the mbuf gets its own back")
    func externalBuffer() throws {
        let mock = try MockPool(count: 1, dataRoom: 1024)
        let packet = try #require(mock.packet())
        let own = packet.room
        #expect(!packet.attachBuffer(byteCount: 65_536))
        #expect(packet.attachBuffer(byteCount: 60_000))
        #expect(packet.capacity >= 60_000)
        #expect(packet.room.base != own.base)
        #expect(packet.offloadFlags & OffloadFlags.externalBuffer != 0)
        packet.freeChain()
        #expect(mock.own.availableCount == 1)
        let again = try #require(mock.packet())
        #expect(again.room.base == own.base && again.capacity == own.count)
        #expect(again.offloadFlags == 0)
        again.freeChain()
    }
}
