/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Row F14: frontends in processes of their own, killed at random moments under load. Five hundred
 * of them with the accounting of their packets: make faults-kill KILLS=500.
 */
#define _GNU_SOURCE
#include "front.h"

#include <linux/virtio_config.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

extern char **environ;

/** The child: a guest that sends, receives and disturbs until it is killed. */
static int run_guest(const char *path, bool packed)
{
	static const struct guest_shape direct;
	struct guest_config config;
	struct guest *guest;
	uint8_t frame[2048] = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	guest_config_init(&config);
	config.socket_path = path;
	config.features |= packed ? GUEST_BIT(VIRTIO_F_RING_PACKED) : 0;
	if (guest_create(&config, &guest) < 0 || guest_connect(guest) < 0 || guest_start(guest) < 0)
		return 1;
	for (uint64_t i = 0;; i++) {
		struct guest_queue *tx = guest_tx_queue(guest, 0), *rx = guest_rx_queue(guest, 0);
		struct guest_received received;

		guest_tx_reap(tx);
		guest_tx(tx, frame, 1000, &direct);
		guest_submit(tx);
		while (guest_rx(rx, frame, sizeof(frame), &received) >= 0)
			;
		guest_rx_fill(rx);
		guest_submit(rx);
		if (i % 50 == 0 && guest_send_memory(guest) < 0)
			return 2;
		if (i % 77 == 0 && (guest_stop(guest) < 0 || guest_start(guest) < 0))
			return 3;
	}
}

/** Channels for a guest whose memory moves at any moment. */
static void adopt(struct hostile *hostile, bool *done)
{
	struct rte_vhost_async_config config = { .features = RTE_VHOST_ASYNC_INORDER,
						 .async_threshold = hostile->threshold };
	int vid = front.target->vid;

	if (!hostile->async || *done || vid < 0)
		return;
	*done = true;
	for (uint16_t queue = RX; queue <= TX; queue++)
		rte_vhost_async_channel_register(vid, queue, config, &front_blind_engine);
}

static void kill_one(struct hostile *hostile, uint32_t moment)
{
	char *words[] = { "/proc/self/exe", "--guest", front.door.path,
			  hostile->packed ? "packed" : "split", NULL };
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS, end;
	bool early = moment % 4 == 0, done = false;
	pid_t child;
	int status;

	assert_int_equal(posix_spawn(&child, words[0], NULL, NULL, words, environ), 0);
	/* One in four dies while it sets itself up. */
	while (!early && front.target->vid < 0 &&
	       control_now_ms() < deadline)
		usleep(100);
	end = control_now_ms() + moment % 23;
	while (control_now_ms() < end) {
		adopt(hostile, &done);
		front_poll_blindly();
		hostile_check_innocent(hostile);
	}
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSIGNALED(status))
		fail_msg("a guest ended by itself: %d", WEXITSTATUS(status));
	front_poll_blindly();
	/* What it had is back, and nothing of it is left. */
	front_hang_up();
}

static void F14_frontends_killed_at_random(struct hostile *hostile)
{
	struct guest_random random = { .state = 500 };

	front_open(hostile, NULL);
	front_load();
	front_hang_up();
	for (uint32_t i = 0; i < front_times(500, 8); i++) {
		kill_one(hostile, guest_random_range(&random, 1, 100000));
		if (i % 4 != 3)
			continue;
		/* The next guest's packets all arrive. */
		front_begin_anew();
		front_load();
		front_settle();
		front_hang_up();
	}
	front_begin_anew();
	front_close(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(F14_frontends_killed_at_random),
};

static HOSTILE_MAIN_AS(run, front_times(3600, 300), tests)

int main(int argc, char **argv)
{
	if (argc > 3)
		return run_guest(argv[2], strcmp(argv[3], "packed") == 0);
	return run(argc, argv);
}
