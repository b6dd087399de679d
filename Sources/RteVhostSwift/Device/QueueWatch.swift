// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// Who looks at the packets of a queue besides the application: bits that a burst tests together,
/// once, when its packets have arrived. Any thread sets them.
struct QueueWatch: ~Copyable {
    /// Somebody who looks.
    enum Watcher: UInt8 {
        /// RTE_VHOST_USER_NET_STATS_ENABLE
        case statistics = 1
        /// A client of the control socket captures packets.
        case capture = 2
    }

    private let bits = Atomic<UInt8>(0)

    /// Nobody looks.
    init() {}

    /// True when anybody looks.
    @inline(__always)
    var isAny: Bool { bits.load(ordering: .relaxed) != 0 }

    /// True when this one does.
    func has(_ watcher: Watcher) -> Bool {
        bits.load(ordering: .relaxed) & watcher.rawValue != 0
    }

    /// Has this one look, or not.
    func set(_ watcher: Watcher, _ isOn: Bool) {
        if isOn {
            bits.bitwiseOr(watcher.rawValue, ordering: .releasing)
        } else {
            bits.bitwiseAnd(~watcher.rawValue, ordering: .releasing)
        }
    }
}
