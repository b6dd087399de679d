// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// DPDK 22.11: a device says whether it is for networks or for storage.
extension VdpaDevice {
    /// RTE_VHOST_VDPA_DEVICE_TYPE_…; a driver that does not say has a network device. Throws
    /// `notFound`, `unsupported` when it fails to.
    func typeNumber() throws(VhostError) -> UInt32 {
        // SAFETY: the driver's function gets what the header promises.
        guard let tell = unsafe try operations().get_dev_type else { return 0 }
        var kind: UInt32 = 0
        guard unsafe tell(pointer, &kind) >= 0 else { throw .unsupported }
        return kind
    }
}
