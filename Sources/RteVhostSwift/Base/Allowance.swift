// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Something of which there is only so much, and that comes back with time.
struct Allowance {
    /// What there is at first, and never more.
    private let most: UInt64
    /// What comes back in a second; not 0.
    private let perSecond: UInt64
    private var left: UInt64
    /// When it was looked at last, less what did not make a whole one since.
    private var time: UInt64 = 0

    /// All of it; `most` and `perSecond` at most 10^9 each.
    init(most: UInt64, perSecond: UInt64) {
        self.most = most
        self.perSecond = perSecond
        left = most
    }

    /// What is left now, in nanoseconds of the monotonic clock.
    mutating func left(at now: UInt64) -> UInt64 {
        let elapsed = now &- time
        // Whole seconds apart: no product is beyond 64 bits then.
        let seconds = min(elapsed / 1_000_000_000, most / perSecond &+ 1)
        let gain =
            seconds &* perSecond &+ elapsed % 1_000_000_000 &* perSecond / 1_000_000_000
        left = min(most, left &+ gain)
        // What did not make a whole one is not lost.
        time = left == most ? now : time &+ gain &* 1_000_000_000 / perSecond
        return left
    }

    /// Takes some of it, all if that is less.
    mutating func take(_ amount: UInt64) { left -= min(left, amount) }
}
