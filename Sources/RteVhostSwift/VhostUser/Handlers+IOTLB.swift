// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import Synchronization

/// Translations of the guest's IOMMU.
extension Handlers {
    /// IOTLB_MSG: struct vhost_iotlb_msg of Linux, an update (2) or an invalidation (3). vhost-user
    /// allows it where VIRTIO_F_IOMMU_PLATFORM was negotiated.
    static func changeTranslations(
        _ device: HeapCell<Device>, _ message: inout Message
    ) throws(VhostError) -> Reply {
        let features = device.value.features.load(ordering: .relaxed)
        guard features & Feature.iommuPlatform != 0 else { throw .frontend(.badState) }
        let address = GuestAddress(rawValue: try message.payload.u64())
        let byteCount = try message.payload.u64()
        let frontend = FrontendAddress(rawValue: try message.payload.u64())
        let bytes = try message.payload.u32()
        switch bytes >> 8 & 0xff {
        case 2:
            let permission = AccessPermission(rawValue: UInt8(bytes & 0xff))
            guard
                let entry = IOTLBEntry(
                    address: address, byteCount: byteCount, frontend: frontend,
                    permission: permission)
            else { throw .frontend(.badValue) }
            try device.addTranslation(entry)
        case 3:
            // QEMU invalidates all 64 bits with a size that has wrapped to 0. To forget more than
            // was meant costs misses; to forget less would leave the device where it must not be.
            let (last, wraps) = address.rawValue.addingReportingOverflow(byteCount &- 1)
            if wraps || byteCount == 0 {
                try device.removeTranslations(first: 0, last: UInt64.max)
            } else {
                try device.removeTranslations(first: address.rawValue, last: last)
            }
        default:
            throw .frontend(.badValue)
        }
        return .acknowledge
    }
}
