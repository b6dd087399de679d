// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The twelve bytes in front of each vhost-user message.
struct MessageHeader {
    /// Bytes of a header.
    static let byteCount = 12
    /// Largest payload that is read: no request has more, and an application's handlers are shown
    /// no more. DPDK 21.08: the same.
    static let maximumPayload = MessageBuffer.payloadLimit

    /// VHOST_USER_…
    var request: UInt32
    /// Version in bits 0 and 1; bit 2 reply; bit 3 NEED_REPLY.
    var flags: UInt32
    /// Bytes that follow.
    var payloadByteCount: UInt32

    /// True for the only protocol version there is.
    var isVersion1: Bool { flags & 3 == 1 }
    /// The frontend wants an answer: VHOST_USER_NEED_REPLY.
    var needsReply: Bool { flags & 8 != 0 }
    /// The message is an answer: VHOST_USER_REPLY.
    var isReply: Bool { flags & 4 != 0 }
}
