// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// Feature bits of virtio and vhost-user, and what this library offers.
enum Feature {
    /// VIRTIO_NET_F_CSUM: the device handles packets with partial checksum.
    static let checksum: UInt64 = 1 << 0
    /// VIRTIO_NET_F_GUEST_CSUM
    static let guestChecksum: UInt64 = 1 << 1
    /// VIRTIO_NET_F_MTU
    static let mtu: UInt64 = 1 << 3
    /// VIRTIO_NET_F_MRG_RXBUF
    static let mergeableBuffers: UInt64 = 1 << 15
    /// VIRTIO_F_ANY_LAYOUT
    static let anyLayout: UInt64 = 1 << 27
    /// VIRTIO_RING_F_INDIRECT_DESC
    static let indirectDescriptors: UInt64 = 1 << 28
    /// VIRTIO_RING_F_EVENT_IDX
    static let eventIndex: UInt64 = 1 << 29
    /// VHOST_USER_F_PROTOCOL_FEATURES
    static let protocolFeatures: UInt64 = 1 << 30
    /// VIRTIO_F_VERSION_1
    static let version1: UInt64 = 1 << 32
    /// VIRTIO_F_IOMMU_PLATFORM
    static let iommuPlatform: UInt64 = 1 << 33
    /// VIRTIO_F_RING_PACKED
    static let ringPacked: UInt64 = 1 << 34
    /// VIRTIO_F_IN_ORDER
    static let inOrder: UInt64 = 1 << 35
    /// VHOST_F_LOG_ALL
    static let logAll: UInt64 = 1 << 26

    /// VIRTIO_NET_F_GUEST_TSO4, TSO6, ECN and UFO.
    static let guestSegmentation: UInt64 = 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10
    /// VIRTIO_NET_F_HOST_TSO4, TSO6, ECN and UFO.
    static let hostSegmentation: UInt64 = 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14
    /// VIRTIO_NET_F_GSO, CTRL_VQ, CTRL_RX, GUEST_ANNOUNCE and MQ: the frontend does their work.
    private static let passedThrough: UInt64 = 1 << 6 | 1 << 17 | 1 << 18 | 1 << 21 | 1 << 22

    /// What a net device offers for a driver's flags when the application changes nothing.
    static func netDefaults(_ flags: DriverFlags) -> UInt64 {
        // DPDK 21.08: packets of 64 KiB do not fit into one mbuf, so a driver that wants such and
        // allows no external buffers must not get them.
        let isLinear = flags.wantsLinearBuffers && !flags.allowsExternalBuffers
        let withheld = flags.withheldFeatures | (isLinear ? longPackets : 0)
        return (netDefaults | iommuPlatform) & ~withheld
    }

    /// VIRTIO_NET_F_HOST_TSO4, TSO6 and UFO.
    private static let longPackets: UInt64 = 1 << 11 | 1 << 12 | 1 << 14

    private static let netDefaults: UInt64 =
        checksum | guestChecksum | mtu | mergeableBuffers | anyLayout
        | indirectDescriptors | eventIndex | protocolFeatures | version1 | inOrder | ringPacked
        | guestSegmentation | hostSegmentation | passedThrough | logAll
}

/// VHOST_USER_PROTOCOL_F_… bits.
enum ProtocolFeature {
    /// Several queue pairs.
    static let multiQueue: UInt64 = 1 << 0
    /// SET_LOG_BASE with a file.
    static let logFile: UInt64 = 1 << 1
    /// SEND_RARP.
    static let rarp: UInt64 = 1 << 2
    /// NEED_REPLY.
    static let replyAck: UInt64 = 1 << 3
    /// NET_SET_MTU.
    static let netMTU: UInt64 = 1 << 4
    /// CREATE_CRYPTO_SESSION and CLOSE_CRYPTO_SESSION.
    static let cryptoSession: UInt64 = 1 << 7
    /// GET_CONFIG and SET_CONFIG.
    static let configuration: UInt64 = 1 << 9
    /// GET_INFLIGHT_FD and SET_INFLIGHT_FD.
    static let inflightShared: UInt64 = 1 << 12
    /// RESET_DEVICE.
    static let resetDevice: UInt64 = 1 << 13
    /// SET_BACKEND_REQ_FD: a channel for requests to the frontend.
    static let backendRequests: UInt64 = 1 << 5
    /// POSTCOPY_ADVISE, POSTCOPY_LISTEN and POSTCOPY_END; only where the driver's flags allow it.
    static let pageFault: UInt64 = 1 << 8
    /// Requests to the frontend may carry a descriptor.
    static let backendSendsDescriptors: UInt64 = 1 << 10
    /// BACKEND_VRING_HOST_NOTIFIER_MSG.
    static let hostNotifier: UInt64 = 1 << 11
    /// GET_MAX_MEM_SLOTS, ADD_MEM_REG and REM_MEM_REG.
    static let memorySlots: UInt64 = 1 << 15
    /// SET_STATUS and GET_STATUS.
    static let status: UInt64 = 1 << 16

    /// What a net device offers when the application changes nothing.
    static let netDefaults: UInt64 =
        multiQueue | logFile | rarp | replyAck | netMTU | status | backendRequests
        | backendSendsDescriptors | hostNotifier | memorySlots

    /// What an application may offer: besides, what it serves by itself or with a record of
    /// its own.
    static let served: UInt64 =
        netDefaults | cryptoSession | configuration | inflightShared | resetDevice
}

/// RTE_VHOST_USER_… flags of `rte_vhost_driver_register`.
struct DriverFlags: Equatable {
    /// The bits.
    let rawValue: UInt64

    /// RTE_VHOST_USER_CLIENT
    var isClient: Bool { rawValue & 1 << 0 != 0 }
    /// A client without RTE_VHOST_USER_NO_RECONNECT. DPDK 21.08: that flag says nothing to a server.
    var reconnects: Bool { rawValue & 3 == 1 }
    /// RTE_VHOST_USER_IOMMU_SUPPORT
    var supportsIOMMU: Bool { rawValue & 1 << 3 != 0 }
    /// RTE_VHOST_USER_POSTCOPY_SUPPORT
    var supportsPostcopy: Bool { rawValue & 1 << 4 != 0 }
    /// Protocol features that a net device of a driver with these flags offers.
    var protocolFeatures: UInt64 { ProtocolFeature.netDefaults | postcopyFeature }
    /// Those that an application may offer with these flags.
    var servedProtocolFeatures: UInt64 { ProtocolFeature.served | postcopyFeature }
    private var postcopyFeature: UInt64 { supportsPostcopy ? ProtocolFeature.pageFault : 0 }
    /// RTE_VHOST_USER_EXTBUF_SUPPORT
    var allowsExternalBuffers: Bool { rawValue & 1 << 5 != 0 }
    /// RTE_VHOST_USER_LINEARBUF_SUPPORT
    var wantsLinearBuffers: Bool { rawValue & 1 << 6 != 0 }
    /// RTE_VHOST_USER_ASYNC_COPY
    var allowsAsyncCopy: Bool { rawValue & 1 << 7 != 0 }
    /// RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS
    var usesCompliantOffloadFlags: Bool { rawValue & 1 << 8 != 0 }

    /// RTE_VHOST_USER_NET_STATS_ENABLE: DPDK 22.11.
    var keepsStatistics: Bool { rawValue & 1 << 9 != 0 }

    /// Features that are never offered without their flag: DPDK 21.08.
    var withheldFeatures: UInt64 { supportsIOMMU ? 0 : Feature.iommuPlatform }

    /// Every bit that any release of DPDK that is served defines.
    static let known: UInt64 = 0x3ff
}
