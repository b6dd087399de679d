// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// What the control thread waits for: a few descriptors, so few that poll() does.
struct PollSet {
    private var entries = InlineArray<14, pollfd>(repeating: pollfd())
    private var count = 0

    /// What a descriptor is waited for.
    enum Interest {
        /// Bytes to read.
        case reading
        /// Room to write.
        case writing
        /// That its peer is gone, which is told in any case.
        case nothing

        /// POLL…
        fileprivate var bits: Int16 {
            switch self {
            case .reading: Int16(POLLIN)
            case .writing: Int16(POLLOUT)
            case .nothing: 0
            }
        }
    }

    /// Nothing.
    init() {}

    /// Adds a descriptor; a negative number keeps its place and never becomes ready.
    mutating func add(_ number: Int32, _ interest: Interest) {
        entries[count].fd = number
        entries[count].events = interest.bits
        count += 1
    }

    /// Waits.
    mutating func wait(milliseconds: Int32) {
        let count = nfds_t(self.count)
        var span = entries.mutableSpan
        // SAFETY: the span has 14 entries, of which `count` were set.
        _ = unsafe span.withUnsafeMutableBufferPointer { buffer in
            unsafe poll(buffer.baseAddress, count, milliseconds)
        }
    }

    /// True when something came for the descriptor that was added at `index`.
    func isReady(_ index: Int) -> Bool { entries[index].revents != 0 }
}
