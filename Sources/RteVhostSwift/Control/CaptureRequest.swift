// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Whose packets a client wants.
struct CaptureRequest: Equatable {
    /// The device's number.
    let device: Int
    /// The ring's.
    let ring: Int
    /// Most bytes of a packet.
    let byteCount: Int
    /// The number of the connection that the device has to be; nil for whichever it is.
    var connection: UInt64?
}
