// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

#if canImport(Glibc)
    import Glibc
#endif

/// Set by signals that end the program; loops look at it.
nonisolated(unsafe) private var isInterrupted: sig_atomic_t = 0

/// Signals that end the program, which has something to put in order before.
enum Interrupt {
    /// Notes them from now on, and leaves writing to where nobody reads to write().
    static func watch() {
        for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
            signal(number) { _ in isInterrupted = 1 }
        }
        signal(SIGPIPE, SIG_IGN)
    }

    /// One came.
    static var hasCome: Bool { isInterrupted != 0 }
}
