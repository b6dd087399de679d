// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import VhostControl

/// Rates, and how they are shown.
@Suite struct RateTableTests {
    @Test func ratesArePerSecond() throws {
        let before = try Answers.look()
        let moves = [
            ("\"packets\":100", "\"packets\":1100"), ("\"bytes\":6400", "\"bytes\":70400"),
        ]
        let table = RateTable(
            from: before, to: try Answers.look(moves, time: 1_500_000_000))
        #expect(table.rows.count == 2)
        #expect(table.rows[1].packets == 2000 && table.rows[1].bits == 1_024_000)
        let lines = table.text(columns: 80, lines: 24)
        #expect(lines.count == 3 && lines.allSatisfy { $0.count <= 80 })
        #expect(lines[1].contains("2.0k") && lines[1].contains("██"))
        #expect(table.text(columns: 20, lines: 2).map(\.count).max() == 20)
        #expect(table.text(columns: 0, lines: 0) == [""])
    }

    @Test func anotherConnectionHasNoRates() throws {
        let before = try Answers.look()
        let fresh = [
            ("\"packets\":100", "\"packets\":1"), ("\"notifications\":3", "\"notifications\":0"),
        ]
        let table = RateTable(from: before, to: try Answers.look(fresh, time: 2_000_000_000))
        #expect(table.rows.allSatisfy { $0.packets == 0 && $0.interrupts == 0 })
        #expect(RateTable(from: before, to: before).rows.isEmpty)
    }

    @Test func numbersAreShort() {
        let numbers: [(Double, String)] = [
            (0, "0"), (999, "999"), (999.6, "1.0k"), (1500, "1.5k"), (99_940, "99.9k"),
            (123_456, "123k"), (999_600, "1.0M"), (14_880_952, "14.9M"), (1e10, "10.0G"),
            (1e30, ">999T"), (.infinity, "-"), (-1, "-"),
        ]
        for (number, text) in numbers { #expect(RateTable.short(number) == text) }
    }

    @Test func barsAreInEighths() {
        #expect(RateTable.bar(1, width: 4) == "████")
        #expect(RateTable.bar(0.5, width: 1) == "▌")
        #expect(RateTable.bar(0.001, width: 4) == "▏")
        #expect(RateTable.bar(0, width: 4) == "" && RateTable.bar(.nan, width: 4) == "")
        #expect(RateTable.bar(7, width: 2) == "██")
    }
}
