// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import ArgumentParser
import VhostControl

/// `rtevhostctl show`
struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "All that is known of a socket, or of all: features, memory, rings, messages.")

    @OptionGroup var common: Common

    @Argument(help: "The socket; all of them where it is not given.", completion: .file())
    var socket: String?

    func run() throws {
        let client = try common.client()
        if common.json {
            let answer = try client.ask("show", socket: socket)
            let snapshot = try Snapshot(json: answer)
            if let socket, snapshot.sockets?.isEmpty ?? true {
                throw ControlFault.noSocket(socket)
            }
            Common.put(answer)
        } else {
            Common.put(Report(show: try client.look(at: socket)).text)
        }
    }
}
