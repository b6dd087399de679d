// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

@Suite("Net: to the guest")
struct EnqueueTests {
    /// Where packets come from: mbufs that hold the longest of them.
    private let source: MockPool

    init() throws { source = try MockPool(count: 64, dataRoom: 9000) }

    /// Enqueues packets of these bytes; how many were taken. The packets are freed.
    private func enqueue(_ net: MockNet, _ packets: [[UInt8]], cuts: [Int] = []) -> Int {
        let buffers = packets.map { source.packet($0, cuts: cuts) }
        let result = net.burst(0).enqueue(MockNet.array(buffers))
        for buffer in buffers { buffer.freeChain() }
        return result.count
    }

    /// What the guest finds in places of these lengths, cut to the used length.
    private func read(
        _ net: MockNet, _ places: [UInt64], _ lengths: [Int], _ used: Int
    ) -> [UInt8] {
        let all = zip(places, lengths).flatMap { net.guest.read($1, at: $0) }
        return Array(all.prefix(used))
    }

    @Test("one chain: header, then the bytes, however both sides are cut")
    func single() throws {
        let net = try MockNet()
        let plain: [UInt8] = [UInt8](repeating: 0, count: 10) + [1, 0]
        for count in [1, 60, 1500, 4000] {
            for lengths in [[5000], [12, 4988], [13, 1, 4986], [100, 12, 4888], [12, 0, 4988]] {
                for cuts in [[], [count / 2]] {
                    let index = net.receive.usedIndex
                    let places = net.offer(net.receive, head: 0, lengths: lengths)
                    #expect(enqueue(net, [pattern(count)], cuts: cuts) == 1)
                    let used = net.receive.usedEntry(index)
                    #expect(used.id == 0 && used.byteCount == UInt32(count + 12))
                    let found = read(net, places, lengths, count + 12)
                    #expect(found == plain + pattern(count))
                }
            }
        }
        #expect(source.own.availableCount == 64)
    }

    @Test("other memory between two bursts: nothing is written where the first found its chain")
    func movedMemory() throws {
        for lengths in [[200], [12, 188], [5, 7, 188], [12, 20, 168]] {
            let net = try MockNet()
            net.offer(net.receive, head: 0, lengths: lengths)
            let places = net.offer(net.receive, head: 8, lengths: lengths)
            #expect(enqueue(net, [pattern(100)]) == 1)
            let old = zip(places, lengths).flatMap { net.guest.read($1, at: $0) }
            let other = try net.moveMemory()
            #expect(enqueue(net, [pattern(100, 3)]) == 1)
            let found = zip(places, lengths).flatMap { other.read($1, at: $0) }
            #expect(Array(found.dropFirst(12).prefix(100)) == pattern(100, 3))
            #expect(read(net, places, lengths, 200) == old)
        }
    }

    @Test("MRG_RXBUF: as many chains as it takes, num_buffers says how many")
    func mergeable() throws {
        let net = try MockNet(features: Feature.version1 | Feature.mergeableBuffers)
        for count in [1, 88, 89, 188, 189, 1000, 1588] {
            let index = net.receive.usedIndex
            var places: [UInt64] = []
            for head in 0..<16 { places += net.offer(net.receive, head: head, lengths: [100]) }
            let chains = (count + 12 + 99) / 100
            #expect(enqueue(net, [pattern(count)]) == 1)
            #expect(net.receive.usedIndex &- index == UInt16(chains))
            let bytes = read(net, places, [Int](repeating: 100, count: 16), count + 12)
            #expect(Array(bytes.dropFirst(12)) == pattern(count))
            #expect(bytes[10...11] == [UInt8(chains), 0])
            for chain in 0..<chains {
                let used = net.receive.usedEntry(index &+ UInt16(chain))
                #expect(used.id == UInt32(chain))
                #expect(used.byteCount == UInt32(min(100, count + 12 - chain * 100)))
            }
            // The rest is taken by small packets, so that the next round begins with none.
            #expect(enqueue(net, [[UInt8]](repeating: [1], count: 16 - chains)) == 16 - chains)
        }
    }

    @Test("too little room: nothing is taken, and the chains serve the next packet")
    func noRoom() throws {
        for features in [Feature.version1, Feature.version1 | Feature.mergeableBuffers] {
            let net = try MockNet(features: features)
            net.offer(net.receive, head: 3, lengths: [100])
            #expect(enqueue(net, [pattern(89)]) == 0)
            #expect(net.receive.usedIndex == 0)
            #expect(enqueue(net, [pattern(88)]) == 1)
            #expect(net.receive.usedEntry(0).id == 3)
        }
    }

    @Test("ChainFault: bad chains go back unused with length 0, the packet takes the next one")
    func faults() throws {
        let spoilers: [(MockNet) -> Void] = [
            { $0.offer($0.receive, head: 2, lengths: [100], isWritable: false) },
            { $0.offer($0.receive, head: 2, lengths: [11]) },
            { $0.offer($0.receive, head: 2, lengths: [0]) },
            { net in
                net.receive.describe(
                    2, MockDescriptor(address: 1, byteCount: 9, flags: MockDescriptor.write))
                net.receive.offer(2)
            },
        ]
        for (number, spoil) in spoilers.enumerated() {
            let net = try MockNet()
            spoil(net)
            net.offer(net.receive, head: 9, lengths: [100])
            #expect(enqueue(net, [pattern(50)]) == 1)
            let used = (net.receive.usedEntry(0), net.receive.usedEntry(1))
            #expect(used.0.id == 2 && used.0.byteCount == 0)
            #expect(used.1.id == 9 && used.1.byteCount == 62)
            let found = net.statistics(0)
            let counts = [found.direction, found.short, found.short, found.unmapped]
            #expect(counts[number] == 1)
        }
    }

    @Test("a burst stops where the guest's chains end; the packets stay the caller's")
    func partial() throws {
        let net = try MockNet()
        for head in 0..<3 { net.offer(net.receive, head: head, lengths: [100]) }
        #expect(enqueue(net, (0..<5).map { pattern(50, $0) }) == 3)
        #expect(net.receive.usedIndex == 3)
        #expect(source.own.availableCount == 64)
    }

    @Test("MRG_RXBUF: a first chain of exactly the header's size is room enough for it")
    func headerAlone() throws {
        let net = try MockNet(features: Feature.version1 | Feature.mergeableBuffers)
        let first = net.offer(net.receive, head: 0, lengths: [12])[0]
        let second = net.offer(net.receive, head: 1, lengths: [100])[0]
        #expect(enqueue(net, [pattern(60)]) == 1)
        #expect(net.receive.usedIndex == 2)
        #expect(net.guest.read(12, at: first)[10...11] == [2, 0])
        #expect(net.guest.read(60, at: second) == pattern(60))
    }
}
