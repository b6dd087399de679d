// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The two callbacks of `struct rte_vhost_async_channel_ops`, copied at registration.
@safe
struct EngineCallbacks: @unchecked Sendable {
    private let operations: rte_vhost_async_channel_ops

    /// None.
    init() { operations = rte_vhost_async_channel_ops() }

    /// Copies the application's table; nil when it or one of its callbacks is missing.
    init?(_ operations: UnsafePointer<rte_vhost_async_channel_ops>?) {
        guard let operations = unsafe operations,
            // SAFETY: the application's table is valid through registration.
            unsafe operations.pointee.transfer_data != nil,
            unsafe operations.pointee.check_completed_copies != nil
        else { return nil }
        unsafe self.operations = operations.pointee
    }

    /// `transfer_data`
    func transfer(
        vid: Int32, queue: Int, pieces: borrowing EnginePieces, count: Int
    ) -> Int32 {
        // SAFETY: `count` descriptors were set; the engine keeps its own copy of what it needs.
        guard let function = unsafe operations.transfer_data else { return 0 }
        return unsafe function(
            vid, UInt16(truncatingIfNeeded: queue), pieces.descriptors.base, nil,
            UInt16(truncatingIfNeeded: count))
    }

    /// `check_completed_copies`
    func check(vid: Int32, queue: Int, limit: Int) -> Int32 {
        // SAFETY: the callback is given numbers only.
        guard let function = unsafe operations.check_completed_copies else { return 0 }
        return function(
            vid, UInt16(truncatingIfNeeded: queue), nil, UInt16(truncatingIfNeeded: limit))
    }
}
