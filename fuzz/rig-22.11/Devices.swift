// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

@testable import RteVhostSwift

/// Registers a queue as `rte_vhost_async_channel_register` does, with a threshold of the input's.
@_cdecl("rig_register_devices")
public func rigRegisterDevices(_ vid: Int32, _ queue: UInt16, _ threshold: UInt32) -> Int32 {
    do throws(VhostError) {
        try NetDatapath.register(vid, queue, .dmadev, threshold: threshold, isRelaxed: false)
        return 0
    } catch {
        return -1
    }
}
