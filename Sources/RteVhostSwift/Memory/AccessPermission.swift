// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What a device may do with bytes, or wants to do: VHOST_ACCESS_… of Linux' vhost interface.
struct AccessPermission: BitwiseCopyable, Equatable {
    /// Bit 0: the device reads; bit 1: it writes.
    let rawValue: UInt8

    /// VHOST_ACCESS_RO
    static let read = AccessPermission(rawValue: 1)
    /// VHOST_ACCESS_WO
    static let write = AccessPermission(rawValue: 2)
    /// VHOST_ACCESS_RW
    static let readWrite = AccessPermission(rawValue: 3)

    /// True when all that `wanted` asks for is allowed.
    @inline(__always)
    func allows(_ wanted: AccessPermission) -> Bool {
        rawValue & wanted.rawValue == wanted.rawValue
    }
}
