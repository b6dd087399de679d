/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Frontends in processes of their own, killed under traffic; a memory file cut short under the
 * mapping. Children run this program again: nothing of the library's is in them.
 */
#define _GNU_SOURCE
#include "control.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#define KILLS 24

extern char **environ;

static struct control_stage stage;

static pid_t spawn(char *what, char *argument)
{
	char *words[] = { "/proc/self/exe", what, argument, NULL };
	pid_t child;

	assert_int_equal(posix_spawn(&child, "/proc/self/exe", NULL, NULL, words, environ), 0);
	return child;
}

/** A guest that sends and receives until it is killed. */
static int run_guest(const char *path)
{
	static const struct guest_shape shape;
	struct guest_config config;
	struct guest *guest;
	uint8_t frame[2048];

	guest_config_init(&config);
	config.socket_path = path;
	config.queue_pairs = 2;
	if (guest_create(&config, &guest) < 0 || guest_connect(guest) < 0 ||
	    guest_start(guest) < 0)
		return 1;
	for (uint64_t i = 0;; i++)
		for (uint32_t pair = 0; pair < 2; pair++) {
			struct guest_queue *tx = guest_tx_queue(guest, pair);
			struct guest_queue *rx = guest_rx_queue(guest, pair);
			struct guest_received received;

			guest_tx_reap(tx);
			control_frame(frame, 1000, i);
			guest_tx(tx, frame, 1000, &shape);
			guest_submit(tx);
			while (guest_rx(rx, frame, sizeof(frame), &received) >= 0)
				;
			guest_rx_fill(rx);
			guest_submit(rx);
			/* The control plane works as well. */
			if (i % 50 == 0)
				guest_send_memory(guest);
			if (i % 77 == 0 && (guest_stop(guest) < 0 || guest_start(guest) < 0))
				return 1;
		}
}

static void killed_under_traffic(void **state)
{
	struct guest_random random = { .state = 4711 };
	struct control_poller poller;

	(void)state;
	control_stage_begin(&stage, "killed");
	control_poller_start(&poller);
	for (int i = 0; i < KILLS; i++) {
		uint64_t packets = __atomic_load_n(&poller.packets, __ATOMIC_RELAXED);
		int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
		int at = control_events(), status;
		pid_t child = spawn("guest", stage.target.path);

		assert_true(control_wait_event(at, CONTROL_NEW_DEVICE, -1) >= 0);
		while (__atomic_load_n(&poller.packets, __ATOMIC_RELAXED) < packets + 100 &&
		       control_now_ms() < deadline)
			usleep(100);
		assert_true(control_now_ms() < deadline);
		usleep(guest_random_range(&random, 0, 30000));
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		assert_true(control_wait_event(at, CONTROL_DESTROY_CONNECTION, -1) >= 0);
		control_echo_check(&stage.echo, 50);
	}
	control_poller_stop(&poller);
	control_stage_end(&stage);
	control_assert_memory(&stage.before, 16384);
}

/** A backend whose guest cuts its memory file while packets move. */
static int run_truncated(void)
{
	static const struct guest_shape shape;
	struct control_device device;
	struct rte_mbuf *mbufs[32];
	uint8_t frame[100] = { 0 };

	control_open(&device, "truncated", 0, NULL);
	for (int i = 0; i < 200; i++)
		guest_tx(guest_tx_queue(device.guest, 0), frame, sizeof(frame), &shape);
	guest_submit(guest_tx_queue(device.guest, 0));
	if (ftruncate(device.guest->memory.regions[0].fd, 0) < 0)
		return 3;
	/* The guest itself touches nothing of it any more. */
	for (int i = 0; i < 100; i++) {
		uint16_t got = rte_vhost_dequeue_burst(device.vid, 1, control_pool(), mbufs, 32);

		rte_pktmbuf_free_bulk(mbufs, got);
	}
	close(device.guest->frontend.socket);
	device.guest->frontend.socket = -1;
	return rte_vhost_driver_unregister(device.path) == 0 ? 0 : 4;
}

/** The same, met by the thread that serves the socket: a ring moves over memory that is gone. */
static int run_truncated_ring(void)
{
	struct control_device device;
	struct guest_vring_addr addr;
	int at;

	control_open(&device, "truncated", 0, NULL);
	guest_ring_addr(guest_tx_queue(device.guest, 0), &addr);
	addr.used += 8;
	if (ftruncate(device.guest->memory.regions[0].fd, 0) < 0)
		return 3;
	at = control_events();
	guest_set_vring_addr(&device.guest->frontend, &addr);
	/* The device ends, the process does not. */
	if (control_wait_event(at, CONTROL_DESTROY_CONNECTION, -1) < 0)
		return 5;
	return rte_vhost_driver_unregister(device.path) == 0 ? 0 : 4;
}

static void survives(char *what)
{
	pid_t child = spawn(what, NULL);
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		fail_msg("killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* hostile.md: "the shared memory file truncated under the mapping (SIGBUS)". */
static void memory_file_cut_short(void **state)
{
	(void)state;
	survives("truncated");
}

static void memory_file_cut_short_under_a_ring(void **state)
{
	(void)state;
	survives("truncated-ring");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(killed_under_traffic),
	cmocka_unit_test(memory_file_cut_short),
	cmocka_unit_test(memory_file_cut_short_under_a_ring),
};

int main(int count, char **words)
{
	alarm(300);
	setenv("RTEVHOSTSWIFT_LOG", "error", 1);
	if (count > 1 && strcmp(words[1], "guest") == 0)
		return run_guest(words[2]);
	control_directory();
	if (count > 1 && strcmp(words[1], "truncated-ring") == 0)
		return run_truncated_ring();
	if (count > 1)
		return run_truncated();
	setvbuf(stdout, NULL, _IOLBF, 0);
	return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);
}
