// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// Header and implementation cannot drift apart: each exported function must have the type that its
/// C declaration is imported as, or this file does not compile. Nothing here runs.
enum Conformance {
    /// Compiles for functions of one type.
    static func sameType<Function>(_: Function, _: Function) {}

    /// rte_vhost.h: sockets.
    static func drivers() {
        unsafe sameType(
            rte_vhost_driver_callback_register,
            CRteVhost.rte_vhost_driver_callback_register)
        unsafe sameType(
            rte_vhost_driver_disable_features,
            CRteVhost.rte_vhost_driver_disable_features)
        unsafe sameType(
            rte_vhost_driver_enable_features,
            CRteVhost.rte_vhost_driver_enable_features)
        unsafe sameType(rte_vhost_driver_get_features, CRteVhost.rte_vhost_driver_get_features)
        unsafe sameType(
            rte_vhost_driver_get_protocol_features,
            CRteVhost.rte_vhost_driver_get_protocol_features)
        unsafe sameType(rte_vhost_driver_get_queue_num, CRteVhost.rte_vhost_driver_get_queue_num)
        unsafe sameType(rte_vhost_driver_register, CRteVhost.rte_vhost_driver_register)
        unsafe sameType(rte_vhost_driver_set_features, CRteVhost.rte_vhost_driver_set_features)
        unsafe sameType(
            rte_vhost_driver_set_protocol_features,
            CRteVhost.rte_vhost_driver_set_protocol_features)
        unsafe sameType(rte_vhost_driver_start, CRteVhost.rte_vhost_driver_start)
        unsafe sameType(rte_vhost_driver_unregister, CRteVhost.rte_vhost_driver_unregister)
    }

    /// rte_vhost.h: devices and queues.
    static func devices() {
        sameType(rte_vhost_avail_entries, CRteVhost.rte_vhost_avail_entries)
        unsafe sameType(rte_vhost_dequeue_burst, CRteVhost.rte_vhost_dequeue_burst)
        sameType(
            rte_vhost_enable_guest_notification,
            CRteVhost.rte_vhost_enable_guest_notification)
        unsafe sameType(rte_vhost_enqueue_burst, CRteVhost.rte_vhost_enqueue_burst)
        unsafe sameType(rte_vhost_get_ifname, CRteVhost.rte_vhost_get_ifname)
        unsafe sameType(rte_vhost_get_log_base, CRteVhost.rte_vhost_get_log_base)
        unsafe sameType(rte_vhost_get_mem_table, CRteVhost.rte_vhost_get_mem_table)
        unsafe sameType(rte_vhost_get_mtu, CRteVhost.rte_vhost_get_mtu)
        unsafe sameType(
            rte_vhost_get_negotiated_features,
            CRteVhost.rte_vhost_get_negotiated_features)
        unsafe sameType(
            rte_vhost_get_negotiated_protocol_features,
            CRteVhost.rte_vhost_get_negotiated_protocol_features)
        sameType(rte_vhost_get_numa_node, CRteVhost.rte_vhost_get_numa_node)
        unsafe sameType(rte_vhost_get_vhost_vring, CRteVhost.rte_vhost_get_vhost_vring)
        unsafe sameType(rte_vhost_get_vring_base, CRteVhost.rte_vhost_get_vring_base)
        sameType(rte_vhost_get_vring_num, CRteVhost.rte_vhost_get_vring_num)
        sameType(rte_vhost_log_used_vring, CRteVhost.rte_vhost_log_used_vring)
        sameType(rte_vhost_log_write, CRteVhost.rte_vhost_log_write)
        sameType(rte_vhost_rx_queue_count, CRteVhost.rte_vhost_rx_queue_count)
        sameType(rte_vhost_set_vring_base, CRteVhost.rte_vhost_set_vring_base)
        sameType(rte_vhost_vring_call, CRteVhost.rte_vhost_vring_call)
    }

    /// This library's own headers and the standalone ones.
    static func own() {
        unsafe sameType(
            rtevhostswift_mempool_avail_count,
            CRteVhost.rtevhostswift_mempool_avail_count)
        unsafe sameType(rtevhostswift_mempool_free, CRteVhost.rtevhostswift_mempool_free)
        unsafe sameType(
            rtevhostswift_mempool_in_use_count,
            CRteVhost.rtevhostswift_mempool_in_use_count)
        unsafe sameType(rtevhostswift_mempool_lookup, CRteVhost.rtevhostswift_mempool_lookup)
        unsafe sameType(rtevhostswift_pktmbuf_alloc, CRteVhost.rtevhostswift_pktmbuf_alloc)
        unsafe sameType(
            rtevhostswift_pktmbuf_alloc_bulk,
            CRteVhost.rtevhostswift_pktmbuf_alloc_bulk)
        unsafe sameType(rtevhostswift_pktmbuf_detach, CRteVhost.rtevhostswift_pktmbuf_detach)
        unsafe sameType(rtevhostswift_pktmbuf_free, CRteVhost.rtevhostswift_pktmbuf_free)
        unsafe sameType(rtevhostswift_pktmbuf_free_bulk, CRteVhost.rtevhostswift_pktmbuf_free_bulk)
        unsafe sameType(rtevhostswift_pktmbuf_free_seg, CRteVhost.rtevhostswift_pktmbuf_free_seg)
        unsafe sameType(
            rtevhostswift_pktmbuf_pool_create,
            CRteVhost.rtevhostswift_pktmbuf_pool_create)
        unsafe sameType(
            rtevhostswift_driver_allow_uids, CRteVhost.rtevhostswift_driver_allow_uids)
        unsafe sameType(rtevhostswift_control_open, CRteVhost.rtevhostswift_control_open)
        sameType(rtevhostswift_control_close, CRteVhost.rtevhostswift_control_close)
        unsafe sameType(rtevhostswift_version, CRteVhost.rtevhostswift_version)
        unsafe sameType(rtevhostswift_vring_stats_get, CRteVhost.rtevhostswift_vring_stats_get)
    }

    /// rtevhostswift.h: counters by name, messages.
    static func counters() {
        unsafe sameType(
            rtevhostswift_vring_counters_get_names,
            CRteVhost.rtevhostswift_vring_counters_get_names)
        unsafe sameType(
            rtevhostswift_vring_counters_get, CRteVhost.rtevhostswift_vring_counters_get)
        sameType(
            rtevhostswift_vring_counters_reset, CRteVhost.rtevhostswift_vring_counters_reset)
        unsafe sameType(
            rtevhostswift_device_counters_get_names,
            CRteVhost.rtevhostswift_device_counters_get_names)
        unsafe sameType(
            rtevhostswift_device_counters_get, CRteVhost.rtevhostswift_device_counters_get)
        sameType(
            rtevhostswift_device_counters_reset, CRteVhost.rtevhostswift_device_counters_reset)
        unsafe sameType(
            rtevhostswift_device_messages_get, CRteVhost.rtevhostswift_device_messages_get)
        unsafe sameType(
            rtevhostswift_device_last_error_get, CRteVhost.rtevhostswift_device_last_error_get)
        unsafe sameType(
            rtevhostswift_driver_last_end_get, CRteVhost.rtevhostswift_driver_last_end_get)
        unsafe sameType(
            rtevhostswift_driver_last_refusal_get,
            CRteVhost.rtevhostswift_driver_last_refusal_get)
    }

    /// rte_vhost.h: chains in flight, message handlers.
    static func storage() {
        unsafe sameType(
            rte_vhost_extern_callback_register,
            CRteVhost.rte_vhost_extern_callback_register)
        unsafe sameType(
            rte_vhost_get_vhost_ring_inflight, CRteVhost.rte_vhost_get_vhost_ring_inflight)
        unsafe sameType(
            rte_vhost_get_vring_base_from_inflight,
            CRteVhost.rte_vhost_get_vring_base_from_inflight)
        sameType(
            rte_vhost_set_inflight_desc_split, CRteVhost.rte_vhost_set_inflight_desc_split)
        unsafe sameType(
            rte_vhost_set_inflight_desc_packed, CRteVhost.rte_vhost_set_inflight_desc_packed)
        sameType(
            rte_vhost_set_last_inflight_io_split,
            CRteVhost.rte_vhost_set_last_inflight_io_split)
        sameType(
            rte_vhost_set_last_inflight_io_packed,
            CRteVhost.rte_vhost_set_last_inflight_io_packed)
        sameType(
            rte_vhost_clr_inflight_desc_split, CRteVhost.rte_vhost_clr_inflight_desc_split)
        sameType(
            rte_vhost_clr_inflight_desc_packed, CRteVhost.rte_vhost_clr_inflight_desc_packed)
    }

    /// rte_vhost_crypto.h
    static func crypto() {
        unsafe sameType(
            rte_vhost_crypto_driver_start, CRteVhost.rte_vhost_crypto_driver_start)
        sameType(rte_vhost_crypto_free, CRteVhost.rte_vhost_crypto_free)
        sameType(rte_vhost_crypto_set_zero_copy, CRteVhost.rte_vhost_crypto_set_zero_copy)
        unsafe sameType(
            rte_vhost_crypto_fetch_requests, CRteVhost.rte_vhost_crypto_fetch_requests)
        unsafe sameType(
            rte_vhost_crypto_finalize_requests, CRteVhost.rte_vhost_crypto_finalize_requests)
    }
}
