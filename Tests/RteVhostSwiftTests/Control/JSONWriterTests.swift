// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Foundation
import Testing

@testable import RteVhostSwift

/// JSON as other readers of it take it.
@Suite struct JSONWriterTests {
    /// What is in a writer.
    private static func text(_ writer: borrowing JSONWriter) -> String {
        let pending = writer.pending
        return String(decoding: (0..<pending.count).map { pending[$0] }, as: UTF8.self)
    }

    @Test func commasStandBetweenValuesAlone() throws {
        var writer = try JSONWriter()
        writer.openObject()
        writer.add("a", UInt64.max)
        writer.add("b", -5)
        writer.openArray("c")
        writer.openObject()
        writer.add("d", true)
        writer.closeObject()
        writer.openObject()
        writer.closeObject()
        writer.add(nil, words: "e")
        writer.addNull(nil)
        writer.closeArray()
        writer.add("f", hex: 0)
        writer.add("g", hex: 0xdead_beef)
        writer.closeObject()
        writer.endLine()
        let text = Self.text(writer)
        #expect(
            text == """
                {"a":18446744073709551615,"b":-5,"c":[{"d":true},{},"e",null],"f":"0x0","g":"0xdeadbeef"}

                """)
    }

    @Test(
        arguments: [
            [0x2f, 0x22, 0x5c, 0x0a, 0x7f, 0x61], [0x01, 0x1f, 0xc3, 0xbc], [0xff, 0x80],
        ] as [[UInt8]])
    func anyPathIsAString(_ bytes: [UInt8]) throws {
        var path = SocketPath()
        for byte in bytes { _ = path.append(byte) }
        var writer = try JSONWriter()
        writer.openArray()
        writer.add(nil, path)
        writer.closeArray()
        let data = Data(Self.text(writer).utf8)
        let strings = try JSONDecoder().decode([String].self, from: data)
        #expect(strings[0].unicodeScalars.map { $0.value } == bytes.map { UInt32($0) })
    }

    @Test func whatDoesNotFitIsNoAnswer() throws {
        var writer = try JSONWriter()
        for _ in 0..<JSONWriter.capacity { writer.add(byte: 0x20) }
        let (before, room) = (writer.hasOverflowed, writer.room)
        #expect(!before && room == 0)
        writer.add(byte: 0x20)
        let after = writer.hasOverflowed
        #expect(after)
        writer.drop(10)
        let rest = writer.pending.count
        #expect(rest == JSONWriter.capacity - 10)
        writer.drop(JSONWriter.capacity - 10)
        let all = writer.room
        #expect(all == JSONWriter.capacity)
    }

    /// Every feature has its name in the answer, and the largest step fits.
    @Test func theLargestStepFits() throws {
        var writer = try JSONWriter()
        var path = SocketPath()
        while path.append(0xff) {}
        writer.openObject()
        writer.add("path", path)
        writer.openArray("names")
        for bit in 0..<64 {
            if let name = FeatureNames.feature(bit) { writer.add(nil, words: name) }
        }
        for bit in 0..<64 {
            if let name = FeatureNames.protocolFeature(bit) { writer.add(nil, words: name) }
        }
        writer.closeArray()
        writer.closeObject()
        let count = writer.pending.count
        #expect(count < ControlAnswer.stepRoom / 2)
        let text = Self.text(writer)
        #expect(text.contains("VIRTIO_F_RING_PACKED"))
    }
}
