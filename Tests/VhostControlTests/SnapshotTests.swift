// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import VhostControl

/// Answers that are understood, and others.
@Suite struct SnapshotTests {
    @Test func anAnswerIsUnderstood() throws {
        let snapshot = try Answers.look()
        #expect(snapshot.process == 7)
        let device = try #require(snapshot.devices?.first)
        #expect(device.features?.names.map(\.text) == ["VIRTIO_F_VERSION_1", "bit 41"])
        let ring = try #require(device.rings?.last)
        #expect(!ring.isToGuest && ring.counter("packets") == 100 && ring.counter("none") == 0)
        #expect(ring.nextAvailable.description == "5")
    }

    @Test func aPackedPositionHasItsCounter() throws {
        let packed = ("\"next_used\":5", "\"next_used\":{\"slot\":3,\"wrap_counter\":1}")
        #expect(try Answers.look([packed]).devices?[0].rings?[0].nextUsed.description == "3/1")
    }

    @Test func halfAnAnswerIsNone() {
        let whole = Answers.healthy()
        for count in [0, 1, 100, whole.count - 1] {
            #expect(throws: ControlFault.cut) {
                try Snapshot(json: String(whole.prefix(count)))
            }
        }
    }

    @Test func whatIsNoAnswerIsSaid() {
        #expect(throws: ControlFault.otherVersion(2)) { try Snapshot(json: "{\"protocol\":2}\n") }
        #expect(throws: ControlFault.refused("no")) {
            try Snapshot(json: "{\"protocol\":1,\"error\":\"no\"}\n")
        }
        for text in ["{}\n", "{\"protocol\":\"1\"}\n", "{\"a\"}\n", "\u{0}}\n"] {
            #expect(throws: ControlFault.self) { try Snapshot(json: text) }
        }
    }

    @Test func nobodyThereIsSaidInWords() {
        let client = ControlClient(path: "/nowhere/at/all")
        #expect(throws: ControlFault.system("no such socket", path: "/nowhere/at/all")) {
            try client.ask("list")
        }
        let long = String(repeating: "x", count: 200)
        #expect(throws: ControlFault.self) { try ControlClient(path: long).ask("list") }
    }
}
