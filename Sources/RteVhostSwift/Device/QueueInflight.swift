// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a queue has of INFLIGHT_SHMFD while its ring runs. With the queue's lock held.
struct QueueInflight: ~Copyable {
    /// The record.
    var log = InflightLog.none
    /// What an earlier process took and never returned, if anything.
    var resubmit: ResubmitList?
}
