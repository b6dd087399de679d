// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// File descriptors that came with a message, each owned from the first moment.
struct ReceivedDescriptors: ~Copyable {
    private var descriptors = InlineArray<16, FileDescriptor?> { _ in nil }

    /// Descriptors that came, those handed over included.
    private(set) var count = 0

    /// None.
    init() {}

    /// Takes one more; closed at once when there is no room.
    mutating func append(_ descriptor: consuming FileDescriptor) {
        // Counted even without room, so that a request with too many is refused.
        if count < 16 { descriptors[count] = consume descriptor }
        count += 1
    }

    /// The number of the one at `index`; -1 when it is gone or never came.
    func number(at index: Int) -> Int32 {
        guard index >= 0, index < min(count, 16) else { return -1 }
        switch descriptors[index] {
        case .some(let descriptor): return descriptor.number
        case nil: return -1
        }
    }

    /// Leaves the one at `index` to an owner who knows its number.
    mutating func release(_ index: Int) {
        var kept = take(index)
        kept?.release()
    }

    /// Hands the one at `index` over; nil when it is gone or never came.
    mutating func take(_ index: Int) -> FileDescriptor? {
        guard index >= 0, index < min(count, 16) else { return nil }
        return descriptors[index].take()
    }
}
