/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#define _GNU_SOURCE
#include "control_stress.h"

#include <rte_vhost_async.h>
#include <rtevhostswift_dma.h>

#define BURST 16
#define LIFE_US 8000

/** A thread of the data plane. */
struct plane {
	pthread_t thread;
	uint16_t queue;
	uint64_t sequence;
	uint64_t packets;	/**< Atomic. */
};

const struct stress_variant *stress_variant;
char stress_path[108];
uint64_t stress_damaged, stress_devices, stress_answers, stress_switched, stress_lives;

static char other_path[108];
static struct rtevhostswift_dma *engine;
static pthread_mutex_t channels = PTHREAD_MUTEX_INITIALIZER;
static int running_vid = -1;
static bool stop, calm;
static pthread_t asker, switcher, registrar;
static struct plane planes[STRESS_QUEUES];

static bool is_over(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static int current_vid(void)
{
	return __atomic_load_n(&running_vid, __ATOMIC_ACQUIRE);
}

void stress_count(uint64_t *counter, uint64_t more)
{
	__atomic_add_fetch(counter, more, __ATOMIC_RELAXED);
}

/* The application's callbacks, and its channels. */

static void add_channel(int vid, uint16_t queue)
{
	struct rte_vhost_async_config config = { .features = RTE_VHOST_ASYNC_INORDER };

	if (rtevhostswift_dma_attach(engine, vid, queue) == 0 || errno == EEXIST)
		rte_vhost_async_channel_register(vid, queue, config, rtevhostswift_dma_ops());
}

/** Fails while more is submitted. */
static void take_channel(int vid, uint16_t queue)
{
	struct rte_mbuf *mbufs[BURST];

	for (int i = 0; i < 50; i++) {
		uint16_t got = rte_vhost_clear_queue_thread_unsafe(vid, queue, mbufs, BURST);

		rte_pktmbuf_free_bulk(mbufs, got);
		if (got == 0 && rte_vhost_async_channel_unregister(vid, queue) == 0) {
			rtevhostswift_dma_detach(vid, queue);
			stress_count(&stress_switched, 1);
			break;
		}
	}
}

static int new_device(int vid)
{
	pthread_mutex_lock(&channels);
	for (uint16_t queue = 0; queue < STRESS_QUEUES && stress_variant->async; queue++)
		add_channel(vid, queue);
	pthread_mutex_unlock(&channels);
	stress_count(&stress_devices, 1);
	__atomic_store_n(&running_vid, vid, __ATOMIC_RELEASE);
	return 0;
}

/** The data plane goes on asking for it: that must be harmless. */
static void destroy_device(int vid)
{
	(void)vid;
}

static const struct vhost_device_ops ops = {
	.new_device = new_device,
	.destroy_device = destroy_device,
};

static void *switch_channels(void *argument)
{
	struct guest_random random = { .state = 5 };

	(void)argument;
	while (!is_over(&stop)) {
		uint16_t queue = (uint16_t)guest_random_range(&random, 0, STRESS_QUEUES - 1);
		int vid = current_vid();

		pthread_mutex_lock(&channels);
		take_channel(vid, queue);
		add_channel(vid, queue);
		pthread_mutex_unlock(&channels);
		usleep(2000);
	}
	return NULL;
}

/* The data plane. */

static void take_packet(struct plane *plane, struct rte_mbuf *mbuf)
{
	struct guest_stamp stamp;
	uint64_t hash;
	bool swapped;

	if (mbuf->nb_segs != 1 || mbuf->pkt_len != STRESS_FRAME ||
	    guest_packet_check(rte_pktmbuf_mtod(mbuf, uint8_t *), STRESS_FRAME, &stamp, &hash,
			       &swapped) < 0 || stamp.sender != plane->queue)
		stress_count(&stress_damaged, 1);
	stress_count(&plane->packets, 1);
	rte_pktmbuf_free(mbuf);
}

static void from_guest(struct plane *plane, int vid)
{
	struct rte_mbuf *mbufs[BURST];
	uint16_t got;
	int inflight;

	if (stress_variant->async)
		got = rte_vhost_async_try_dequeue_burst(vid, plane->queue, control_pool(), mbufs,
							BURST, &inflight);
	else
		got = rte_vhost_dequeue_burst(vid, plane->queue, control_pool(), mbufs, BURST);
	for (uint16_t i = 0; i < got; i++)
		take_packet(plane, mbufs[i]);
}

static void to_guest(struct plane *plane, int vid)
{
	struct guest_stamp stamp = { .sender = plane->queue };
	struct rte_mbuf *mbufs[BURST], *done[2 * BURST];
	uint16_t made = 0, sent;
	uint32_t done_count = 0;

	for (; made < 4 && (mbufs[made] = rte_pktmbuf_alloc(control_pool())); made++) {
		stamp.sequence = plane->sequence++;
		guest_packet_fill((uint8_t *)rte_pktmbuf_append(mbufs[made], STRESS_FRAME),
				  STRESS_FRAME, &stamp);
	}
	if (stress_variant->async) {
		sent = rte_vhost_submit_enqueue_burst(vid, plane->queue, mbufs, made, done,
						      &done_count);
		rte_pktmbuf_free_bulk(done, done_count);
		rte_pktmbuf_free_bulk(mbufs + sent, made - sent);
		done_count = rte_vhost_poll_enqueue_completed(vid, plane->queue, done, BURST);
		rte_pktmbuf_free_bulk(done, done_count);
	} else {
		sent = rte_vhost_enqueue_burst(vid, plane->queue, mbufs, made);
		rte_pktmbuf_free_bulk(mbufs, made);
	}
	stress_count(&plane->packets, sent);
}

static void *move(void *argument)
{
	struct plane *plane = argument;

	while (!is_over(&calm)) {
		int vid = current_vid();

		if (vid >= 0 && plane->queue % 2)
			from_guest(plane, vid);
		else if (vid >= 0)
			to_guest(plane, vid);
		usleep(50);
	}
	return NULL;
}

/* Questions. */

static void ask_device(int vid)
{
	struct rte_vhost_memory *memory = NULL;
	uint64_t bits, more;
	char name[108];
	uint16_t mtu;

	rte_vhost_get_negotiated_features(vid, &bits);
	rte_vhost_get_negotiated_protocol_features(vid, &bits);
	rte_vhost_get_mtu(vid, &mtu);
	rte_vhost_get_numa_node(vid);
	rte_vhost_get_ifname(vid, name, sizeof(name));
	rte_vhost_get_log_base(vid, &bits, &more);
	rte_vhost_get_vdpa_device(vid);
	rte_vhost_log_write(vid, STRESS_HOT_GPA, 4096);
	if (rte_vhost_get_mem_table(vid, &memory) == 0) {
		stress_count(&stress_answers, memory->nregions > 0);
		free(memory);
	}
}

static void ask_queue(int vid, uint16_t queue)
{
	struct rtevhostswift_vring_stats stats;
	struct rtevhostswift_dma_stats copies;
	struct rte_vhost_ring_inflight inflight;
	struct rte_vhost_vring ring;
	uint16_t a, b;

	rtevhostswift_vring_stats_get(vid, queue, &stats, sizeof(stats));
	rtevhostswift_dma_stats_get(vid, queue, &copies);
	rte_vhost_get_vhost_vring(vid, queue, &ring);
	rte_vhost_get_vhost_ring_inflight(vid, queue, &inflight);
	rte_vhost_get_vring_base(vid, queue, &a, &b);
	rte_vhost_get_vring_base_from_inflight(vid, queue, &a, &b);
	rte_vhost_set_inflight_desc_split(vid, queue, 1);
	rte_vhost_set_last_inflight_io_split(vid, queue, 1);
	rte_vhost_log_used_vring(vid, queue, 4, 8);
	rte_vhost_avail_entries(vid, queue);
	rte_vhost_rx_queue_count(vid, queue);
	rte_vhost_async_get_inflight(vid, queue);
	rte_vhost_enable_guest_notification(vid, queue, queue & 1);
	rte_vhost_vring_call(vid, queue);
}

static void *ask(void *argument)
{
	uint64_t bits;
	uint32_t pairs;

	(void)argument;
	while (!is_over(&stop)) {
		for (int vid = 0; vid < 2; vid++) {
			ask_device(vid);
			for (uint16_t queue = 0; queue < STRESS_QUEUES + 1; queue++)
				ask_queue(vid, queue);
		}
		rte_vhost_driver_get_features(stress_path, &bits);
		rte_vhost_driver_get_protocol_features(stress_path, &bits);
		rte_vhost_driver_get_queue_num(stress_path, &pairs);
		rte_vhost_driver_get_vdpa_device(stress_path);
		rtevhostswift_version();
		rte_mempool_in_use_count(control_pool());
		usleep(100);
	}
	return NULL;
}

/* The driver. */

static int offer(const char *at)
{
	uint64_t flags = stress_variant->async ? RTE_VHOST_USER_ASYNC_COPY : 0;

	if (stress_variant->iommu)
		flags |= RTE_VHOST_USER_IOMMU_SUPPORT;
	if (rte_vhost_driver_register(at, flags) < 0 ||
	    rte_vhost_driver_callback_register(at, &ops) < 0)
		return -1;
	return rte_vhost_driver_start(at);
}

static void *live(void *argument)
{
	uintptr_t failures = 0;

	(void)argument;
	for (uint32_t i = 1; !is_over(&stop); i++) {
		const char *at = i % 16 ? other_path : stress_path;

		failures += rte_vhost_driver_unregister(at) < 0 || offer(at) < 0;
		stress_count(&stress_lives, 1);
		usleep(LIFE_US);
	}
	return (void *)failures;
}

/* Life. */

void stress_begin(const struct stress_variant *what)
{
	stress_variant = what;
	stop = calm = false;
	running_vid = -1;
	stress_damaged = stress_devices = stress_answers = stress_switched = stress_lives = 0;
	control_path(stress_path, "stress");
	control_path(other_path, "stress-other");
	assert_int_equal(offer(stress_path), 0);
	assert_int_equal(offer(other_path), 0);
	if (what->async)
		assert_non_null(engine = rtevhostswift_dma_create(NULL));
	for (uint16_t i = 0; i < STRESS_QUEUES; i++) {
		planes[i] = (struct plane){ .queue = i };
		assert_int_equal(pthread_create(&planes[i].thread, NULL, move, &planes[i]), 0);
	}
	assert_int_equal(pthread_create(&asker, NULL, ask, NULL), 0);
	assert_int_equal(pthread_create(&registrar, NULL, live, NULL), 0);
	if (what->async)
		assert_int_equal(pthread_create(&switcher, NULL, switch_channels, NULL), 0);
}

void stress_calm(void)
{
	void *failures;

	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(asker, NULL);
	pthread_join(registrar, &failures);
	if (stress_variant->async)
		pthread_join(switcher, NULL);
	assert_null(failures);
}

uint64_t stress_packets(uint16_t queue)
{
	return __atomic_load_n(&planes[queue].packets, __ATOMIC_RELAXED);
}

void stress_end(void)
{
	__atomic_store_n(&calm, true, __ATOMIC_RELEASE);
	for (uint16_t i = 0; i < STRESS_QUEUES; i++)
		pthread_join(planes[i].thread, NULL);
	assert_int_equal(rte_vhost_driver_unregister(stress_path), 0);
	assert_int_equal(rte_vhost_driver_unregister(other_path), 0);
	for (int vid = 0; vid < 8; vid++)
		for (uint16_t queue = 0; queue < STRESS_QUEUES; queue++)
			rtevhostswift_dma_detach(vid, queue);
	if (stress_variant->async)
		assert_int_equal(rtevhostswift_dma_destroy(engine), 0);
	engine = NULL;
}
