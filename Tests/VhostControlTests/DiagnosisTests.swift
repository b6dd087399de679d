// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import VhostControl

/// Each cause from what shows it, and no other.
@Suite struct DiagnosisTests {
    private static func causes(
        _ before: [(String, String)], _ after: [(String, String)]? = nil
    ) throws -> Set<String> {
        let findings = Diagnosis(
            before: try Answers.look(before), after: try Answers.look(after ?? before)
        ).findings
        return Set(findings.map(\.cause))
    }

    @Test func nothingIsWrongWithWhatWorks() throws {
        #expect(try Self.causes([]).isEmpty)
    }

    @Test(arguments: [
        ("\"state\":\"started\"", "\"state\":\"closing\"", "socket-not-started"),
        ("\"draining\":false", "\"draining\":true", "engine-stuck"),
        ("\"status\":7", "\"status\":3", "driver-not-ready"),
        (
            "\"names\":[\"VIRTIO_F_VERSION_1\",41]", "\"names\":[\"VIRTIO_F_ACCESS_PLATFORM\"]",
            "no-backend-channel"
        ),
        (
            "\"missing\":[]},\"protocol", "\"missing\":[\"VIRTIO_NET_F_MRG_RXBUF\"]},\"protocol",
            "feature-missing"
        ),
        ("\"size\":256", "\"size\":0", "ring-not-set-up"),
        ("\"kick\":\"present\"", "\"kick\":\"missing\"", "no-kick"),
        ("\"call\":\"present\"", "\"call\":\"missing\"", "no-call"),
        ("\"enabled\":true", "\"enabled\":false", "ring-not-enabled"),
        ("\"started\":true", "\"started\":false", "ring-not-started"),
        ("\"awaits_translation\":false", "\"awaits_translation\":true", "iotlb-unanswered"),
        ("\"broken\":false", "\"broken\":true", "ring-broken"),
        ("\"paused\":false", "\"paused\":true", "engine-stuck"),
        ("\"copying\":0", "\"copying\":9", "engine-stuck"),
        ("\"available\":250", "\"available\":0", "guest-has-no-buffers"),
        ("\"available\":0", "\"available\":4", "application-does-not-poll"),
        (
            "\"last_messages\"",
            "\"last_refused\":{\"name\":\"X\",\"time_ns\":1},\"last_messages\"",
            "message-refused"
        ),
    ])
    func aStateHasItsCause(_ old: String, _ new: String, _ cause: String) throws {
        #expect(try Self.causes([(old, new)]) == [cause])
    }

    /// Why there is no connection, and how the last one ended, are two things.
    @Test func refusalsDoNotHideTheEnd() throws {
        let end = "\"last_end\":{\"time_ns\":5,\"error\":\"value out of range\"}"
        let refusal = "\"last_refusal\":{\"time_ns\":9,\"error\":\"uid 5 may not\"}"
        func causes(_ ends: String, role: String = "server") throws -> Set<String> {
            // No device of the socket is there.
            try Self.causes([
                ("\"connections\":1", "\"connections\":1,\(ends)"),
                ("\"device\":0,\"socket\":\"/s\"", "\"device\":0,\"socket\":\"/t\""),
                ("\"role\":\"server\"", "\"role\":\"\(role)\""),
            ])
        }
        #expect(try causes(end) == ["connection-lost"])
        #expect(try causes(refusal) == ["peer-refused"])
        #expect(try causes("\(end),\(refusal)") == ["connection-lost", "peer-refused"])
        #expect(
            try causes("\(end),\(refusal)", role: "client")
                == ["connection-lost", "nobody-connected"])
        // A connection that came to be since makes an older refusal history.
        let older = refusal.replacing("9", with: "1")
        #expect(try causes("\(end),\(older)") == ["connection-lost"])
    }

    @Test(arguments: [
        ("\"pool_empty\":0", "\"pool_empty\":1", "pool-empty"),
        ("\"dropped_short\":0", "\"dropped_short\":8", "drops"),
        ("\"engine_errors\":0", "\"engine_errors\":1", "engine-errors"),
    ])
    func whatGrowsHasItsCause(_ old: String, _ new: String, _ cause: String) throws {
        #expect(try Self.causes([], [(old, new)]) == [cause])
        // What happened before is over.
        #expect(try Self.causes([(old, new)]).isEmpty)
    }

    @Test func memoryThatIsNotThereIsMissed() throws {
        let region =
            "[{\"guest\":\"0x0\",\"frontend\":\"0x1\",\"host\":\"0x2\",\"size\":\"0x1000\"}]"
        #expect(try Self.causes([(region, "[]")]) == ["no-memory"])
        #expect(try Self.causes([(region, "null")]).isEmpty)
    }

    @Test func whatMovesIsNotStuck() throws {
        let moves = ("\"packets\":100", "\"packets\":101")
        let copies = ("\"copying\":0", "\"copying\":9")
        #expect(try Self.causes([copies], [copies, moves]).isEmpty)
        let waits = ("\"available\":0", "\"available\":4")
        #expect(try Self.causes([waits], [waits, moves]).isEmpty)
    }

    @Test func aLineNamesThePlace() throws {
        let broken = ("\"enabled\":true", "\"enabled\":false")
        let snapshot = try Answers.look([broken])
        let findings = Diagnosis(before: snapshot, after: snapshot).findings
        #expect(findings.count == 2)
        #expect(findings[1].line.hasPrefix("problem: /s, device 0, ring 1: not enabled"))
        #expect(findings[1].line.hasSuffix("[ring-not-enabled]"))
    }
}
