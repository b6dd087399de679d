// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// A process has only so many descriptors (RLIMIT_NOFILE), and each region, ring and connection of
/// a frontend keeps some: one socket's frontends must not take those that the others, or the
/// application, need.
enum DescriptorShare {
    /// What a socket's devices may have in any case: a guest of 8 regions and 18 rings.
    private static var freeCount: Int { 64 }

    /// Throws `tooManyDescriptors` for a new descriptor of a device of this socket when seven of
    /// eight that the process may have are in use, and the socket's devices have more than their
    /// share. Event thread.
    static func check(_ number: Int32, of path: SocketPath) throws(VhostError) {
        // The kernel gives the lowest number that is free.
        let limit = System.descriptorLimit
        guard number >= 0, UInt64(number) >= limit / 8 &* 7 else { return }
        // Those that wait to be closed are open.
        var count = FrontendAccount.own?.value.closingCount.load(ordering: .relaxed) ?? 0
        guard count <= freeCount else { throw .frontend(.tooManyDescriptors) }
        // Bounded by the table; and seldom: the process is at its limit.
        for vid in 0..<DeviceTable.maximumCount {
            guard let device = DeviceTable.find(Int32(vid)), device.value.path == path else {
                continue
            }
            count += device.value.descriptorCount
            guard count <= freeCount else { throw .frontend(.tooManyDescriptors) }
        }
    }
}

extension Device {
    /// Descriptors that are open because of this device: those of its connection, log, record and
    /// channel counted as four.
    fileprivate var descriptorCount: Int {
        var count = 4 + memory.table.count
        for index in 0..<queueCount.load(ordering: .acquiring) {
            guard let queue = queue(index) else { continue }
            if queue.value.kick.number >= 0 { count += 1 }
            if queue.value.call.number >= 0 { count += 1 }
        }
        return count
    }
}
