// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// Back to the beginning of a connection.
extension Handlers {
    /// RESET_DEVICE: rings stop, negotiation, addresses and status are forgotten. Protocol features
    /// and memory belong to the connection: QEMU sends them once.
    static func resetDevice(
        _ device: HeapCell<Device>, _: inout Message
    ) throws(VhostError) -> Reply {
        try device.resetByFrontend()
        return .acknowledge
    }

    /// RESET_OWNER, deprecated. DPDK 21.08: the same, and memory and protocol features are forgotten
    /// as well; all but REPLY_ACK here, because QEMU goes on asking for answers.
    static func resetOwner(
        _ device: HeapCell<Device>, _: inout Message
    ) throws(VhostError) -> Reply {
        try device.resetByFrontend()
        try device.setMemory(try GuestMemory())
        let kept = device.value.protocolFeatures.load(ordering: .relaxed) & ProtocolFeature.replyAck
        device.value.protocolFeatures.store(kept, ordering: .relaxed)
        return .acknowledge
    }
}
