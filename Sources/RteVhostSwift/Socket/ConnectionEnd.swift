// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// How a socket's last connection came to its end, or to nothing.
struct ConnectionEnd {
    /// When, in nanoseconds of the monotonic clock.
    var time: UInt64 = 0
    /// Why; nil where the frontend closed it.
    var error: VhostError?
    /// The device that ended; -1 where there was none yet.
    var vid: Int32 = -1
    /// The request that was handled last; 0 for none.
    var request: UInt32 = 0
    /// The last message that was refused, whether or not it was the end: a frontend may have closed
    /// the connection for it.
    var refusal: MessageRecord?
}
