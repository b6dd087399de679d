// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A message whose size and descriptors fit its request: exists only after those checks.
struct Message: ~Copyable {
    /// What the frontend wants.
    let request: Request
    /// The payload, read from the front.
    var payload: ByteReader
    /// What came with it.
    var descriptors: ReceivedDescriptors

    /// A message; for `RawMessage.parse` alone.
    init(
        request: Request, payload: consuming ByteReader,
        descriptors: consuming ReceivedDescriptors
    ) {
        self.request = request
        self.payload = payload
        self.descriptors = descriptors
    }
}

/// What a handler answers.
enum Reply {
    /// Nothing, or "done" where the frontend asked for it.
    case acknowledge
    /// A number of 64 bits.
    case number(UInt64)
    /// A queue index and a number.
    case state(UInt32, UInt32)
}
