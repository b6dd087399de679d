/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Everything from every thread at the wrong moment: threads call all functions of the API with
 * devices, queues and sockets that are there, were there and never were, callbacks call them from
 * inside, and guests connect, send and vanish. Nothing crashes, hangs or is left over.
 */
#define _GNU_SOURCE
#include "control_vdpa.h"

#include <limits.h>

#include <rte_vhost_async.h>
#include <rtevhostswift_dma.h>

#define THREADS 3
#define GUESTS 3
#define STEPS 60000
#define BURST 8
#define PATHS 4

/** What a thread works with. */
struct caller {
	pthread_t thread;
	struct guest_random random;
	struct rte_mbuf *mbufs[BURST], *others[BURST];
};

/** One call, or a few that belong together. */
typedef void (*step)(struct caller *caller, int vid, uint16_t queue, const char *path);

static char paths[PATHS][108];
static struct rtevhostswift_dma *engine;
static int running, destroyed = -1;
static uint64_t devices, packets;
static struct vring relay;

static int no_result(int vid, void *message)
{
	(void)vid;
	(void)message;
	return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

static uint32_t pick(struct caller *caller, uint32_t below)
{
	return guest_random_range(&caller->random, 0, below - 1);
}

static void ask_device(struct caller *caller, int vid, uint16_t queue, const char *path)
{
	struct rte_vhost_memory *memory = NULL;
	struct rtevhostswift_vring_stats stats;
	uint64_t bits, more;
	char name[108];
	uint16_t mtu;

	(void)caller;
	(void)path;
	rte_vhost_get_negotiated_features(vid, &bits);
	rte_vhost_get_negotiated_protocol_features(vid, &bits);
	rte_vhost_get_mtu(vid, &mtu);
	rte_vhost_get_numa_node(vid);
	rte_vhost_get_vring_num(vid);
	rte_vhost_get_ifname(vid, name, sizeof(name));
	rte_vhost_get_log_base(vid, &bits, &more);
	rte_vhost_get_vdpa_device(vid);
	rtevhostswift_vring_stats_get(vid, queue, &stats, sizeof(stats));
	if (rte_vhost_get_mem_table(vid, &memory) == 0)
		free(memory);
}

static void ask_queue(struct caller *caller, int vid, uint16_t queue, const char *path)
{
	struct rte_vhost_ring_inflight inflight;
	struct rte_vhost_vring ring;
	uint16_t a, b;

	(void)path;
	rte_vhost_get_vhost_vring(vid, queue, &ring);
	rte_vhost_get_vhost_ring_inflight(vid, queue, &inflight);
	rte_vhost_get_vring_base_from_inflight(vid, queue, &a, &b);
	rte_vhost_avail_entries(vid, queue);
	rte_vhost_rx_queue_count(vid, queue);
	rte_vhost_vring_call(vid, queue);
	rte_vhost_enable_guest_notification(vid, queue, (int)pick(caller, 2));
	if (rte_vhost_get_vring_base(vid, queue, &a, &b) == 0 && pick(caller, 50) == 0)
		rte_vhost_set_vring_base(vid, queue, (uint16_t)(a + pick(caller, 3)), b);
}

static void keep_record(struct caller *caller, int vid, uint16_t queue, const char *path)
{
	uint16_t entry, head = (uint16_t)pick(caller, 300);

	(void)path;
	rte_vhost_set_inflight_desc_split(vid, queue, head);
	rte_vhost_set_last_inflight_io_split(vid, queue, head);
	rte_vhost_clr_inflight_desc_split(vid, queue, (uint16_t)pick(caller, 300), head);
	rte_vhost_set_inflight_desc_packed(vid, queue, head, (uint16_t)(head + 1), &entry);
	rte_vhost_set_last_inflight_io_packed(vid, queue, head);
	rte_vhost_clr_inflight_desc_packed(vid, queue, head);
	rte_vhost_log_write(vid, (uint64_t)pick(caller, UINT_MAX) << 4, pick(caller, 1 << 20));
	rte_vhost_log_used_vring(vid, queue, pick(caller, 4096), pick(caller, 4096));
}

static void move_packets(struct caller *caller, int vid, uint16_t queue, const char *path)
{
	uint16_t got = rte_vhost_dequeue_burst(vid, queue, control_pool(), caller->mbufs, BURST);

	(void)path;
	if (got > 0) {
		rte_vhost_enqueue_burst(vid, queue ^ 1, caller->mbufs, got);
		rte_pktmbuf_free_bulk(caller->mbufs, got);
		__atomic_add_fetch(&packets, got, __ATOMIC_RELAXED);
	}
}

static void add_channel(struct caller *caller, int vid, uint16_t queue, const char *path)
{
	struct rte_vhost_async_config config = { .features = RTE_VHOST_ASYNC_INORDER };

	(void)path;
	rtevhostswift_dma_attach(engine, vid, queue);
	if (pick(caller, 2) == 0)
		rte_vhost_async_channel_register(vid, queue, config, rtevhostswift_dma_ops());
	else
		rte_vhost_async_channel_register_thread_unsafe(vid, queue, config,
							       rtevhostswift_dma_ops());
}

static void take_channel(struct caller *caller, int vid, uint16_t queue, const char *path)
{
	uint16_t got = rte_vhost_clear_queue_thread_unsafe(vid, queue, caller->mbufs, BURST);

	(void)path;
	rte_pktmbuf_free_bulk(caller->mbufs, got);
	if (pick(caller, 2) == 0)
		rte_vhost_async_channel_unregister(vid, queue);
	else
		rte_vhost_async_channel_unregister_thread_unsafe(vid, queue);
	if (rte_vhost_async_get_inflight(vid, queue) < 0)
		rtevhostswift_dma_detach(vid, queue);
}

static void move_with_engine(struct caller *caller, int vid, uint16_t queue, const char *path)
{
	uint16_t got, sent = 0;
	uint32_t done = 0;
	int inflight;

	(void)path;
	got = rte_vhost_async_try_dequeue_burst(vid, queue, control_pool(), caller->mbufs, BURST,
						&inflight);
	if (got > 0)
		sent = rte_vhost_submit_enqueue_burst(vid, queue ^ 1, caller->mbufs, got,
						      caller->others, &done);
	rte_pktmbuf_free_bulk(caller->mbufs + sent, got - sent);
	rte_pktmbuf_free_bulk(caller->others, done);
	got = rte_vhost_poll_enqueue_completed(vid, queue, caller->mbufs, BURST);
	rte_pktmbuf_free_bulk(caller->mbufs, got);
	__atomic_add_fetch(&packets, got + done, __ATOMIC_RELAXED);
}

static void tell_frontend(struct caller *caller, int vid, uint16_t queue, const char *path)
{
	static const struct rte_vhost_user_extern_ops ops = {
		.pre_msg_handle = (rte_vhost_msg_handle)no_result,
	};

	(void)path;
	rte_vhost_extern_callback_register(vid, &ops, NULL);
	rte_vhost_slave_config_change(vid, pick(caller, 500) == 0);
	rte_vhost_host_notifier_ctrl(vid, pick(caller, 4) ? queue : RTE_VHOST_QUEUE_ALL,
				     pick(caller, 2) == 0);
	rte_vdpa_relay_vring_used(vid, queue, &relay);
}

static void ask_hardware(struct caller *caller, int vid, uint16_t queue, const char *path)
{
	struct rte_vdpa_device *device = rte_vdpa_find_device_by_name("stress");
	struct rte_vdpa_stat_name names[4];
	struct rte_vdpa_stat stats[4];
	uint64_t bits;
	uint32_t pairs;

	(void)vid;
	rte_vdpa_get_rte_device(device);
	rte_vdpa_get_queue_num(device, &pairs);
	rte_vdpa_get_features(device, &bits);
	rte_vdpa_get_protocol_features(device, &bits);
	rte_vdpa_get_stats_names(device, names, 4);
	rte_vdpa_get_stats(device, queue, stats, 4);
	rte_vdpa_reset_stats(device, queue);
	rte_vhost_driver_get_vdpa_device(path);
	if (pick(caller, 8) == 0)
		rte_vhost_driver_attach_vdpa_device(path, device);
	else
		rte_vhost_driver_detach_vdpa_device(path);
	if (pick(caller, 20) == 0)
		rte_vdpa_unregister_device(device);
	rte_vdpa_register_device((struct rte_device *)&control_vdpa.device, &control_vdpa.ops);
}

static void offer(struct caller *caller, int vid, uint16_t queue, const char *path)
{
	uint64_t bits;
	uint32_t pairs;

	(void)vid;
	(void)queue;
	rte_vhost_driver_get_features(path, &bits);
	rte_vhost_driver_get_protocol_features(path, &bits);
	rte_vhost_driver_get_queue_num(path, &pairs);
	rte_vhost_driver_disable_features(path, 1ULL << pick(caller, 32));
	rte_vhost_driver_enable_features(path, 1ULL << pick(caller, 32));
	if (pick(caller, 100) == 0)
		rte_vhost_driver_set_features(path, bits);
	rte_vhost_driver_set_protocol_features(path, UINT64_MAX);
}

static const struct vhost_device_ops ops;

static void change_socket(struct caller *caller, int vid, uint16_t queue, const char *path)
{
	static const uint64_t flags[] = {
		0, RTE_VHOST_USER_ASYNC_COPY, RTE_VHOST_USER_ASYNC_COPY, RTE_VHOST_USER_CLIENT,
		RTE_VHOST_USER_ASYNC_COPY | RTE_VHOST_USER_IOMMU_SUPPORT,
	};

	(void)vid;
	(void)queue;
	if (pick(caller, 20) == 0)
		rte_vhost_driver_unregister(path);
	rte_vhost_driver_register(path, flags[pick(caller, CONTROL_COUNT(flags))]);
	rte_vhost_driver_callback_register(path, &ops);
	rte_vhost_driver_start(path);
}

static const step steps[] = {
	ask_device, ask_queue, keep_record, move_packets, move_packets, add_channel, take_channel,
	move_with_engine, move_with_engine, tell_frontend, ask_hardware, offer, change_socket,
};

static void take_step(struct caller *caller, int own)
{
	static const int odd[] = { -1, -2, INT_MIN, INT_MAX, 1023, 1024, 1 << 20 };
	uint32_t kind = pick(caller, 100);
	uint16_t queue = (uint16_t)(pick(caller, 50) ? pick(caller, 4) : pick(caller, 65536));
	int vid = (int)pick(caller, 4);

	if (own >= 0)
		vid = own;
	else if (kind < 3)
		vid = odd[pick(caller, CONTROL_COUNT(odd))];
	steps[pick(caller, CONTROL_COUNT(steps))](caller, vid, queue, paths[pick(caller, PATHS)]);
}

/** Callbacks, all on one thread. */
static void call_back(int vid)
{
	static struct caller caller = { .random = { .state = 4711 } };

	/* At the end they must not register again what is unregistered. */
	for (int i = 0; i < 4 && __atomic_load_n(&running, __ATOMIC_ACQUIRE) > 0; i++)
		take_step(&caller, vid);
}

static int new_device(int vid)
{
	__atomic_add_fetch(&devices, 1, __ATOMIC_RELAXED);
	call_back(vid);
	return 0;
}

static int changed(int vid, uint16_t queue, int enable)
{
	(void)queue;
	(void)enable;
	call_back(vid);
	return 0;
}

static int connected(int vid)
{
	call_back(vid);
	return 0;
}

static const struct vhost_device_ops ops = {
	.new_device = new_device, .destroy_device = call_back, .vring_state_changed = changed,
	.new_connection = connected, .destroy_connection = call_back,
};

static void *call(void *argument)
{
	struct caller *caller = argument;

	for (int i = 0; i < STEPS; i++)
		take_step(caller, -1);
	__atomic_sub_fetch(&running, 1, __ATOMIC_ACQ_REL);
	return NULL;
}

/** Guests that come, send and vanish; what they receive may be anything. */
static void *live(void *argument)
{
	static const struct guest_shape shape;
	struct caller *caller = argument;
	uint8_t frame[256] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0 };

	while (__atomic_load_n(&running, __ATOMIC_ACQUIRE) > 0) {
		struct guest_config config;
		struct guest *guest;

		guest_config_init(&config);
		config.socket_path = paths[pick(caller, PATHS)];
		config.timeout_ms = 200;
		if (guest_create(&config, &guest) < 0)
			abort();
		if (guest_connect(guest) == 0 && pick(caller, 8) > 0 && guest_start(guest) == 0)
			for (uint32_t j = pick(caller, 60); j > 0; j--) {
				guest_tx_reap(guest_tx_queue(guest, 0));
				guest_tx(guest_tx_queue(guest, 0), frame, sizeof(frame), &shape);
				guest_submit(guest_tx_queue(guest, 0));
				usleep(100);
			}
		if (pick(caller, 2) == 0 && guest->frontend.socket >= 0)
			guest_stop(guest);
		guest_destroy(guest);
	}
	return NULL;
}

static void end(void)
{
	/* A second time: a callback may have been at it still. */
	for (int i = 0; i < 2 * PATHS; i++)
		rte_vhost_driver_unregister(paths[i % PATHS]);
	for (int vid = 0; vid < 1024; vid++)
		for (uint16_t queue = 0; queue < 256; queue++)
			rtevhostswift_dma_detach(vid, queue);
	destroyed = rtevhostswift_dma_destroy(engine);
	rte_vdpa_unregister_device(rte_vdpa_find_device_by_name("stress"));
}

static void everything_at_once(void **state)
{
	static struct caller callers[THREADS + GUESTS];
	struct control_counts before;
	struct control_device last;

	(void)state;
	control_open(&last, "last", 0, NULL);
	control_close(&last);
	vring_init(&relay, 256, aligned_alloc(4096, 1 << 16), 4096);
	memset(relay.desc, 0, 1 << 16);
	control_vdpa_init("stress");
	control_pool();
	control_count_idle(&before);
	engine = rtevhostswift_dma_create(NULL);
	assert_non_null(engine);
	for (int i = 0; i < PATHS; i++)
		snprintf(paths[i], sizeof(paths[i]), "%s/stress%d", control_directory(), i);
	control_capture_begin();
	running = THREADS;
	for (int i = 0; i < THREADS + GUESTS; i++) {
		callers[i].random.state = (uint64_t)i + 1;
		pthread_create(&callers[i].thread, NULL, i < THREADS ? call : live, &callers[i]);
	}
	for (int i = 0; i < THREADS + GUESTS; i++)
		pthread_join(callers[i].thread, NULL);
	end();
	control_capture_end(NULL);
	printf("%lu devices, %lu packets\n", (unsigned long)devices, (unsigned long)packets);
	assert_true(devices > 20);
	assert_int_equal(destroyed, 0);
	control_assert_flat(&before);
	control_assert_pool();
	free(relay.desc);
	control_open(&last, "last", 0, NULL);
	control_send_good(&last, 1);
	control_receive_good(&last, 2);
	control_close(&last);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(everything_at_once),
};

CONTROL_MAIN_QUIET(300, tests)
