// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Requests without answer that go to a frontend together: what one poll misses takes one system
/// call, and queues that are polled at the same moment do not take turns for each request.
struct RequestBatch: BitwiseCopyable {
    /// Most requests.
    static let capacity = 32
    /// Bytes of a request: its header's three words, and four of eight bytes.
    static let requestByteCount = 44

    /// Requests one behind another, little-endian as vhost-user wants.
    private(set) var words = InlineArray<352, UInt32>(repeating: 0)
    /// Requests in it.
    private(set) var count = 0

    /// Adds a request of version 1; there is room.
    mutating func add(_ request: UInt32, _ payload: InlineArray<4, UInt64>) {
        precondition(count < Self.capacity)
        let first = count * (Self.requestByteCount / 4)
        words[first] = request
        words[first + 1] = 1
        words[first + 2] = 32
        for index in 0..<4 {
            words[first + 3 + 2 * index] = UInt32(truncatingIfNeeded: payload[index])
            words[first + 4 + 2 * index] = UInt32(truncatingIfNeeded: payload[index] >> 32)
        }
        count += 1
    }
}
