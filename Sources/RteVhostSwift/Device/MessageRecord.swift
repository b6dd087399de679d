// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// A message that a frontend sent, and what came of it.
struct MessageRecord: BitwiseCopyable {
    /// When it had been handled, in nanoseconds of the monotonic clock.
    var time: UInt64 = 0
    /// The request's number; nil for what was no message of the protocol.
    var request: UInt32?
    /// Bytes of its payload.
    var byteCount: UInt32 = 0
    /// Why it was refused, nil where it was not: `error.words` says it.
    var error: VhostError?
}
