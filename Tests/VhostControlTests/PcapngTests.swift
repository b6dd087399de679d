// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import VhostControl

/// Blocks of a pcapng file.
@Suite struct PcapngTests {
    private static let packet = CapturedPacket(
        bytes: [1, 2, 3, 4, 5], byteCount: 60, time: 0, lost: 0, header: VirtioNetHeader(0, 0))

    private static var blocks: [[UInt8]] {
        [
            Pcapng.section(application: "x"), Pcapng.interface(name: "name", packetBytes: 65),
            Pcapng.packet(packet, interface: 0, time: 5, isToGuest: true, lost: 3),
            Pcapng.statistics(interface: 0, time: 6, received: 1, lost: 3),
        ]
    }

    private static func word(_ bytes: [UInt8], _ at: Int) -> Int {
        (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }

    @Test func blocksHaveTheirSizeAtBothEnds() {
        for block in Self.blocks {
            #expect(block.count % 4 == 0)
            #expect(Self.word(block, 4) == block.count)
            #expect(Self.word(block, block.count - 4) == block.count)
        }
    }

    @Test func aPacketIsWhereItBelongs() {
        let block = Self.blocks[2]
        #expect(Self.word(block, 0) == 6)
        #expect(Self.word(block, 20) == 5 && Self.word(block, 24) == 60)
        #expect(Array(block[28..<36]) == [1, 2, 3, 4, 5, 0, 0, 0])
        // opt_comment.
        #expect(block[36] == 1 && block[37] == 0)
    }

    @Test func halfABlockIsNotWhole() {
        let blocks = Self.blocks
        let all = blocks.flatMap { $0 }
        var ends = [0]
        for block in blocks { ends.append(ends.last! + block.count) }
        for count in 0...all.count {
            let whole = ends.last { $0 <= count }
            #expect(Pcapng.wholeByteCount(all[...], within: count) == whole)
        }
    }

    @Test func aFileIsNoLongerThanItMayBe() throws {
        let block = Self.blocks[2]
        let file = try CaptureFile(path: "/dev/null", limit: 3 * block.count)
        #expect(file.add(block) && file.add(block))
        try file.flush()
        #expect(!file.add(block, reserve: 1))
        #expect(file.add(block))
        try file.flush()
        #expect(!file.add([0]))
        #expect(file.byteCount == 3 * block.count)
    }

    @Test func aFullDiskIsSaid() throws {
        let file = try CaptureFile(path: "/dev/full", limit: 1000)
        #expect(file.add(Self.blocks[0]))
        #expect(throws: ControlFault.self) { try file.flush() }
        #expect(throws: ControlFault.self) { try CaptureFile(path: "/nowhere/x", limit: 1) }
    }
}
