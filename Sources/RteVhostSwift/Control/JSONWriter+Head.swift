// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// How answers of the control socket begin.
extension JSONWriter {
    /// What every answer begins with.
    mutating func addHead() {
        openObject()
        add("protocol", ControlRequest.version)
        add("library", words: "0.1.0")
        add("process", Int(System.currentProcess))
        add("time_ns", System.nanoseconds())
    }

    /// An answer that says why there is none.
    mutating func addFault(_ words: StaticString) {
        openObject()
        add("protocol", ControlRequest.version)
        add("error", words: words)
        closeObject()
        endLine()
    }
}
