// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Faults that a test asked of a channel, and how often each is still due. Read and changed under
/// the channel's lock.
struct SoftwareFaults: BitwiseCopyable {
    private var faults: rtevhostswift_dma_faults

    /// These faults.
    init(_ faults: rtevhostswift_dma_faults) { self.faults = faults }

    /// What this call of `transfer_data` must return instead of accepting anything; nil when it may
    /// work. Never positive: the library would wait for copies that nobody does.
    mutating func takeTransferResult() -> Int32? {
        guard faults.transfer_errors > 0 else { return nil }
        faults.transfer_errors -= 1
        return min(faults.transfer_result, 0)
    }

    /// What this call of `check_completed_copies` must return; nil when it may work. Never
    /// positive.
    mutating func takeCheckResult() -> Int32? {
        guard faults.check_errors > 0 else { return nil }
        faults.check_errors -= 1
        return min(faults.check_result, 0)
    }

    /// Most descriptors to accept of `count` offered.
    func acceptLimit(_ count: Int) -> Int {
        guard faults.accept_limit_plus_one > 0 else { return count }
        return min(count, Int(faults.accept_limit_plus_one) - 1)
    }

    /// Most completions to report of `count` that the caller has room for.
    func completeLimit(_ count: Int) -> Int {
        guard faults.complete_limit > 0 else { return count }
        return min(count, Int(faults.complete_limit))
    }

    /// Completions to report that never happened.
    var overReport: Int { Int(faults.over_report) }

    /// The worker is to leave the channel alone.
    var isHolding: Bool { faults.hold != 0 }
}
