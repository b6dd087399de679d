// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import ArgumentParser
import VhostControl

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#endif

/// `rtevhostctl top`
struct Top: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Rates of all rings, live; q or ^C ends it.",
        discussion: """
            With --json, or where standard output is no terminal, one piece of output for each interval.
            """)

    @OptionGroup var common: Common

    @Option(name: .shortAndLong, help: "Seconds between two looks.")
    var interval = 1.0

    @Option(name: [.customShort("n"), .long], help: "End after so many looks.")
    var count: Int?

    @Argument(help: "The socket; all of them where it is not given.", completion: .file())
    var socket: String?

    func validate() throws {
        guard interval >= 0.1, interval <= 3600 else {
            throw ValidationError("the interval is from 0.1 to 3600 seconds")
        }
        guard count ?? 1 > 0 else { throw ValidationError("the count is at least 1") }
    }

    func run() throws {
        let client = try common.client()
        var before = try client.look(at: socket)
        let isLive = !common.json && isatty(0) == 1 && isatty(1) == 1
        let screen = isLive ? Screen() : nil
        defer { screen?.restore() }
        var left = count ?? .max
        while left > 0 {
            let milliseconds = Int32(interval * 1000)
            if let screen {
                if before.timeNs == nil { break }
                guard screen.wait(milliseconds: milliseconds) else { return }
            } else {
                usleep(UInt32(milliseconds) * 1000)
            }
            let after = try client.look(at: socket)
            let table = RateTable(from: before, to: after)
            before = after
            left -= 1
            guard try show(table, after, screen) else { return }
        }
    }

    /// False when nobody sees it any more.
    private func show(_ table: RateTable, _ now: Snapshot, _ screen: Screen?) throws -> Bool {
        if common.json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return Screen.put(
                String(decoding: try encoder.encode(table.rows), as: UTF8.self) + "\n")
        }
        guard let screen else {
            let lines = table.text(columns: 120, lines: 10_000)
            return Screen.put(lines.joined(separator: "\n") + "\n\n")
        }
        let (columns, lines) = screen.size
        let head =
            "process \(now.process ?? 0): \(now.sockets?.count ?? 0) sockets, "
            + "\(now.devices?.count ?? 0) devices; q ends"
        let rows =
            [String(head.prefix(columns)), ""] + table.text(columns: columns, lines: lines - 3)
        return screen.draw(rows)
    }
}
