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

    /// A socket that a peer sent may be set to linger, and would keep the last closer waiting.
    deinit { if number >= 0 { crte_close_at_once(number) } }
}
