// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost
import Synchronization

// rte_vhost.h: what later releases dropped.

/// `rte_vhost_get_queue_num`: queue pairs; 0 without device.
@_cdecl("rte_vhost_get_queue_num")
public func rte_vhost_get_queue_num(_ vid: Int32) -> UInt32 {
    guard let device = Call.device("rte_vhost_get_queue_num", vid) else { return 0 }
    return UInt32(device.value.queueCount.load(ordering: .acquiring) / 2)
}
