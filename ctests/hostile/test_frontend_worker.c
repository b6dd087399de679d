/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Row F12 again: the file is cut short while the worker thread of the library's own engine has
 * copies to do. Nobody else touches the memory, so the fault is the worker's; it goes on.
 */
#define _GNU_SOURCE
#include "front.h"

#include <rtevhostswift_dma.h>

#include <signal.h>

#define ROUNDS 3
#define PACKETS 48
#define WAIT_MS 10000

/** The library's handler; cmocka has one of its own, which a test takes away again. */
static struct sigaction library;
static char text[CONTROL_TEXT];

/** The target's channels are the library's engine's now; nothing is in flight. */
static void use_worker(struct rtevhostswift_dma *worker)
{
	struct bench *bench = front.target;

	for (uint16_t queue = RX; queue <= TX; queue++) {
		assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, queue), 0);
		assert_int_equal(rtevhostswift_dma_attach(worker, bench->vid, queue), 0);
		assert_int_equal(rte_vhost_async_channel_register(bench->vid, queue,
								  bench->config.async,
								  rtevhostswift_dma_ops()), 0);
	}
}

static struct rtevhostswift_dma_stats stats(int vid, uint16_t queue)
{
	struct rtevhostswift_dma_stats stats;

	assert_int_equal(rtevhostswift_dma_stats_get(vid, queue, &stats), 0);
	return stats;
}

static void hold(int vid, bool held)
{
	struct rtevhostswift_dma_faults faults = { .hold = held };

	for (uint16_t queue = RX; queue <= TX; queue++)
		assert_int_equal(rtevhostswift_dma_inject(vid, queue, &faults), 0);
}

/** Packets both ways go through the worker, those of earlier rounds notwithstanding. */
static void work(int vid)
{
	int64_t deadline = control_now_ms() + WAIT_MS;

	for (int i = 0; i < 8; i++)
		bench_send(front.target, 1200, NULL);
	while ((stats(vid, TX).completed < 8 || stats(vid, RX).completed < 8) &&
	       control_now_ms() < deadline) {
		front_poll_blindly();
		/* Each call fills a receive buffer, and the guest takes none. */
		usleep(500);
	}
	assert_true(stats(vid, TX).completed >= 8);
	assert_true(stats(vid, RX).completed >= 8);
}

/** Copies both ways that the worker was given and does not do. */
static void give_copies(int vid)
{
	struct rtevhostswift_dma_stats before = stats(vid, TX);

	hold(vid, true);
	guest_tx_reap(front.target->tx);
	for (int i = 0; i < PACKETS; i++)
		bench_send(front.target, 1200, NULL);
	for (int i = 0; i < PACKETS; i++)
		front_poll_blindly();
	assert_true(stats(vid, TX).submitted >= before.submitted + PACKETS);
	assert_true(stats(vid, RX).submitted > stats(vid, RX).completed);
}

/** The device ends, nobody polls it, and the innocent one goes on. */
static void wait_for_end(struct hostile *hostile)
{
	int64_t deadline = control_now_ms() + WAIT_MS;

	while (front.target->vid >= 0 && control_now_ms() < deadline) {
		hostile_check_innocent(hostile);
		usleep(200);
	}
	assert_int_equal(front.target->vid, -1);
	hostile_check_innocent(hostile);
}

static void cut_under_worker(struct hostile *hostile, struct rtevhostswift_dma *worker,
			     uint64_t left)
{
	/* Half of the buffers, and no ring. */
	struct guest_region *region = &front.target->guest->memory.regions[1];
	uint8_t *kept = malloc(region->size);
	int vid = front.target->vid;

	assert_non_null(kept);
	use_worker(worker);
	work(vid);
	give_copies(vid);
	memcpy(kept, region->host, region->size);
	assert_int_equal(ftruncate(region->fd, (off_t)left), 0);
	control_capture_begin();
	hold(vid, false);
	wait_for_end(hostile);
	control_capture_end(text);
	if (!strstr(text, front.door.path) || !strstr(text, "connection dropped"))
		fail_msg("no line in the log: \"%s\"", text);
	assert_int_equal(ftruncate(region->fd, (off_t)region->size), 0);
	memcpy(region->host, kept, region->size);
	free(kept);
	/* The library asks for what is done until the device is gone. */
	front_hang_up();
	for (uint16_t queue = RX; queue <= TX; queue++)
		assert_int_equal(rtevhostswift_dma_detach(vid, queue), 0);
	front_begin_anew();
	front_load();
	front_settle();
}

static void F12_memory_cut_short_under_worker_threads(struct hostile *hostile)
{
	struct rtevhostswift_dma *worker = rtevhostswift_dma_create(NULL);

	assert_non_null(worker);
	front_open(hostile, NULL);
	assert_int_equal(sigaction(SIGBUS, &library, NULL), 0);
	for (int i = 0; i < ROUNDS; i++) {
		cut_under_worker(hostile, worker, 0);
		cut_under_worker(hostile, worker, 4096);
	}
	front_close(hostile);
	assert_int_equal(rtevhostswift_dma_destroy(worker), 0);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST_ASYNC(F12_memory_cut_short_under_worker_threads),
};

int main(int argc, char **argv)
{
	char path[108];

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	setenv("RTEVHOSTSWIFT_LOG", "warning", 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(300);
	/* The library takes the signal over with the first socket. */
	control_path(path, "first");
	if (rte_vhost_driver_register(path, 0) < 0 || rte_vhost_driver_unregister(path) < 0)
		return 1;
	sigaction(SIGBUS, NULL, &library);
	return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);
}
