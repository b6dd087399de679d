// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The same for rte_vdpa.h, rte_vdpa_dev.h and what rte_vhost.h has about both.
extension Conformance {
    /// Devices that hardware serves.
    static func vdpa() {
        unsafe sameType(rte_vdpa_find_device_by_name, CRteVhost.rte_vdpa_find_device_by_name)
        unsafe sameType(rte_vdpa_get_features, CRteVhost.rte_vdpa_get_features)
        unsafe sameType(rte_vdpa_get_protocol_features, CRteVhost.rte_vdpa_get_protocol_features)
        unsafe sameType(rte_vdpa_get_queue_num, CRteVhost.rte_vdpa_get_queue_num)
        unsafe sameType(rte_vdpa_get_rte_device, CRteVhost.rte_vdpa_get_rte_device)
        unsafe sameType(rte_vdpa_get_stats, CRteVhost.rte_vdpa_get_stats)
        unsafe sameType(rte_vdpa_get_stats_names, CRteVhost.rte_vdpa_get_stats_names)
        unsafe sameType(rte_vdpa_register_device, CRteVhost.rte_vdpa_register_device)
        unsafe sameType(rte_vdpa_relay_vring_used, CRteVhost.rte_vdpa_relay_vring_used)
        unsafe sameType(rte_vdpa_reset_stats, CRteVhost.rte_vdpa_reset_stats)
        unsafe sameType(rte_vdpa_unregister_device, CRteVhost.rte_vdpa_unregister_device)
        unsafe sameType(
            rte_vhost_driver_attach_vdpa_device, CRteVhost.rte_vhost_driver_attach_vdpa_device)
        unsafe sameType(
            rte_vhost_driver_detach_vdpa_device, CRteVhost.rte_vhost_driver_detach_vdpa_device)
        unsafe sameType(
            rte_vhost_driver_get_vdpa_device, CRteVhost.rte_vhost_driver_get_vdpa_device)
        unsafe sameType(rte_vhost_get_vdpa_device, CRteVhost.rte_vhost_get_vdpa_device)
        sameType(rte_vhost_host_notifier_ctrl, CRteVhost.rte_vhost_host_notifier_ctrl)
        sameType(rte_vhost_slave_config_change, CRteVhost.rte_vhost_slave_config_change)
    }
}
