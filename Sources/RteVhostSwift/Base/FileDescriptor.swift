// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A file descriptor with one owner, closed when the owner lets go.
struct FileDescriptor: ~Copyable {
    /// The number the kernel knows it by.
    private(set) var number: Int32

    /// Takes ownership of `number`.
    init(owning number: Int32) { self.number = number }

    /// Leaves the number to another owner, who closes it.
    mutating func release() { number = -1 }

    /// A peer may have sent a socket that is set to linger, or a file of a file system that it
    /// serves by itself: to close either could take as long as it likes.
    deinit {
        guard number >= 0 else { return }
        if crte_end_linger(number) == 1 || Self.isPrompt(number) {
            _ = close(number)
        } else {
            ClosingFiles.close(number)
        }
    }

    /// True for a file that nobody but the kernel is asked about: no call on it waits for a peer.
    static func isPrompt(_ number: Int32) -> Bool {
        crte_is_memory(number) == 1 || crte_is_anonymous(number) == 1
    }
}
