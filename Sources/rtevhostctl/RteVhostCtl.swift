// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import ArgumentParser
import VhostControl

/// `rtevhostctl`
@main
struct RteVhostCtl: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rtevhostctl",
        abstract: "Looks into a process that uses librtevhostswift.",
        discussion: """
            The process opens a control socket with rtevhostswift_control_open(), or because
            RTEVHOSTSWIFT_CONTROL in its environment says where. Nothing can be changed by it.
            """,
        version: "0.1.0",
        subcommands: [List.self, Show.self, Check.self, Top.self, Capture.self])
}
