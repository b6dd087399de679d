/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#define _GNU_SOURCE
#include "front.h"

#include <sys/mman.h>

#define SETTLE_TURNS 20000
/** Packets of one load, and of one direction that may be on their way. */
#define LOAD 8
#define ON_THE_WAY 64

struct front front;

/** A copy is done for each third question: there is always something in flight. */
static void slow_down(struct bench *bench)
{
	for (int queue = RX; queue <= TX; queue++)
		bench->engines[queue].slow = 3;
}

void front_open(struct hostile *hostile, const struct bench_config *config)
{
	memset(&front, 0, sizeof(front));
	hostile->alike = true;
	hostile_open(hostile, config);
	front.target = hostile->bench;
	/* The record of what is in flight is the guest's, whatever becomes of its device. */
	front.target->baseline.fds += front.target->guest->inflight_fd >= 0;
	slow_down(front.target);
	snprintf(front.door.path, sizeof(front.door.path), "%s", front.target->path);
	front.door.vid = front.target->vid;
	front_load();
	front_settle();
	front_keep();
}

void front_keep(void)
{
	control_count_idle(&front.before);
}

void front_close(struct hostile *hostile)
{
	front_load();
	front_settle();
	control_assert_flat(&front.before);
	hostile_close(hostile);
}

static void collect(struct bench *bench)
{
	bench_dequeue(bench, 32);
	if (!bench->config.synchronous)
		bench_collect(bench, 32);
	bench_receive(bench);
}

void front_load(void)
{
	struct bench *bench = front.target;
	static uint32_t turn;

	/* A message may have waited for all of it. */
	for (int i = 0; i < 2 && bench->from.sent - bench->from.returned >= ON_THE_WAY - LOAD; i++)
		collect(bench);
	for (int i = 0; i < LOAD && bench->from.sent - bench->from.returned < ON_THE_WAY; i++)
		bench_send(bench, 64 + turn++ * 331 % 1437, NULL);
	if (bench->to.sent - bench->to.delivered < ON_THE_WAY)
		bench_enqueue(bench, LOAD, 300 + turn % 1100);
	collect(bench);
	/* What an attack meets: copies that are not done. */
	if (!bench->config.synchronous && !bench->config.iommu)
		assert_true(engine_held(&bench->engines[TX]) > 0);
}

void front_check(void)
{
	bench_check(front.target);
}

static bool has_arrived(const struct bench *bench)
{
	return bench->from.returned == bench->from.sent && bench->to.returned == bench->to.sent &&
	       bench->to.delivered == bench->to.sent;
}

void front_settle(void)
{
	struct bench *bench = front.target;

	for (int turn = 0; turn < SETTLE_TURNS && !has_arrived(bench); turn++) {
		for (int queue = RX; queue <= TX; queue++)
			engine_finish(&bench->engines[queue], ENGINE_ALL);
		bench_serve(bench);
		collect(bench);
	}
	if (!has_arrived(bench))
		fail_msg("from the guest %lu of %lu, to the guest %lu of %lu",
			 bench->from.returned, bench->from.sent, bench->to.delivered,
			 bench->to.sent);
	front_check();
}

void front_learn(void)
{
	for (int queue = RX; queue <= TX; queue++)
		assert_int_equal(engine_learn_memory(&front.target->engines[queue]), 0);
}

void front_drain(void)
{
	struct bench *bench = front.target;

	if (bench->config.synchronous)
		return;
	while (rte_vhost_async_get_inflight(bench->vid, TX) > 0)
		assert_true(bench_clear(bench, 64) > 0);
	while (rte_vhost_async_get_inflight(bench->vid, RX) > 0)
		assert_true(bench_collect(bench, 64) > 0);
}

void front_hang_up(void)
{
	struct bench *bench = front.target;

	bench_hang_up(bench);
	for (int queue = RX; queue <= TX && bench->started; queue++) {
		assert_int_equal(bench->engines[queue].violations, 0);
		engine_destroy(&bench->engines[queue]);
	}
	guest_reset(bench->guest);
	memset(&bench->tx->stats, 0, sizeof(bench->tx->stats));
	memset(&bench->rx->stats, 0, sizeof(bench->rx->stats));
	memset(&bench->from, 0, sizeof(bench->from));
	memset(&bench->to, 0, sizeof(bench->to));
	bench->guest->abandoned = bench->started = false;
}

void front_begin_anew(void)
{
	struct bench *bench = front.target;

	assert_int_equal(guest_connect(bench->guest), 0);
	bench_start(bench);
	slow_down(bench);
}

void front_revive(void)
{
	front_hang_up();
	front_begin_anew();
}

/** Copies that the blind engine has done and not told of; under the queue's lock. */
static uint32_t copies[1024][4];

static int32_t accept_all(int vid, uint16_t queue, struct rte_vhost_async_desc *descs,
			  struct rte_vhost_async_status *status, uint16_t count)
{
	(void)status;
	copies[vid][queue] += count;
	for (uint16_t i = 0; i < count; i++)
		for (unsigned long j = 0; j < descs[i].src->nr_segs; j++)
			memcpy(descs[i].dst->iov[j].iov_base, descs[i].src->iov[j].iov_base,
			       descs[i].src->iov[j].iov_len);
	return count;
}

static int32_t all_done(int vid, uint16_t queue, struct rte_vhost_async_status *status,
			uint16_t limit)
{
	uint32_t count = copies[vid][queue] < limit ? copies[vid][queue] : limit;

	(void)status;
	copies[vid][queue] -= count;
	return (int32_t)count;
}

struct rte_vhost_async_channel_ops front_blind_engine = {
	.transfer_data = accept_all,
	.check_completed_copies = all_done,
};

void front_poll_blindly(void)
{
	struct bench *bench = front.target;
	struct rte_mbuf *mbufs[33], *done[33], *mbuf;
	uint32_t completed = 0;
	int vid = bench->vid, inflight;

	if (vid < 0)
		return;
	mbuf = rte_pktmbuf_alloc(bench->app.mp);
	if (!mbuf)
		return;
	rte_pktmbuf_append(mbuf, 700);
	if (bench->config.synchronous) {
		rte_pktmbuf_free_bulk(mbufs, rte_vhost_dequeue_burst(vid, TX, bench->pool.mp,
								     mbufs, 32));
		rte_vhost_enqueue_burst(vid, RX, &mbuf, 1);
		rte_pktmbuf_free(mbuf);
		return;
	}
	rte_pktmbuf_free_bulk(mbufs, rte_vhost_async_try_dequeue_burst(vid, TX, bench->pool.mp,
								       mbufs, 32, &inflight));
	if (rte_vhost_submit_enqueue_burst(vid, RX, &mbuf, 1, done, &completed) == 0)
		rte_pktmbuf_free(mbuf);
	rte_pktmbuf_free_bulk(done, completed);
	rte_pktmbuf_free_bulk(done, rte_vhost_poll_enqueue_completed(vid, RX, done, 32));
}

void front_adopt(void)
{
	struct bench *bench = front.target;

	if (bench->config.synchronous || bench->vid < 0)
		return;
	for (uint16_t queue = RX; queue <= TX; queue++) {
		if (!bench->started)
			engine_init(&bench->engines[queue], bench->vid, queue,
				    queue == TX ? &bench->pool : &bench->app);
		bench->engines[queue].slow = 2;
		engine_learn_memory(&bench->engines[queue]);
		if (!bench->started)
			assert_int_equal(bench_register(bench, queue), 0);
	}
	bench->started = true;
}

void front_stop_rings(void)
{
	front_settle();
	assert_int_equal(guest_stop(front.target->guest), 0);
}

void front_start_rings(void)
{
	bench_start(front.target);
}

struct guest_frontend *front_frontend(void)
{
	return &front.target->guest->frontend;
}

int front_ask(uint32_t request, const void *payload, uint32_t size, int fd)
{
	return control_ask(front_frontend()->socket, request, payload, size, fd);
}

void front_refused(uint32_t request, const void *payload, uint32_t size, int fd)
{
	int ret = front_ask(request, payload, size, fd);

	if (ret != 1)
		fail_msg("request %u: %d, not refused", request, ret);
	front_check();
}

int front_ask_with(int socket, uint32_t request, const void *payload, uint32_t size,
		   const int *fds, uint32_t fd_count)
{
	uint64_t value = 0;
	int ret = control_send(socket, request, 9, payload, size, fds, fd_count);

	if (ret == 0)
		ret = control_reply(socket, &value);
	return ret < 0 ? ret : value != 0;
}

int front_dial(void)
{
	uint64_t features = front.target->config.guest.features, protocol = 0;
	int socket = control_connect(&front.door);

	assert_int_equal(rte_vhost_driver_get_protocol_features(front.door.path, &protocol), 0);
	assert_int_equal(control_send(socket, GUEST_SET_PROTOCOL_FEATURES, GUEST_FLAG_VERSION,
				      &protocol, 8, NULL, 0), 0);
	assert_int_equal(control_ask(socket, GUEST_SET_FEATURES, &features, 8, -1), 0);
	return socket;
}

int front_file(uint64_t size)
{
	int fd = memfd_create("guest-odd", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	return fd;
}

uint32_t front_times(uint32_t full, uint32_t part)
{
	const char *wanted = getenv("HOSTILE_LONG");

	return wanted && *wanted ? full : part;
}
