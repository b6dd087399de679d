// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// A log line for a caller's mistake that would otherwise come with every poll.
enum OncePerProcess {
    private static let isLogged = Atomic<Bool>(false)

    /// Logs the first time.
    static func log(_ words: StaticString) {
        guard !isLogged.exchange(true, ordering: .relaxed) else { return }
        Log.error(.data) { $0.add(words) }
    }
}
