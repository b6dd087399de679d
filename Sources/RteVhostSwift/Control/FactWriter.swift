// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Something that facts about sockets, devices and rings are told to: JSON for the control socket, or
/// DPDK's telemetry. A key is nil within an array.
protocol FactWriter: ~Copyable {
    /// Opens an object.
    mutating func openObject(_ key: StaticString?)
    /// Closes it.
    mutating func closeObject()
    /// Opens an array.
    mutating func openArray(_ key: StaticString?)
    /// Closes it.
    mutating func closeArray()
    /// A number.
    mutating func add(_ key: StaticString?, _ number: UInt64)
    /// A number.
    mutating func add(_ key: StaticString?, _ number: Int)
    /// True or false.
    mutating func add(_ key: StaticString?, _ value: Bool)
    /// Words of ours.
    mutating func add(_ key: StaticString?, words: StaticString)
    /// An address or a set of bits.
    mutating func add(_ key: StaticString?, hex number: UInt64)
    /// A path.
    mutating func add(_ key: StaticString?, _ path: borrowing SocketPath)
    /// An error in the words of the log.
    mutating func add(_ key: StaticString?, _ error: VhostError)
}
