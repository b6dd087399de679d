// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import VhostControl

/// What people read.
@Suite struct ReportTests {
    private static func text(_ changes: [(String, String)] = []) throws -> String {
        Report(show: try Answers.look(changes, time: 5_000_000_000)).text
    }

    private static let region =
        "\"memory\":[{\"guest\":\"0x0\",\"frontend\":\"0x1\",\"host\":\"0x2\",\"size\":\"0x1000\"}]"

    @Test func memoryThatCannotBeReadIsUnknown() throws {
        #expect(try Self.text().contains("    memory: 1 regions\n"))
        let unknown = try Self.text([(Self.region, "\"memory\":null")])
        #expect(unknown.contains("    memory: unknown\n") && !unknown.contains("regions"))
        #expect(try Self.text([(Self.region, "\"memory\":[]")]).contains("memory: 0 regions\n"))
    }

    @Test func aConnectionHasItsNumber() throws {
        #expect(try Self.text().contains("20 messages, 0 refused\n"))
        let numbered = try Self.text([
            ("\"device\":0,", "\"device\":0,\"connection\":123,")
        ])
        #expect(numbered.contains("20 messages, 0 refused, connection 123\n"))
    }

    /// How the last connection ended, what had been refused on it, and why there was none since.
    @Test func endsAndRefusalsAreTold() throws {
        let end = """
            "connections":1,"last_end":{"time_ns":2000000000,"device":0,\
            "last_message":"SET_OWNER","last_refused":{"name":"SET_VRING_NUM",\
            "time_ns":1000000000,"bytes":8,"error":"value out of range"}},\
            "last_refusal":{"time_ns":4000000000,"error":"uid 5 may not"}
            """
        let text = try Self.text([("\"connections\":1", end)])
        #expect(
            text.contains(
                """
                  last connection ended 3000 ms ago, after SET_OWNER: closed by the frontend
                    last refused: 4000 ms ago SET_VRING_NUM: value out of range
                  last peer was refused 1000 ms ago: uid 5 may not

                """))
        let client = ("\"role\":\"server\"", "\"role\":\"client\"")
        let attempts = try Self.text([("\"connections\":1", end), client])
        #expect(attempts.contains("  last attempt failed 1000 ms ago: uid 5 may not\n"))
    }
}
