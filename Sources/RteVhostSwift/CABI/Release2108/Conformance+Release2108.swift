// SPDX-License-Identifier: BSD-3-Clause
// Copyright (c) 2026 The librtevhostswift authors

import CRteVhost

/// The same for what only DPDK 21.08 has.
extension Conformance {
    /// rte_vhost.h
    @available(*, deprecated, message: "so that the deprecated one can be named")
    static func deprecated() {
        sameType(rte_vhost_get_queue_num, CRteVhost.rte_vhost_get_queue_num)
    }

    /// rte_vhost_async.h
    static func async() {
        unsafe sameType(
            rte_vhost_async_channel_register,
            CRteVhost.rte_vhost_async_channel_register)
        unsafe sameType(
            rte_vhost_async_channel_register_thread_unsafe,
            CRteVhost.rte_vhost_async_channel_register_thread_unsafe)
        sameType(
            rte_vhost_async_channel_unregister,
            CRteVhost.rte_vhost_async_channel_unregister)
        sameType(
            rte_vhost_async_channel_unregister_thread_unsafe,
            CRteVhost.rte_vhost_async_channel_unregister_thread_unsafe)
        sameType(rte_vhost_async_get_inflight, CRteVhost.rte_vhost_async_get_inflight)
        unsafe sameType(
            rte_vhost_async_try_dequeue_burst,
            CRteVhost.rte_vhost_async_try_dequeue_burst)
        unsafe sameType(
            rte_vhost_clear_queue_thread_unsafe,
            CRteVhost.rte_vhost_clear_queue_thread_unsafe)
        unsafe sameType(
            rte_vhost_poll_enqueue_completed,
            CRteVhost.rte_vhost_poll_enqueue_completed)
        unsafe sameType(rte_vhost_submit_enqueue_burst, CRteVhost.rte_vhost_submit_enqueue_burst)
    }

    /// rtevhostswift_dma.h
    static func softwareEngine() {
        unsafe sameType(rtevhostswift_dma_create, CRteVhost.rtevhostswift_dma_create)
        unsafe sameType(rtevhostswift_dma_destroy, CRteVhost.rtevhostswift_dma_destroy)
        unsafe sameType(rtevhostswift_dma_attach, CRteVhost.rtevhostswift_dma_attach)
        sameType(rtevhostswift_dma_detach, CRteVhost.rtevhostswift_dma_detach)
        unsafe sameType(rtevhostswift_dma_ops, CRteVhost.rtevhostswift_dma_ops)
        unsafe sameType(rtevhostswift_dma_stats_get, CRteVhost.rtevhostswift_dma_stats_get)
        unsafe sameType(rtevhostswift_dma_inject, CRteVhost.rtevhostswift_dma_inject)
    }

    /// rte_vhost_crypto.h
    static func cryptoCreation() {
        unsafe sameType(rte_vhost_crypto_create, CRteVhost.rte_vhost_crypto_create)
    }
}
