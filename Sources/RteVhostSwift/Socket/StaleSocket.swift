// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Socket files left over from processes that died.
enum StaleSocket {
    /// A process that has bound its socket and does not listen yet looks as if it were dead.
    private static var microseconds: Int { 20_000 }

    /// What a file was when it was found to be stale.
    private struct Found: Equatable {
        var file: System.FileIdentity?
        var seconds = 0
        var nanoseconds = 0

        /// Looks at the file at a path.
        init(_ path: SocketPath) {
            file = System.identity(path)
            if let time = System.modificationTime(path) { (seconds, nanoseconds) = time }
        }
    }

    /// Removes the file at `path` if it is a socket that nobody listens at; anything else at that
    /// path is not ours to remove. True when the path may be free now.
    ///
    /// Another process may do the same, and listen there between a look and what follows from it. So
    /// the file is moved aside, in one step, and removed only if it is the one that was looked at;
    /// otherwise it goes back.
    static func remove(_ path: SocketPath) -> Bool {
        let found = Found(path)
        guard isStale(path) else { return false }
        System.sleep(microseconds: microseconds)
        guard Found(path) == found, isStale(path) else { return false }
        guard let aside = path.appending(".stale") else {
            System.unlink(path)
            return true
        }
        do throws(VhostError) {
            try System.rename(path, to: aside)
        } catch {
            // Somebody was faster; or a file system that cannot do it, or a file that has the name.
            guard Found(path) == found, isStale(path) else { return false }
            System.unlink(path)
            return true
        }
        guard Found(aside) == found, isStale(aside) else {
            try? System.rename(aside, to: path)
            return false
        }
        System.unlink(aside)
        return true
    }

    private static func isStale(_ path: SocketPath) -> Bool {
        System.isSocket(path) && !System.hasListener(at: path)
    }
}
