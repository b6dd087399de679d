// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// What negotiation and registration decided for a queue's datapath; copied into the queue, so that
/// a burst reads one place.
struct QueueProfile: BitwiseCopyable {
    /// Bytes of the virtio-net header: 12 with MRG_RXBUF or VERSION_1, else 10. virtio 1.2, 5.1.6.
    var headerByteCount: Int { Int(headerSize) }
    /// The same as it is kept: a number that the compiler knows to be none below zero.
    private var headerSize: UInt8 = 10
    /// VIRTIO_NET_F_MRG_RXBUF
    var isMergeable = false
    /// The guest may ask for checksums and segmentation in transmit headers.
    var hasGuestOffloads = false
    /// Flags as DPDK before 21.05 set them on received packets: PKT_TX_…
    var usesLegacyOffloadFlags = true
    /// Long packets may live in one external buffer.
    var allowsExternalBuffers = false
    /// Packets must not be mbuf chains.
    var wantsLinearBuffers = false
    /// VIRTIO_F_RING_PACKED
    var isPacked = false
    /// VIRTIO_F_IN_ORDER
    var isInOrder = false
    /// VIRTIO_RING_F_EVENT_IDX
    var usesEventIndex = false
    /// VHOST_F_LOG_ALL: what is written to guest memory is marked in the dirty log.
    var logsWrites = false
    /// VIRTIO_F_IOMMU_PLATFORM: addresses go through the IOTLB.
    var isTranslated = false

    /// The profile of a device before features are set.
    init() {}

    /// The profile that `features` and the driver's flags give.
    init(features: UInt64, flags: DriverFlags) {
        isMergeable = features & Feature.mergeableBuffers != 0
        let isModern = features & Feature.version1 != 0
        headerSize = isMergeable || isModern ? 12 : 10
        hasGuestOffloads = features & (Feature.checksum | Feature.hostSegmentation) != 0
        usesLegacyOffloadFlags = !flags.usesCompliantOffloadFlags
        allowsExternalBuffers = flags.allowsExternalBuffers
        wantsLinearBuffers = flags.wantsLinearBuffers
        isPacked = features & Feature.ringPacked != 0
        isInOrder = features & Feature.inOrder != 0
        usesEventIndex = features & Feature.eventIndex != 0
        logsWrites = features & Feature.logAll != 0
        isTranslated = features & Feature.iommuPlatform != 0
    }
}
