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

/// `rtevhostctl check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says in words what is wrong; status 1 where something is.",
        discussion: "Looks twice: what has moved in between works.")

    @OptionGroup var common: Common

    @Option(name: .shortAndLong, help: "Seconds between the two looks.")
    var interval = 0.5

    @Argument(help: "The socket; all of them where it is not given.", completion: .file())
    var socket: String?

    func validate() throws {
        guard interval > 0, interval <= 60 else {
            throw ValidationError("the interval is from 0 to 60 seconds")
        }
    }

    func run() throws {
        let client = try common.client()
        let before = try client.look(at: socket)
        usleep(UInt32(interval * 1_000_000))
        let findings = Diagnosis(before: before, after: try client.look(at: socket)).findings
        if common.json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            Common.put(String(decoding: try encoder.encode(findings), as: UTF8.self) + "\n")
        } else if findings.isEmpty {
            Common.put("nothing is wrong\n")
        } else {
            Common.put(findings.map { $0.line + "\n" }.joined())
        }
        if findings.contains(where: { $0.level == .problem }) { throw ExitCode(1) }
    }
}
