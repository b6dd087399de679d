// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// A file descriptor with one owner, closed when the owner lets go.
struct FileDescriptor: ~Copyable {
    /// The number the kernel knows it by.
    let number: Int32

    /// Takes ownership of `number`.
    init(owning number: Int32) { self.number = number }

    /// A socket that a peer sent may be set to linger, and would keep the last closer waiting.
    deinit { crte_close_at_once(number) }
}
