// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import ArgumentParser
import VhostControl

/// `rtevhostctl list`
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sockets, and their devices in short.")

    @OptionGroup var common: Common

    func run() throws {
        let client = try common.client()
        if common.json {
            let answer = try client.ask("list")
            _ = try Snapshot(json: answer)
            Common.put(answer)
        } else {
            Common.put(Report(list: try client.look(command: "list")).text)
        }
    }
}
