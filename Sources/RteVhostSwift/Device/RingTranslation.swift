// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// Rings whose addresses do not translate yet. The frontend does not tell when the guest maps
/// something, and nobody polls a queue that does not run, so the event thread asks again.
enum RingTranslation {
    /// How often it asks.
    static var retryMilliseconds: Int32 { 250 }

    private static let awaited = Atomic<Bool>(false)

    /// True when a ring waits, or did when it was last looked at.
    static var isAwaited: Bool { awaited.load(ordering: .relaxed) }

    /// Notes that a ring waits.
    static func noteAwaited() { awaited.store(true, ordering: .relaxed) }

    /// The same as `isAwaited`; whoever still waits has to say so again.
    static func takeAwaited() -> Bool {
        isAwaited && awaited.exchange(false, ordering: .relaxed)
    }
}
