/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The device of a cell, with a guest in it. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "host_clock.h"

/** Seconds until a device, or a reply, must be there: also on a busy machine, under callgrind. */
#define PATIENCE 20.0
/** Addresses between two memory regions. */
#define REGION_GAP (1ULL << 30)
/** Features of packets with offloads, guest and host side. */
#define OFFLOADS (GUEST_BIT(VIRTIO_NET_F_CSUM) | GUEST_BIT(VIRTIO_NET_F_HOST_TSO4) | \
		  GUEST_BIT(VIRTIO_NET_F_GUEST_CSUM) | GUEST_BIT(VIRTIO_NET_F_GUEST_TSO4))

/** The device; callbacks have no argument to pass it by. */
static atomic_int live_vid = -1;

static int on_new_device(int vid)
{
	atomic_store(&live_vid, vid);
	return 0;
}

static void on_destroy_device(int vid)
{
	(void)vid;
	atomic_store(&live_vid, -1);
}

static const struct bench_device_ops callbacks = {
	.new_device = on_new_device,
	.destroy_device = on_destroy_device,
};

/**
 * Register and start a socket. It stays: DPDK takes up to a second to notice a new one.
 */
static int serve(struct bench *bench, char *path, size_t room, bool iommu)
{
	struct bench_library *library = &bench->library;
	uint64_t flags = RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS;

	if (iommu)
		flags |= RTE_VHOST_USER_IOMMU_SUPPORT;
	snprintf(path, room, "%s%s", bench->options.socket, iommu ? ".iommu" : "");
	unlink(path);
	if (library->driver_register(path, flags) < 0)
		return bench_fail(bench, "rte_vhost_driver_register failed");
	if (library->driver_callback_register(path, &callbacks) < 0)
		return bench_fail(bench, "rte_vhost_driver_callback_register failed");
	if (library->driver_start(path) < 0)
		return bench_fail(bench, "rte_vhost_driver_start failed");
	return 0;
}

/** The socket for guests of the cell's kind, or NULL. */
static const char *socket_for(struct bench *bench)
{
	static char paths[2][108];
	bool iommu = bench->cell.iommu != BENCH_IOMMU_OFF;
	char *path = paths[iommu];

	if (path[0] == '\0' && serve(bench, path, sizeof(paths[0]), iommu) < 0)
		return NULL;
	return path;
}

/** Features that the cell wants, all of which must be offered. */
static uint64_t features_of(const struct bench_cell *cell)
{
	uint64_t features = GUEST_DEFAULT_FEATURES & ~GUEST_BIT(VIRTIO_NET_F_CTRL_VQ);

	if (cell->packed)
		features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
	if (!cell->event_index)
		features &= ~GUEST_BIT(VIRTIO_RING_F_EVENT_IDX);
	if (!cell->mergeable)
		features &= ~GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
	if (cell->offloads)
		features |= OFFLOADS;
	if (cell->iommu != BENCH_IOMMU_OFF)
		features |= GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM);
	return features;
}

static void configure(const struct bench *bench, struct guest_config *config)
{
	const struct bench_cell *cell = &bench->cell;
	const struct bench_plan *plan = &bench->plan;
	uint32_t slots = plan->slots + plan->pieces;

	guest_config_init(config);
	config->timeout_ms = (int)(PATIENCE * 1000);
	config->features = features_of(cell);
	if (cell->log)
		config->protocol_features |= GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
	if (cell->iommu != BENCH_IOMMU_OFF)
		config->protocol_features |= GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ);
	config->queue_pairs = cell->queues;
	config->region_count = cell->regions;
	config->region_gap = REGION_GAP;
	config->ring_size = plan->ring_size;
	config->buffer_size = plan->buffer_size;
	config->table_entries = plan->shape.indirect ? plan->pieces : 0;
	config->rx_capacity = plan->capacity;
	config->rx_shape = plan->shape;
	/* guest_fast.h: a full ring is the end of a prefill, a lack of buffers is not. */
	config->tx_buffers = cell->enqueue ? 1 : slots;
	config->rx_buffers = cell->enqueue ? slots : 1;
	config->manual_rx = true;
}

int bench_connect(struct bench *bench)
{
	struct guest_config config;
	int ret;

	configure(bench, &config);
	config.socket_path = socket_for(bench);
	if (!config.socket_path)
		return -1;
	ret = guest_create(&config, &bench->guest);
	if (ret == 0 && bench->cell.iommu == BENCH_IOMMU_PAGE)
		ret = guest_iotlb_create(&bench->iotlb, bench->guest, 0);
	if (ret < 0)
		return bench_fail(bench, "guest: %s", strerror(-ret));
	for (uint32_t i = 0; i < bench->cell.queues; i++) {
		struct bench_lane *lane = &bench->lanes[i];

		lane->queue = bench->cell.enqueue ? guest_rx_queue(bench->guest, i) :
						    guest_tx_queue(bench->guest, i);
		lane->queue_id = (uint16_t)lane->queue->index;
	}
	ret = guest_connect(bench->guest);
	if (ret < 0)
		return bench_fail(bench, "guest_connect: %s", strerror(-ret));
	if (bench->guest->features != config.features)
		return bench_fail(bench, "not offered: features 0x%llx",
				  (unsigned long long)(config.features & ~bench->guest->features));
	if (bench->guest->protocol_features != config.protocol_features)
		return bench_fail(bench, "not offered: protocol features 0x%llx",
				  (unsigned long long)(config.protocol_features &
						       ~bench->guest->protocol_features));
	return 0;
}

int bench_serve(struct bench *bench)
{
	int ret = bench->cell.iommu == BENCH_IOMMU_OFF ? 0 : guest_service(bench->guest);

	return ret < 0 ? bench_fail(bench, "IOTLB: %s", strerror(-ret)) : 0;
}

/** Wait until the device is there. */
static int await_device(struct bench *bench)
{
	const struct timespec nap = { .tv_nsec = 50000 };
	double deadline = bench_now() + PATIENCE;

	while ((bench->vid = atomic_load(&live_vid)) < 0) {
		if (bench_now() > deadline)
			return bench_fail(bench, "no new_device");
		/* Rings behind an IOMMU are ready when they are translated. */
		if (bench_serve(bench) < 0)
			return -1;
		nanosleep(&nap, NULL);
	}
	return 0;
}

/**
 * Tell the backend of every page that is in use. DPDK's library drops packets at addresses that it
 * has to ask for.
 */
static int tell_pages(struct bench *bench)
{
	uint64_t taken = bench->guest->memory.regions[0].taken;
	int ret = 0;

	if (bench->cell.iommu != BENCH_IOMMU_PAGE)
		return 0;
	for (uint32_t page = 0; page * (uint64_t)GUEST_IOTLB_PAGE < taken && ret == 0; page++)
		ret = guest_iotlb_tell(&bench->iotlb, page);
	return ret;
}

int bench_start(struct bench *bench)
{
	int ret = guest_stop(bench->guest);

	if (ret == 0) {
		guest_reset(bench->guest);
		ret = guest_start(bench->guest);
	}
	if (ret == 0)
		ret = tell_pages(bench);
	if (ret < 0)
		return bench_fail(bench, "guest_start: %s", strerror(-ret));
	if (await_device(bench) < 0)
		return -1;
	/* Logging goes on after a restart. */
	if (bench->cell.log && !bench->log.bits)
		ret = guest_log_start(bench->guest, &bench->log);
	if (ret < 0)
		return bench_fail(bench, "guest_log_start: %s", strerror(-ret));
	/* A host that polls. */
	for (uint32_t queue = 0; queue < 2 * bench->cell.queues; queue++)
		bench->library.enable_guest_notification(bench->vid, (uint16_t)queue, 0);
	return 0;
}

/** What is checked when all is over. */
static int check_end(struct bench *bench)
{
	unsigned int left = rte_mempool_avail_count(bench->pool);

	if (left != bench->pool_size)
		return bench_fail(bench, "pool: %u mbufs of %u after", left, bench->pool_size);
	if (bench->cell.log && guest_log_count(&bench->log) == 0)
		return bench_fail(bench, "nothing in the dirty log");
	return 0;
}

int bench_close(struct bench *bench)
{
	int ret;

	for (uint32_t i = 0; i < bench->packet_count; i++)
		rte_pktmbuf_free(bench->packets[i]);
	free(bench->packets);
	bench->packets = NULL;
	bench->packet_count = 0;
	ret = check_end(bench);
	if (ret == 0 && guest_stop(bench->guest) < 0)
		ret = bench_fail(bench, "guest_stop failed");
	guest_disconnect(bench->guest);
	if (bench->cell.log)
		guest_log_destroy(&bench->log);
	if (bench->cell.iommu == BENCH_IOMMU_PAGE)
		guest_iotlb_destroy(&bench->iotlb);
	guest_destroy(bench->guest);
	bench->guest = NULL;
	return ret;
}
