// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import ArgumentParser
import VhostControl

#if canImport(Glibc)
    import Glibc
#endif

/// What all commands have.
struct Common: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help:
            "The control socket; RTEVHOSTSWIFT_CONTROL in the environment, where it is not given.",
        completion: .file())
    var control: String?

    @Flag(name: .shortAndLong, help: "JSON, for programs.")
    var json = false

    /// Who is asked.
    func client() throws -> ControlClient {
        if let control { return ControlClient(path: control) }
        guard let path = getenv("RTEVHOSTSWIFT_CONTROL") else { throw ControlFault.noPath }
        return ControlClient(path: String(cString: path))
    }

    /// Text or JSON on standard output.
    static func put(_ text: String) {
        _ = Screen.put(text)
    }
}
