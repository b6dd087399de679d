// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The same for what only DPDK 22.11 has.
extension Conformance {
    /// rte_vhost.h
    static func additions() {
        unsafe sameType(
            rte_vhost_driver_get_vdpa_dev_type, CRteVhost.rte_vhost_driver_get_vdpa_dev_type)
        unsafe sameType(rte_vhost_get_monitor_addr, CRteVhost.rte_vhost_get_monitor_addr)
        sameType(rte_vhost_vring_call_nonblock, CRteVhost.rte_vhost_vring_call_nonblock)
        unsafe sameType(rte_vhost_vring_stats_get, CRteVhost.rte_vhost_vring_stats_get)
        unsafe sameType(
            rte_vhost_vring_stats_get_names, CRteVhost.rte_vhost_vring_stats_get_names)
        sameType(rte_vhost_vring_stats_reset, CRteVhost.rte_vhost_vring_stats_reset)
    }

    /// rte_vhost_async.h
    static func async() {
        sameType(rte_vhost_async_channel_register, CRteVhost.rte_vhost_async_channel_register)
        sameType(
            rte_vhost_async_channel_register_thread_unsafe,
            CRteVhost.rte_vhost_async_channel_register_thread_unsafe)
        sameType(
            rte_vhost_async_channel_unregister, CRteVhost.rte_vhost_async_channel_unregister)
        sameType(
            rte_vhost_async_channel_unregister_thread_unsafe,
            CRteVhost.rte_vhost_async_channel_unregister_thread_unsafe)
        sameType(rte_vhost_async_dma_configure, CRteVhost.rte_vhost_async_dma_configure)
        sameType(rte_vhost_async_dma_unconfigure, CRteVhost.rte_vhost_async_dma_unconfigure)
        sameType(rte_vhost_async_get_inflight, CRteVhost.rte_vhost_async_get_inflight)
        sameType(
            rte_vhost_async_get_inflight_thread_unsafe,
            CRteVhost.rte_vhost_async_get_inflight_thread_unsafe)
        unsafe sameType(
            rte_vhost_async_try_dequeue_burst, CRteVhost.rte_vhost_async_try_dequeue_burst)
        unsafe sameType(rte_vhost_clear_queue, CRteVhost.rte_vhost_clear_queue)
        unsafe sameType(
            rte_vhost_clear_queue_thread_unsafe, CRteVhost.rte_vhost_clear_queue_thread_unsafe)
        unsafe sameType(
            rte_vhost_poll_enqueue_completed, CRteVhost.rte_vhost_poll_enqueue_completed)
        unsafe sameType(rte_vhost_submit_enqueue_burst, CRteVhost.rte_vhost_submit_enqueue_burst)
    }

    /// rte_vhost_crypto.h
    static func cryptoCreation() {
        unsafe sameType(rte_vhost_crypto_create, CRteVhost.rte_vhost_crypto_create)
    }
}
