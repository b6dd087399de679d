/* SPDX-License-Identifier: BSD-3-Clause */

/* Functions may be called from any thread, whatever the event thread is doing. */
#define _GNU_SOURCE
#include "control.h"

#define THREADS 4
#define LIVES 400
#define ROUNDS 300

static struct control_device one;
static char shared_path[108];
static bool stop;

/** Register, start and unregister a path that others use as well; any result will do. */
static void *share_a_path(void *argument)
{
	uintptr_t wins = 0;

	(void)argument;
	for (int i = 0; i < LIVES; i++) {
		if (rte_vhost_driver_register(shared_path, 0) == 0)
			wins++;
		rte_vhost_driver_callback_register(shared_path, &control_ops);
		rte_vhost_driver_start(shared_path);
		rte_vhost_driver_unregister(shared_path);
	}
	return (void *)wins;
}

static void threads_share_a_path(void **state)
{
	struct control_counts before;
	pthread_t threads[THREADS];
	uintptr_t wins = 0;

	(void)state;
	control_path(shared_path, "shared");
	control_open(&one, "first", 0, NULL);
	control_close(&one);
	control_count_idle(&before);
	control_capture_begin();
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, share_a_path, NULL);
	for (int i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		wins += (uintptr_t)result;
	}
	rte_vhost_driver_unregister(shared_path);
	control_capture_end(NULL);
	assert_true(wins > 0);
	control_assert_flat(&before);
	/* The path can be used as if nothing had been. */
	strcpy(one.path, shared_path);
	assert_int_equal(rte_vhost_driver_register(shared_path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(shared_path, &control_ops), 0);
	assert_int_equal(rte_vhost_driver_start(shared_path), 0);
	control_attach(&one, NULL);
	control_send_good(&one, 1);
	control_close(&one);
}

/** All questions there are, about devices that come and go. */
static void *ask(void *argument)
{
	uintptr_t answers = 0;

	(void)argument;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		for (int vid = 0; vid < 3; vid++) {
			struct rtevhostswift_vring_stats stats;
			struct rte_vhost_memory *memory = NULL;
			struct rte_vhost_vring ring;
			uint16_t a, b, mtu;
			uint64_t bits;
			char name[108];

			answers += rte_vhost_get_negotiated_features(vid, &bits) == 0;
			rte_vhost_get_negotiated_protocol_features(vid, &bits);
			rte_vhost_get_mtu(vid, &mtu);
			rte_vhost_get_ifname(vid, name, sizeof(name));
			rte_vhost_get_numa_node(vid);
			if (rte_vhost_get_mem_table(vid, &memory) == 0) {
				answers += memory->nregions == 1;
				free(memory);
			}
			for (uint16_t queue = 0; queue < rte_vhost_get_vring_num(vid); queue++) {
				rte_vhost_get_vhost_vring(vid, queue, &ring);
				rte_vhost_get_vring_base(vid, queue, &a, &b);
				rte_vhost_avail_entries(vid, queue);
				rte_vhost_vring_call(vid, queue);
				rte_vhost_enable_guest_notification(vid, queue, answers & 1);
				rtevhostswift_vring_stats_get(vid, queue, &stats, sizeof(stats));
			}
		}
	return (void *)answers;
}

static void questions_at_any_time(void **state)
{
	struct control_poller poller;
	struct control_counts before;
	pthread_t threads[THREADS];

	(void)state;
	control_open(&one, "asked", 0, NULL);
	control_detach(&one);
	control_count_idle(&before);
	stop = false;
	control_capture_begin();
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, ask, NULL);
	control_poller_start(&poller);
	for (int i = 0; i < ROUNDS; i++) {
		control_attach(&one, NULL);
		for (int j = 0; j < 5; j++)
			guest_send_memory(one.guest);
		guest_stop(one.guest);
		guest_start(one.guest);
		control_detach(&one);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	control_poller_stop(&poller);
	control_capture_end(NULL);
	for (int i = 0; i < THREADS; i++) {
		void *answers;

		pthread_join(threads[i], &answers);
		assert_non_null(answers);
	}
	control_assert_flat(&before);
	control_close(&one);
	control_assert_pool();
}

struct burst {
	pthread_t thread;
	uint16_t queue;
	uint64_t packets;
};

/** Several threads on one queue: the library's lock keeps them apart. */
static void *dequeue(void *argument)
{
	struct burst *burst = argument;
	struct rte_mbuf *mbufs[32];

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		uint16_t got = rte_vhost_dequeue_burst(one.vid, 1, control_pool(), mbufs, 32);

		for (uint16_t i = 0; i < got;) {
			uint16_t done = rte_vhost_enqueue_burst(one.vid, 0, mbufs + i,
								(uint16_t)(got - i));

			i = (uint16_t)(i + done);
			if (done == 0 && __atomic_load_n(&stop, __ATOMIC_ACQUIRE))
				break;
		}
		burst->packets += got;
		rte_pktmbuf_free_bulk(mbufs, got);
	}
	return NULL;
}

static void one_queue_of_many_threads(void **state)
{
	struct guest_order *order = calloc(1, sizeof(*order));
	static const struct guest_shape shape;
	struct burst bursts[THREADS] = { 0 };
	uint64_t sent = 0, back = 0;
	uint8_t frame[2048];

	(void)state;
	control_open(&one, "many", 0, NULL);
	stop = false;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&bursts[i].thread, NULL, dequeue, &bursts[i]);
	while (back < 50000) {
		struct guest_queue *tx = guest_tx_queue(one.guest, 0);
		struct guest_queue *rx = guest_rx_queue(one.guest, 0);
		struct guest_received received;

		guest_tx_reap(tx);
		while (sent < 50000 && sent - back < 200) {
			control_frame(frame, 200, sent);
			if (guest_tx(tx, frame, 200, &shape) < 0)
				break;
			sent++;
		}
		guest_submit(tx);
		while (guest_rx(rx, frame, sizeof(frame), &received) >= 0) {
			struct guest_stamp stamp;
			uint64_t hash;
			bool swapped;

			assert_int_equal(guest_packet_check(frame, received.length, &stamp, &hash,
							    &swapped), 0);
			assert_int_not_equal(guest_order_note(order, stamp.sequence),
					     GUEST_ORDER_TWICE);
			back++;
		}
		guest_rx_fill(rx);
		guest_submit(rx);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (int i = 0; i < THREADS; i++)
		pthread_join(bursts[i].thread, NULL);
	assert_int_equal(guest_complaints(one.guest), 0);
	free(order);
	control_close(&one);
	control_assert_pool();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(threads_share_a_path),
	cmocka_unit_test(questions_at_any_time),
	cmocka_unit_test(one_queue_of_many_threads),
};

CONTROL_MAIN_QUIET(300, tests)
