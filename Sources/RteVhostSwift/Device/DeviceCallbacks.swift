// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The application's `struct vhost_device_ops`, copied at registration. Called without any queue's
/// lock.
struct DeviceCallbacks: Sendable {
    /// A callback that is told a vid and has no result.
    typealias Event = @convention(c) (Int32) -> Void
    /// A callback that is told a vid and may refuse.
    typealias Question = @convention(c) (Int32) -> Int32

    /// `new_device`
    var newDevice: Question?
    /// `destroy_device`
    var destroyDevice: Event?
    /// `vring_state_changed`
    var queueStateChanged: (@convention(c) (Int32, UInt16, Int32) -> Int32)?
    /// `features_changed`
    var featuresChanged: (@convention(c) (Int32, UInt64) -> Int32)?
    /// `new_connection`
    var newConnection: Question?
    /// `destroy_connection`
    var destroyConnection: Event?
    /// `guest_notified`
    var guestNotified: Event?
}
