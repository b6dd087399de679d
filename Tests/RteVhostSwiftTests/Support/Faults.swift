// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Testing

@testable import RteVhostSwift

/// What `body` throws; nil when it does not.
func fault(_ body: () throws(VhostError) -> Void) -> VhostError? {
    do throws(VhostError) {
        try body()
        return nil
    } catch {
        return error
    }
}

/// What `body` throws of a chain's faults; nil when it does not.
func chainFault(_ body: () throws(ChainFault) -> Void) -> ChainFault? {
    do throws(ChainFault) {
        try body()
        return nil
    } catch {
        return error
    }
}

/// A generator whose sequence is the same in every run: xorshift64*.
struct FixedRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_f491_4f6c_dd1d
    }
}
