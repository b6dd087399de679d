/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Row F09: messages in any order, repeated or missing; features that come and go. */
#define _GNU_SOURCE
#include "control_random.h"
#include "front.h"

#include <linux/virtio_config.h>
#include <sys/mman.h>
#include <sys/socket.h>

/** Messages that bring a device up: these, for two queues... */
enum step { NUM, BASE, ADDR, CALL, KICK, ENABLE, QUEUE_STEPS };
/** ...and these. */
enum { FEATURES = 2 * QUEUE_STEPS, MEMORY, STATUS, STEPS };

static int send_step(int step)
{
	struct guest *guest = front.target->guest;
	struct guest_frontend *frontend = &guest->frontend;
	uint32_t index = (uint32_t)(step / QUEUE_STEPS);
	struct guest_queue *queue = &guest->queues[index % 2];
	struct guest_vring_addr addr;

	if (step == FEATURES)
		return guest_set_features(frontend, guest->features);
	if (step == MEMORY)
		return guest_send_memory(guest);
	if (step == STATUS)
		return guest_set_status(frontend, 15);
	guest_ring_addr(queue, &addr);
	switch (step % QUEUE_STEPS) {
	case NUM:
		return guest_set_vring_num(frontend, index, queue->size);
	case BASE:
		return guest_set_vring_base(frontend, index, queue->ops->base(queue));
	case ADDR:
		return guest_set_vring_addr(frontend, &addr);
	case CALL:
		return guest_set_vring_call(frontend, index, queue->call_fd);
	case KICK:
		return guest_set_vring_kick(frontend, index, queue->kick_fd);
	default:
		return guest_set_vring_enable(frontend, index, true);
	}
}

/** The target's guest as it is after guest_connect(); nothing else was said. */
static void connect_again(void)
{
	struct bench *bench = front.target;

	front_hang_up();
	for (uint64_t i = 0; i < 10; i++) {
		static const struct guest_shape direct;
		uint8_t frame[600] = { 0 };

		assert_int_equal(guest_tx(bench->tx, frame, sizeof(frame), &direct), 0);
	}
	guest_submit(bench->tx);
	guest_rx_fill(bench->rx);
	guest_submit(bench->rx);
	assert_int_equal(guest_connect(bench->guest), 0);
}

/** End a connection that was not brought up as bench_start() does it. */
static void disconnect(void)
{
	struct bench *bench = front.target;

	for (int queue = RX; queue <= TX && bench->started; queue++)
		engine_behave(&bench->engines[queue]);
	front_hang_up();
}

static void F09_any_order_repeated_or_missing(struct hostile *hostile)
{
	struct guest_random random = { .state = 1805 };
	int ran = 0;

	front_open(hostile, NULL);
	for (uint32_t round = 0; round < front_times(20000, 60); round++) {
		int order[2 * STEPS], count = 0;

		for (int step = 0; step < STEPS; step++)
			for (uint32_t times = guest_random_range(&random, 0, 9), i = 0;
			     i < (times == 0 ? 0 : times == 1 ? 2 : 1); i++)
				order[count++] = step;
		/* Half of the rounds are nearly in order. */
		for (int i = 0; i < count; i++) {
			int other = round % 2 ? i + (int)guest_random_range(&random, 0, 2) :
				    (int)guest_random_range(&random, 0, (uint32_t)count - 1);
			int kept = order[i];

			if (other >= count)
				continue;
			order[i] = order[other];
			order[other] = kept;
		}
		connect_again();
		for (int i = 0; i < count; i++) {
			assert_true(send_step(order[i]) >= -EREMOTEIO);
			front_adopt();
			front_poll_blindly();
		}
		ran += front.target->vid >= 0;
		/* And what a device that lacks something is told later. */
		for (int step = STEPS - 1; step >= 0 && round % 3 == 0; step--) {
			send_step(step);
			front_adopt();
			front_poll_blindly();
		}
		hostile_check_innocent(hostile);
		disconnect();
	}
	/* It was not all refused. */
	assert_true(ran > 5);
	front_begin_anew();
	front_close(hostile);
}

/** Devices of a socket that takes anything, by vid. */
static bool runs[1024];
static struct hostile *test;
static int registered;

static int seen(int vid)
{
	__atomic_store_n(&runs[vid], true, __ATOMIC_RELEASE);
	return 0;
}

static void gone(int vid)
{
	__atomic_store_n(&runs[vid], false, __ATOMIC_RELEASE);
}

static int changed(int vid, uint16_t queue, int enable)
{
	struct rte_vhost_async_config config = { .features = RTE_VHOST_ASYNC_INORDER,
						 .async_threshold = test->threshold };

	if (test->async && enable && queue < 4 &&
	    rte_vhost_async_channel_register_thread_unsafe(vid, queue, config,
							   &front_blind_engine) == 0)
		registered++;
	return 0;
}

static const struct vhost_device_ops blind_ops = {
	.new_device = seen,
	.destroy_device = gone,
	.vring_state_changed = changed,
};

/** One turn of an application that polls whatever devices there are. @return packets. */
static uint64_t poll_all(void)
{
	struct bench *bench = front.target;
	struct rte_mbuf *mbufs[33], *done[33];
	uint64_t packets = 0;

	for (int vid = 0; vid < 16; vid++)
		for (uint16_t queue = 0; queue < 4; queue++) {
			uint32_t completed = 0;
			uint16_t got = 0;
			int inflight;

			if (!__atomic_load_n(&runs[vid], __ATOMIC_ACQUIRE))
				continue;
			if (queue % 2) {
				got = test->async ? rte_vhost_async_try_dequeue_burst(vid, queue,
						bench->pool.mp, mbufs, 32, &inflight) :
					rte_vhost_dequeue_burst(vid, queue, bench->pool.mp, mbufs,
								32);
				rte_pktmbuf_free_bulk(mbufs, got);
				packets += got;
				continue;
			}
			mbufs[0] = rte_pktmbuf_alloc(bench->app.mp);
			if (!mbufs[0])
				continue;
			rte_pktmbuf_append(mbufs[0], 500);
			if (test->async) {
				got = rte_vhost_submit_enqueue_burst(vid, queue, mbufs, 1, done,
								     &completed);
				rte_pktmbuf_free_bulk(done, completed);
				if (got == 0)
					rte_pktmbuf_free(mbufs[0]);
				got = rte_vhost_poll_enqueue_completed(vid, queue, done, 32);
				rte_pktmbuf_free_bulk(done, got);
			} else {
				got = rte_vhost_enqueue_burst(vid, queue, mbufs, 1);
				rte_pktmbuf_free(mbufs[0]);
			}
			packets += got;
		}
	return packets;
}

/* Every message that is nearly right, on a socket whose devices are polled all the time. */
static void F09_random_messages(struct hostile *hostile)
{
	struct control_random fuzz;
	struct control_device device = { .vid = -1 };
	uint64_t packets = 0;
	uint32_t steps = front_times(300000, 4000);

	front_open(hostile, NULL);
	test = hostile;
	registered = 0;
	memset(runs, 0, sizeof(runs));
	snprintf(device.path, sizeof(device.path), "%s.any", front.target->path);
	assert_int_equal(rte_vhost_driver_register(device.path, RTE_VHOST_USER_ASYNC_COPY |
						   RTE_VHOST_USER_IOMMU_SUPPORT), 0);
	/* All that a messenger of control_random.c asks for. */
	assert_int_equal(rte_vhost_driver_set_protocol_features(device.path, UINT64_MAX), 0);
	assert_int_equal(rte_vhost_driver_callback_register(device.path, &blind_ops), 0);
	assert_int_equal(rte_vhost_driver_start(device.path), 0);
	control_random_init(&fuzz, 20260101 + hostile->threshold + hostile->packed);
	/* It wants a thread of the library's that stays. */
	fuzz.without = GUEST_BIT(GUEST_PROTOCOL_PAGEFAULT);
	/* On a busy machine devices run for less of the time, and take more steps to show it. */
	for (uint32_t i = 0; i < steps || (i < 20 * steps && packets == 0);) {
		int socket = control_random_connect(&fuzz, &device), ret = 0;

		for (int j = 0; j < 150 && ret == 0; j++, i++) {
			ret = control_random_step(&fuzz, socket);
			packets += poll_all();
		}
		control_finish(socket);
		front_load();
	}
	control_random_destroy(&fuzz);
	/* It was not all refused. */
	assert_true(packets > 0);
	assert_true(!hostile->async || registered > 0);
	assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
	front_close(hostile);
}

static void F09_features_that_were_not_offered(struct hostile *hostile)
{
	uint64_t offered, bits;
	int socket;

	front_open(hostile, NULL);
	assert_int_equal(rte_vhost_driver_get_features(front.door.path, &offered), 0);
	socket = front_dial();
	for (int bit = 0; bit < 64; bit++) {
		bits = GUEST_BIT(GUEST_F_PROTOCOL_FEATURES) | GUEST_BIT(bit);
		front_load();
		assert_int_equal(control_ask(socket, GUEST_SET_FEATURES, &bits, 8, -1),
				 (bits & ~offered) != 0);
	}
	assert_int_equal(rte_vhost_driver_get_protocol_features(front.door.path, &offered), 0);
	for (int bit = 0; bit < 64; bit++) {
		bits = GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) | GUEST_BIT(bit);
		assert_int_equal(control_ask(socket, GUEST_SET_PROTOCOL_FEATURES, &bits, 8, -1),
				 (bits & ~offered) != 0);
		if (bits & ~offered)
			front_refused(GUEST_SET_PROTOCOL_FEATURES, &bits, 8, -1);
	}
	close(socket);
	front_close(hostile);
}

/* The header's size and the ring's format must not change under a running ring. */
static void F09_features_renegotiated_while_rings_run(struct hostile *hostile)
{
	struct guest *guest;
	uint64_t features = 0;

	front_open(hostile, NULL);
	guest = front.target->guest;
	for (int bit = 0; bit < 64; bit++) {
		uint64_t other = guest->features ^ GUEST_BIT(bit);

		/* LOG_ALL alone comes and goes with a migration. */
		if (bit == GUEST_F_LOG_ALL)
			continue;
		front_load();
		front_refused(GUEST_SET_FEATURES, &other, 8, -1);
	}
	features = 0;
	front_refused(GUEST_SET_FEATURES, &features, 8, -1);
	assert_int_equal(guest_set_features(&guest->frontend, guest->features), 0);
	assert_int_equal(rte_vhost_get_negotiated_features(front.target->vid, &features), 0);
	assert_int_equal(features, guest->features);
	/* Stopped, they may, and back. */
	for (int i = 0; i < 10; i++) {
		front_load();
		front_stop_rings();
		guest->features ^= GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
		front_start_rings();
		front_load();
		front_settle();
	}
	front_close(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(F09_any_order_repeated_or_missing),
	HOSTILE_TEST(F09_random_messages),
	HOSTILE_TEST(F09_features_that_were_not_offered),
	HOSTILE_TEST(F09_features_renegotiated_while_rings_run),
};

HOSTILE_MAIN(front_times(3600, 300), tests)
