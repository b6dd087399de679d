// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// Random histories of the FIFO against an array that is obviously right.
@Suite("Net: packets in flight")
struct InflightPacketsTests {
    /// What the reference knows of an entry.
    private struct Expected {
        var ids: [UInt16]
        var hasPacket: Bool
        var isAccepted = false
        var isComplete: Bool
        var isHandedOut = false
        var isWritten = false
    }

    /// The FIFO under test beside its reference.
    private struct Model: ~Copyable {
        var fifo: InflightPackets
        var ring = RecordingRing()
        var entries: [Expected] = []
        var written: [UInt16] = []
        var nextID: UInt16 = 0
        let capacity: Int
        let pool: MockPool
        var packets: [PacketBuffer]

        init(ringSize: Int) throws {
            let pool = try MockPool(count: 1)
            let fifo = try InflightPackets(ringSize: ringSize)
            self.fifo = fifo
            self.pool = pool
            capacity = ringSize
            packets = [pool.packet()!]
        }

        /// Pushes an entry of so many chains; false when there is no room for it.
        mutating func push(chains: Int, hasPacket: Bool, isComplete: Bool) -> Bool {
            let room = fifo.room
            let usedRoom = fifo.usedRoom
            guard room > 0, usedRoom >= chains else { return false }
            var ids: [UInt16] = []
            for _ in 0..<chains {
                fifo.pushUsed(UsedEntry(id: nextID, descriptorCount: 1, byteCount: 0))
                ids.append(nextID)
                nextID &+= 1
            }
            var record = InflightPacket(packet: hasPacket ? packets[0] : nil)
            record.usedCount = UInt16(chains)
            record.isComplete = isComplete
            record.fault = hasPacket ? nil : .badChain
            fifo.push(record)
            entries.append(Expected(ids: ids, hasPacket: hasPacket, isComplete: isComplete))
            return true
        }

        /// The engine takes the first `count` of the packets that wait for it; the rest is undone.
        mutating func submit(_ count: Int) {
            let waiting = entries.indices.filter {
                !entries[$0].isComplete && !entries[$0].isAccepted
            }
            let taken = min(count, waiting.count)
            fifo.accept(taken)
            for index in waiting.prefix(taken) { entries[index].isAccepted = true }
            guard taken < waiting.count else { return }
            while entries.count > waiting[taken] {
                let record = fifo.removeLast()
                let last = entries.removeLast()
                if (record.packet != nil) != last.hasPacket { Issue.record("another entry") }
                nextID &-= UInt16(last.ids.count)
            }
        }

        /// The engine reports completions.
        mutating func complete(_ count: Int) {
            fifo.complete(count)
            let flying = entries.indices.filter {
                entries[$0].isAccepted && !entries[$0].isComplete
            }
            for index in flying.prefix(count) { entries[index].isComplete = true }
        }

        /// The application fetches at most `limit` packets; or the control plane settles.
        mutating func handOut(limit: Int, isRelaxed: Bool, keepsPackets: Bool) {
            var count = 0
            var sequence = fifo.head
            for index in entries.indices {
                if entries[index].isComplete {
                    if entries[index].hasPacket, !entries[index].isHandedOut, !keepsPackets {
                        guard count < limit else { break }
                        fifo.takePacket(sequence)
                        entries[index].isHandedOut = true
                        count += 1
                    }
                    _ = fifo.writeUsed(sequence, into: &ring)
                    if !entries[index].isWritten { written += entries[index].ids }
                    entries[index].isWritten = true
                } else if !isRelaxed {
                    break
                }
                sequence &+= 1
            }
            guard !keepsPackets else { return }
            fifo.dropFront()
            while let first = entries.first, first.isComplete, first.isWritten,
                first.isHandedOut || !first.hasPacket
            {
                entries.removeFirst()
            }
        }

        /// True when both agree.
        var isConsistent: Bool {
            let used = entries.reduce(0) { $0 + $1.ids.count }
            let packetCount = entries.filter { $0.hasPacket && !$0.isHandedOut }.count
            let flying = entries.filter { $0.isAccepted && !$0.isComplete }.count
            return fifo.count == entries.count && fifo.room == capacity - entries.count
                && fifo.usedRoom == capacity - used && fifo.packetCount == packetCount
                && fifo.engineCount == flying && ring.put.map(\.id) == written
        }
    }

    @Test(
        "random histories: strict and relaxed order, refusals, settling",
        arguments: [1, 2, 3, 8, 64], [false, true])
    func histories(ringSize: Int, isRelaxed: Bool) throws {
        for seed in 1...20 {
            var random = FixedRandom(seed: UInt64(seed * 1000 + ringSize))
            var model = try Model(ringSize: ringSize)
            for step in 0..<300 {
                switch Int.random(in: 0..<6, using: &random) {
                case 0, 1:
                    let count = Int.random(in: 0...4, using: &random)
                    for _ in 0..<count {
                        let kind = Int.random(in: 0..<4, using: &random)
                        let chains = Int.random(in: 1...3, using: &random)
                        _ = model.push(chains: chains, hasPacket: kind > 0, isComplete: kind < 2)
                    }
                    let refuses = Int.random(in: 0..<4, using: &random) == 0
                    model.submit(refuses ? Int.random(in: 0...count, using: &random) : count)
                case 2, 3:
                    model.complete(Int.random(in: 0...5, using: &random))
                case 4:
                    model.handOut(
                        limit: Int.random(in: 0...4, using: &random), isRelaxed: isRelaxed,
                        keepsPackets: false)
                default:
                    model.handOut(limit: 0, isRelaxed: false, keepsPackets: true)
                }
                let isConsistent = model.isConsistent
                guard isConsistent else {
                    Issue.record("seed \(seed), step \(step)")
                    return
                }
            }
        }
    }

    @Test("a ring that was taken away gets no used entries, and the FIFO empties all the same")
    func withoutRing() throws {
        var model = try Model(ringSize: 4)
        let isPushed = model.push(chains: 2, hasPacket: true, isComplete: true)
        #expect(isPushed)
        model.ring.size = 0
        let didWrite = model.fifo.writeUsed(model.fifo.head, into: &model.ring)
        model.fifo.takePacket(model.fifo.head)
        model.fifo.dropFront()
        let rest = model.fifo.count
        let room = model.fifo.usedRoom
        #expect(!didWrite && rest == 0 && room == 4)
    }

    @Test("entries taken back after their completion do not hide the ones that follow")
    func takenBack() throws {
        var model = try Model(ringSize: 8)
        for _ in 0..<3 { _ = model.push(chains: 1, hasPacket: true, isComplete: false) }
        model.submit(3)
        model.complete(3)
        for _ in 0..<3 {
            _ = model.fifo.removeLast()
            model.entries.removeLast()
        }
        for _ in 0..<2 { _ = model.push(chains: 1, hasPacket: true, isComplete: false) }
        model.submit(2)
        model.complete(1)
        model.handOut(limit: 8, isRelaxed: false, keepsPackets: false)
        let isConsistent = model.isConsistent
        let left = model.fifo.packetCount
        #expect(isConsistent && left == 1)
    }
}
