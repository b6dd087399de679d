/* SPDX-License-Identifier: BSD-3-Clause */

/* Kick, call and err: descriptors that are no eventfds, or that block. */
#define _GNU_SOURCE
#include "control.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#define REPLACED 20000

static struct control_stage stage;
static volatile sig_atomic_t pipes_broken;

static void broken_pipe(int number)
{
	(void)number;
	pipes_broken++;
}

static struct guest_frontend *frontend(void)
{
	return &stage.target.guest->frontend;
}

/** Send it as kick, call and err, and let the library use it if it took it. */
static void try_descriptor(const char *name, int fd)
{
	static const uint32_t requests[] = { GUEST_SET_VRING_CALL, GUEST_SET_VRING_ERR,
					     GUEST_SET_VRING_KICK };

	assert_true(fd >= 0);
	for (size_t i = 0; i < CONTROL_COUNT(requests); i++)
		for (uint64_t index = 0; index < 2; index++) {
			int ret = control_ask(frontend()->socket, requests[i], &index, 8, fd);

			if (ret < 0)
				fail_msg("%s: connection lost", name);
		}
	close(fd);
	for (int i = 0; i < 20; i++) {
		guest_want_calls(guest_tx_queue(stage.target.guest, 0), true);
		guest_want_calls(guest_rx_queue(stage.target.guest, 0), true);
		control_send_good(&stage.target, 1);
		control_receive_good(&stage.target, 2);
		rte_vhost_vring_call(stage.target.vid, 0);
	}
	assert_int_equal(pipes_broken, 0);
}

static void anything_but_an_eventfd(void **state)
{
	int pair[2];

	(void)state;
	control_stage_begin(&stage, "others");
	control_attach(&stage.target, NULL);
	signal(SIGPIPE, broken_pipe);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	close(pair[0]);
	try_descriptor("pipe without a reader", pair[1]);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	try_descriptor("pipe", pair[1]);
	close(pair[0]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[0]);
	try_descriptor("socket without a peer", pair[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	try_descriptor("socket that fills up", pair[1]);
	close(pair[0]);
	try_descriptor("memfd", memfd_create("x", MFD_CLOEXEC));
	try_descriptor("read-only file", open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	try_descriptor("directory", open("/tmp", O_RDONLY | O_CLOEXEC));
	try_descriptor("/dev/null", open("/dev/null", O_RDWR | O_CLOEXEC));
	try_descriptor("/dev/full", open("/dev/full", O_RDWR | O_CLOEXEC));
	try_descriptor("O_PATH", open("/tmp", O_PATH | O_CLOEXEC));
	try_descriptor("epoll", epoll_create1(EPOLL_CLOEXEC));
	try_descriptor("timerfd", timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	try_descriptor("eventfd", eventfd(0, EFD_CLOEXEC));
	control_detach(&stage.target);
	signal(SIGPIPE, SIG_DFL);
	control_stage_end(&stage);
}

static void wrong_counts_of_descriptors(void **state)
{
	int fds[2];

	(void)state;
	control_stage_begin(&stage, "counts");
	fds[0] = eventfd(0, EFD_CLOEXEC);
	fds[1] = eventfd(0, EFD_CLOEXEC);
	for (uint32_t request = GUEST_SET_VRING_KICK; request <= GUEST_SET_VRING_ERR; request++)
		for (unsigned int count = 0; count < 3; count++)
			for (uint64_t none = 0; none <= 0x100; none += 0x100) {
				int socket = control_negotiate(&stage.target);

				if ((none == 0) == (count == 1)) {
					close(socket);
					continue;
				}
				control_send(socket, request, 1, &none, 8, fds, count);
				assert_true(control_hangs_up(socket));
				close(socket);
			}
	close(fds[0]);
	close(fds[1]);
	control_stage_end(&stage);
}

/* A call descriptor whose counter is full, as one that nobody reads for ever. */
static void a_full_call_descriptor(void **state)
{
	uint64_t full = 0xfffffffffffffffeULL;

	(void)state;
	control_stage_begin(&stage, "full");
	control_attach(&stage.target, NULL);
	for (int i = 0; i < 2; i++) {
		struct guest_queue *queue = &stage.target.guest->queues[i];

		assert_int_equal(write(queue->call_fd, &full, 8), 8);
		guest_want_calls(queue, true);
	}
	for (uint64_t i = 0; i < 20; i++) {
		guest_want_calls(guest_tx_queue(stage.target.guest, 0), true);
		control_send_good(&stage.target, i);
		control_receive_good(&stage.target, i);
		assert_int_equal(rte_vhost_vring_call(stage.target.vid, 0), 0);
	}
	control_detach(&stage.target);
	control_stage_end(&stage);
}

static int finished;

static void *call_in_thread(void *argument)
{
	(void)argument;
	rte_vhost_vring_call(stage.target.vid, 1);
	__atomic_store_n(&finished, 1, __ATOMIC_RELEASE);
	return NULL;
}

/*
 * O_NONBLOCK belongs to the open file, which the frontend shares: it can be taken away again
 * behind the library's back. The counter is full then, so a plain write waits for ever, with the
 * queue's lock held; the event thread waits for that lock with the next message.
 */
static void a_call_descriptor_made_blocking_again(void **state)
{
	uint64_t full = 0xfffffffffffffffeULL, count;
	struct guest_config config;
	pthread_t thread;
	int call, blocked;

	(void)state;
	control_stage_begin(&stage, "blocking");
	guest_config_init(&config);
	config.features &= ~GUEST_BIT(VIRTIO_RING_F_EVENT_IDX);
	control_attach(&stage.target, &config);
	call = guest_tx_queue(stage.target.guest, 0)->call_fd;
	guest_want_calls(guest_tx_queue(stage.target.guest, 0), true);
	assert_int_equal(fcntl(call, F_SETFL, 0), 0);
	assert_int_equal(write(call, &full, 8), 8);
	finished = 0;
	pthread_create(&thread, NULL, call_in_thread, NULL);
	for (int i = 0; i < 3000 && !__atomic_load_n(&finished, __ATOMIC_ACQUIRE); i++)
		control_sleep_ms(1);
	blocked = !__atomic_load_n(&finished, __ATOMIC_ACQUIRE);
	/* Frees it. */
	if (blocked)
		assert_int_equal(read(call, &count, 8), 8);
	pthread_join(thread, NULL);
	fcntl(call, F_SETFL, O_NONBLOCK);
	control_detach(&stage.target);
	control_stage_end(&stage);
	assert_int_equal(blocked, 0);
}

static struct {
	int fd, done, blocked;
	uint64_t calls;
} flicker;

/** Makes the descriptor blocking and not, all the time; frees whoever waits in it for long. */
static void *flicker_flags(void *argument)
{
	uint64_t seen = 0, count;
	int64_t since = control_now_ms();

	(void)argument;
	while (__atomic_load_n(&flicker.done, __ATOMIC_ACQUIRE) < 2) {
		uint64_t calls = __atomic_load_n(&flicker.calls, __ATOMIC_RELAXED);

		fcntl(flicker.fd, F_SETFL, 0);
		fcntl(flicker.fd, F_SETFL, O_NONBLOCK);
		if (calls != seen)
			since = control_now_ms();
		seen = calls;
		if (control_now_ms() - since < 3000)
			continue;
		flicker.blocked = 1;
		if (read(flicker.fd, &count, 8) < 0)
			abort();
		since = control_now_ms();
	}
	return NULL;
}

static void *call_all_the_time(void *argument)
{
	(void)argument;
	while (!__atomic_load_n(&flicker.done, __ATOMIC_ACQUIRE) && !flicker.blocked) {
		rte_vhost_vring_call(stage.target.vid, 1);
		__atomic_add_fetch(&flicker.calls, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Looking at O_NONBLOCK before the write is not enough: it changes in between. */
static void a_call_descriptor_that_flickers(void **state)
{
	uint64_t full = 0xfffffffffffffffeULL, index = 1;
	struct guest_config config;
	pthread_t threads[2];

	(void)state;
	control_stage_begin(&stage, "flickers");
	guest_config_init(&config);
	config.features &= ~GUEST_BIT(VIRTIO_RING_F_EVENT_IDX);
	control_attach(&stage.target, &config);
	guest_want_calls(guest_tx_queue(stage.target.guest, 0), true);
	memset(&flicker, 0, sizeof(flicker));
	flicker.fd = guest_tx_queue(stage.target.guest, 0)->call_fd;
	assert_int_equal(write(flicker.fd, &full, 8), 8);
	pthread_create(&threads[0], NULL, flicker_flags, NULL);
	pthread_create(&threads[1], NULL, call_all_the_time, NULL);
	for (int i = 0; i < 30000 && !flicker.blocked; i++)
		if (control_ask(frontend()->socket, GUEST_SET_VRING_CALL, &index, 8,
				flicker.fd) != 0)
			break;
	__atomic_store_n(&flicker.done, 1, __ATOMIC_RELEASE);
	pthread_join(threads[1], NULL);
	__atomic_store_n(&flicker.done, 2, __ATOMIC_RELEASE);
	pthread_join(threads[0], NULL);
	control_detach(&stage.target);
	control_stage_end(&stage);
	assert_int_equal(flicker.blocked, 0);
}

static void replaced_under_traffic(void **state)
{
	struct control_poller poller;

	(void)state;
	control_stage_begin(&stage, "replaced");
	control_attach(&stage.target, NULL);
	control_poller_start(&poller);
	for (uint64_t i = 0; i < REPLACED; i++) {
		uint32_t request = GUEST_SET_VRING_KICK + (uint32_t)(i % 3);
		uint64_t index = i / 3 % 2;
		int fd = eventfd(0, EFD_CLOEXEC);

		assert_int_equal(control_ask(frontend()->socket, request, &index, 8, fd), 0);
		close(fd);
	}
	control_poller_stop(&poller);
	control_detach(&stage.target);
	control_stage_end(&stage);
	control_assert_memory(&stage.before, 4096);
}

/* GET_VRING_BASE closes what it stops: nothing is kept of a stopped ring. */
static void stopping_gives_descriptors_back(void **state)
{
	struct control_counts before, after;

	(void)state;
	control_stage_begin(&stage, "stopping");
	control_attach(&stage.target, NULL);
	control_count_idle(&before);
	assert_int_equal(guest_stop(stage.target.guest), 0);
	control_count(&after);
	assert_int_equal(before.fds - after.fds, 4);
	assert_int_equal(guest_start(stage.target.guest), 0);
	control_count(&after);
	assert_int_equal(before.fds, after.fds);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(anything_but_an_eventfd),
	cmocka_unit_test(wrong_counts_of_descriptors),
	cmocka_unit_test(a_full_call_descriptor),
	cmocka_unit_test(a_call_descriptor_made_blocking_again),
	cmocka_unit_test(a_call_descriptor_that_flickers),
	cmocka_unit_test(replaced_under_traffic),
	cmocka_unit_test(stopping_gives_descriptors_back),
};

CONTROL_MAIN_QUIET(300, tests)
