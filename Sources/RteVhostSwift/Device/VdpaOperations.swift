// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a device tells the driver of the hardware that serves it: operations of
/// `struct rte_vdpa_dev_ops`, copied when the device is made. Called without any lock, on the event
/// thread.
struct VdpaOperations: Sendable {
    /// An operation that is told a vid; 0 or negative.
    typealias Operation = @convention(c) (Int32) -> Int32

    /// Address of the `struct rte_vdpa_device`, for those who ask.
    let device: UInt
    /// `dev_conf`
    let configure: Operation
    /// `dev_close`
    let close: Operation
    /// `set_vring_state`
    let setQueueState: @convention(c) (Int32, Int32, Int32) -> Int32
    /// `set_features`
    let setFeatures: Operation
    /// `migration_done`
    let migrationDone: Operation?
    /// What later releases added.
    let additions: VdpaAdditions
}
