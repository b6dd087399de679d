// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Glibc
import Synchronization
import Testing

@testable import RteVhostSwift

/// Packets by size and receivers, counted in bursts, beside a model.
@Suite("Device: packets by size and receivers")
struct PacketClassesTests {
    private static let sizes = [
        0, 1, 5, 6, 60, 63, 64, 65, 127, 128, 255, 256, 1024, 1518, 1519, 9000,
    ]
    private static let destinations: [UInt64] = [
        0x0100_0000_0002, 0xffff_ffff_fffe, 0x0100_005e_0001, 0xffff_ffff_ffff,
    ]

    @Test("Every size is in the class that its name says")
    func classes() {
        let limits = [63, 64, 127, 255, 511, 1023, 1518]
        for byteCount in 0...3_000 {
            let expected = limits.firstIndex { byteCount <= $0 } ?? limits.count
            #expect(PacketClasses.sizeClass(byteCount) == expected)
        }
    }

    @Test("Destinations: one station, several, all, and a frame too short for any")
    func destinations() {
        var classes = PacketClasses()
        classes.count(byteCount: 60, destination: 0x0100_0000_0002)
        classes.count(byteCount: 60, destination: 0x0100_005e_0001)
        classes.count(byteCount: 60, destination: 0xffff_ffff_ffff)
        classes.count(byteCount: 4, destination: nil)
        #expect(classes.multicast == 1)
        #expect(classes.broadcast == 1)
        #expect(classes.sizes[0] == 4)
    }

    @Test("Loops over equal and over mixed packets: each is counted once, in its class")
    func random() throws {
        var random = FixedRandom(seed: 5)
        let net = try MockNet()
        let source = try MockPool(count: 4, dataRoom: 9500)
        var sizes = [UInt64](repeating: 0, count: 8)
        var (multicast, broadcast): (UInt64, UInt64) = (0, 0)
        var (packetCount, byteCount): (UInt64, UInt64) = (0, 0)
        for _ in 0..<5_000 {
            var size = Self.sizes.randomElement(using: &random)!
            var destination = Self.destinations[0]
            let isMixed = Bool.random(using: &random)
            var packets: [(Int, UInt64)] = []
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                if isMixed {
                    size = Self.sizes.randomElement(using: &random)!
                    destination = Self.destinations.randomElement(using: &random)!
                }
                packets.append((size, destination))
                sizes[PacketClasses.sizeClass(size)] += 1
                packetCount += 1
                byteCount += UInt64(size)
                guard size >= 6, destination & 1 != 0 else { continue }
                if destination == 0xffff_ffff_ffff { broadcast += 1 } else { multicast += 1 }
            }
            Self.count(packets, from: source, by: net.burst(1))
        }
        let classes = net.statistics(1).classes
        for index in 0..<8 { #expect(classes.sizes[index] == sizes[index]) }
        #expect(classes.multicast == multicast)
        #expect(classes.broadcast == broadcast)
        #expect(classes.packets == packetCount)
        #expect(classes.bytes == byteCount)
    }

    /// As a loop does.
    private static func count(
        _ packets: [(size: Int, to: UInt64)], from source: MockPool, by burst: QueueBurst
    ) {
        var sight = PacketSight(burst.queue.value.statistics.classes)
        for (index, packet) in packets.enumerated() {
            var bytes = (0..<8).map { UInt8(truncatingIfNeeded: packet.to >> ($0 * 8)) }
            bytes += [UInt8](repeating: 0xff, count: 9000)
            let buffer = source.packet(Array(bytes.prefix(packet.size)))
            if !sight.isCommon(buffer.data) { burst.count(buffer, index, &sight) }
            buffer.freeChain()
        }
        burst.count(upTo: packets.count, sight)
    }

    @Test("A packet without bytes is one, and not the size of the next")
    func empty() {
        var classes = PacketClasses()
        classes.count(byteCount: 0, destination: nil)
        classes.add(common: 2)
        #expect(classes.packets == 3)
        #expect(classes.bytes == 2 * UInt64(classes.commonByteCount))
        #expect(classes.sizes[0] == 1)
        #expect(classes.commonByteCount > 0)
    }

    /// Counts in a thread of its own, runs of equal packets and single ones of another size.
    private final class Writer: Sendable {
        let cell: HeapCell<PacketClasses>
        let isStopped = Atomic<Bool>(false)
        init(_ cell: HeapCell<PacketClasses>) { self.cell = cell }

        func run() {
            while !isStopped.load(ordering: .relaxed) {
                for size in [64, 1518, 64, 9000] {
                    cell.value.count(byteCount: size, destination: nil)
                    for _ in 0..<50 { cell.value.add(common: 32) }
                }
            }
        }
    }

    @Test("Who looks without the lock sees numbers that only grow")
    func looks() throws {
        let writer = Writer(try HeapCell(PacketClasses()))
        let words = HeapCell<PacketClasses>.imageWordCount
        let scratch = try FixedBuffer<UInt64>(count: words, repeating: 0)
        var thread = pthread_t()
        let status = pthread_create(
            &thread, nil,
            { argument in
                Unmanaged<Writer>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(writer).toOpaque())
        try #require(status == 0)
        var last: (packets: UInt64, bytes: UInt64) = (0, 0)
        var (backwards, changes) = (0, 0)
        for _ in 0..<300_000 {
            let now = writer.cell.withImage(scratch) { ($0.packets, $0.bytes) }
            if now.0 < last.packets || now.1 < last.bytes { backwards += 1 }
            if now.0 != last.packets { changes += 1 }
            last = now
        }
        writer.isStopped.store(true, ordering: .relaxed)
        pthread_join(thread, nil)
        #expect(backwards == 0)
        #expect(changes > 10)
        let end = (writer.cell.value.packets, writer.cell.value.bytes)
        #expect(end.0 >= last.packets && end.1 >= last.bytes)
    }
}
