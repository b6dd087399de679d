// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

/// The specifications' names of the bits that are negotiated.
enum FeatureNames {
    /// A bit of virtio: virtio 1.2, 5.1.3 and 6.
    static func feature(_ bit: Int) -> StaticString? {
        bit < 24 ? network(bit) : reserved(bit)
    }

    private static func network(_ bit: Int) -> StaticString? {
        switch bit {
        case 0: "VIRTIO_NET_F_CSUM"
        case 1: "VIRTIO_NET_F_GUEST_CSUM"
        case 2: "VIRTIO_NET_F_CTRL_GUEST_OFFLOADS"
        case 3: "VIRTIO_NET_F_MTU"
        case 5: "VIRTIO_NET_F_MAC"
        case 6: "VIRTIO_NET_F_GSO"
        case 7: "VIRTIO_NET_F_GUEST_TSO4"
        case 8: "VIRTIO_NET_F_GUEST_TSO6"
        case 9: "VIRTIO_NET_F_GUEST_ECN"
        case 10: "VIRTIO_NET_F_GUEST_UFO"
        case 11: "VIRTIO_NET_F_HOST_TSO4"
        case 12: "VIRTIO_NET_F_HOST_TSO6"
        case 13: "VIRTIO_NET_F_HOST_ECN"
        case 14: "VIRTIO_NET_F_HOST_UFO"
        case 15: "VIRTIO_NET_F_MRG_RXBUF"
        case 16: "VIRTIO_NET_F_STATUS"
        case 17: "VIRTIO_NET_F_CTRL_VQ"
        case 18: "VIRTIO_NET_F_CTRL_RX"
        case 19: "VIRTIO_NET_F_CTRL_VLAN"
        case 21: "VIRTIO_NET_F_GUEST_ANNOUNCE"
        case 22: "VIRTIO_NET_F_MQ"
        case 23: "VIRTIO_NET_F_CTRL_MAC_ADDR"
        default: nil
        }
    }

    private static func reserved(_ bit: Int) -> StaticString? {
        switch bit {
        case 24: "VIRTIO_F_NOTIFY_ON_EMPTY"
        case 26: "VHOST_F_LOG_ALL"
        case 27: "VIRTIO_F_ANY_LAYOUT"
        case 28: "VIRTIO_F_INDIRECT_DESC"
        case 29: "VIRTIO_F_EVENT_IDX"
        case 30: "VHOST_USER_F_PROTOCOL_FEATURES"
        case 32: "VIRTIO_F_VERSION_1"
        case 33: "VIRTIO_F_ACCESS_PLATFORM"
        case 34: "VIRTIO_F_RING_PACKED"
        case 35: "VIRTIO_F_IN_ORDER"
        case 36: "VIRTIO_F_ORDER_PLATFORM"
        case 37: "VIRTIO_F_SR_IOV"
        case 38: "VIRTIO_F_NOTIFICATION_DATA"
        case 39: "VIRTIO_F_NOTIF_CONFIG_DATA"
        case 40: "VIRTIO_F_RING_RESET"
        case 56: "VIRTIO_NET_F_HOST_USO"
        case 57: "VIRTIO_NET_F_HASH_REPORT"
        case 59: "VIRTIO_NET_F_GUEST_HDRLEN"
        case 60: "VIRTIO_NET_F_RSS"
        case 61: "VIRTIO_NET_F_RSC_EXT"
        case 62: "VIRTIO_NET_F_STANDBY"
        case 63: "VIRTIO_NET_F_SPEED_DUPLEX"
        default: nil
        }
    }

    /// A protocol feature of vhost-user.
    static func protocolFeature(_ bit: Int) -> StaticString? {
        switch bit {
        case 0: "VHOST_USER_PROTOCOL_F_MQ"
        case 1: "VHOST_USER_PROTOCOL_F_LOG_SHMFD"
        case 2: "VHOST_USER_PROTOCOL_F_RARP"
        case 3: "VHOST_USER_PROTOCOL_F_REPLY_ACK"
        case 4: "VHOST_USER_PROTOCOL_F_MTU"
        case 5: "VHOST_USER_PROTOCOL_F_BACKEND_REQ"
        case 6: "VHOST_USER_PROTOCOL_F_CROSS_ENDIAN"
        case 7: "VHOST_USER_PROTOCOL_F_CRYPTO_SESSION"
        case 8: "VHOST_USER_PROTOCOL_F_PAGEFAULT"
        case 9: "VHOST_USER_PROTOCOL_F_CONFIG"
        case 10: "VHOST_USER_PROTOCOL_F_BACKEND_SEND_FD"
        case 11: "VHOST_USER_PROTOCOL_F_HOST_NOTIFIER"
        case 12: "VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD"
        case 13: "VHOST_USER_PROTOCOL_F_RESET_DEVICE"
        case 14: "VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS"
        case 15: "VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS"
        case 16: "VHOST_USER_PROTOCOL_F_STATUS"
        case 17: "VHOST_USER_PROTOCOL_F_XEN_MMAP"
        default: nil
        }
    }
}
