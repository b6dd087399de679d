/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * How long a packet takes from the guest to the host's application and back.
 *
 * The guest's thread sends one packet, waits until it is in its receive ring again, and compares
 * it; the time is from just before it publishes the packet, and kicks where the host wants that, to
 * when it sees the used entry. polled: both sides look at their rings all the time. kick: the host
 * is blocked in epoll_wait() on the ring's kick eventfd, the guest in poll() on its call eventfd.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <linux/virtio_config.h>

#include "guest_packet.h"
#include "more.h"

#define POOL_SIZE 1023
#define RING_SIZE 256
#define FRAME_MAX 9000
/** Samples of a window; a ping before and after each says where the cores are. */
#define WINDOW 200u
#define SAMPLES 1000000u
/** Turns of the host between looks at the clock while nothing comes. */
#define IDLE_LIMIT 2000000000u
/** Nanoseconds that the host has to block again, and milliseconds that a packet may take. */
#define PAUSE 30000
#define PATIENCE 2000

#define TO_GUEST 0
#define FROM_GUEST 1

static struct {
	const char *library, *socket;
	bool packed, kick;
	uint32_t size, samples;
	int host_cpu, guest_cpu, vid, epoll, kick_fd;
	struct rte_mempool *pool;
	struct guest *guest;
	uint64_t sequence, kicks, calls;
	uint32_t times[SAMPLES];	/**< Nanoseconds. */
	uint32_t window_end;		/**< Samples taken when the window is over. */
	uint32_t taken;
	atomic_bool over;		/**< The window is. */
} bench = { .size = 64, .samples = 20000, .guest_cpu = 1 };

static const char usage[] =
	"usage: latency-host [options]\n"
	"  --library PATH       vhost library to load\n"
	"  --socket PATH        vhost-user socket to make\n"
	"  --mode WORD          polled or kick\n"
	"  --ring WORD          split or packed\n"
	"  --size BYTES         of a packet (64)\n"
	"  --samples N          packets (20000)\n"
	"  --cpus HOST,GUEST    CPUs (0,1)\n";

static const struct option names[] = {
	{ "library", required_argument, NULL, 'l' }, { "socket", required_argument, NULL, 's' },
	{ "mode", required_argument, NULL, 'm' }, { "ring", required_argument, NULL, 'f' },
	{ "size", required_argument, NULL, 'b' }, { "samples", required_argument, NULL, 'n' },
	{ "cpus", required_argument, NULL, 'C' }, { NULL, 0, NULL, 0 },
};

static void read_options(int argc, char **argv)
{
	int letter, good = 1;

	while (good && (letter = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (letter) {
		case 'l': bench.library = optarg; break;
		case 's': bench.socket = optarg; break;
		case 'm': bench.kick = strcmp(optarg, "kick") == 0; break;
		case 'f': bench.packed = strcmp(optarg, "packed") == 0; break;
		case 'b':
			bench.size = more_number(optarg, GUEST_PACKET_STAMPED, FRAME_MAX);
			break;
		case 'n': bench.samples = more_number(optarg, WINDOW, SAMPLES); break;
		case 'C':
			good = sscanf(optarg, "%d,%d", &bench.host_cpu, &bench.guest_cpu) == 2;
			break;
		default: good = 0;
		}
	}
	if (!good || optind != argc || !bench.library || !bench.socket) {
		fputs(usage, stderr);
		exit(2);
	}
	bench.samples -= bench.samples % WINDOW;
}

static void make_guest(void)
{
	struct guest_config config;
	struct rte_vhost_vring vring;
	struct epoll_event event = { .events = EPOLLIN };
	int ret;

	guest_config_init(&config);
	config.socket_path = bench.socket;
	config.ring_size = RING_SIZE;
	config.buffer_size = MORE_BUFFER;
	if (bench.packed)
		config.features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
	ret = guest_create(&config, &bench.guest);
	if (ret == 0)
		ret = guest_connect(bench.guest);
	if (ret == 0)
		ret = guest_start(bench.guest);
	if (ret < 0)
		more_die("guest: %s", strerror(-ret));
	if (bench.packed && !guest_has(bench.guest, VIRTIO_F_RING_PACKED))
		more_die("packed rings are not offered");
	bench.vid = more_device(0);
	for (uint16_t queue = 0; queue < 2; queue++)
		more_library.enable_guest_notification(bench.vid, queue, 0);
	if (!bench.kick)
		return;
	if (more_library.get_vhost_vring(bench.vid, FROM_GUEST, &vring) < 0 || vring.kickfd < 0)
		more_die("no kick eventfd");
	bench.kick_fd = vring.kickfd;
	bench.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (bench.epoll < 0 || epoll_ctl(bench.epoll, EPOLL_CTL_ADD, vring.kickfd, &event) < 0)
		more_die("epoll: %s", strerror(errno));
	guest_want_calls(guest_rx_queue(bench.guest, 0), true);
}

/** Whether the packet is back; in kick mode the guest sleeps until it is called. */
static void await_packet(struct guest_queue *queue)
{
	for (uint32_t looks = 0; guest_used_waiting(queue) == 0;) {
		if (bench.kick) {
			int ret = guest_wait_call(queue, PATIENCE);

			if (ret <= 0)
				more_die("the guest is not called: %s", strerror(-ret));
			bench.calls++;
		} else if (looks++ == IDLE_LIMIT) {
			more_die("no packet comes back");
		}
	}
}

/** One packet there and back. */
static void take_sample(struct guest_queue *rx, struct guest_queue *tx)
{
	static uint8_t frame[FRAME_MAX], copy[FRAME_MAX];
	static const struct guest_shape plain;
	struct guest_stamp stamp = { .sender = 1, .sequence = bench.sequence++ };
	struct guest_received info;
	uint64_t start, end;
	int ret;

	guest_packet_fill(frame, bench.size, &stamp);
	guest_tx_reap(tx);
	ret = guest_tx(tx, frame, bench.size, &plain);
	if (ret < 0)
		more_die("guest_tx: %s", strerror(-ret));
	if (bench.kick) {
		/* The host is to be blocked by then. */
		for (start = bench_ticks();
		     bench_ticks() - start < (uint64_t)(PAUSE * 1e-9 * more_tick_rate);)
			bench_pause();
	}
	start = bench_ticks();
	guest_submit(tx);
	await_packet(rx);
	end = bench_ticks();
	bench.times[bench.taken++] = (uint32_t)((double)(end - start) / more_tick_rate * 1e9);
	ret = guest_rx(rx, copy, sizeof(copy), &info);
	if (ret != (int)bench.size || memcmp(copy, frame, bench.size) != 0)
		more_die("packet %llu changed", (unsigned long long)stamp.sequence);
	guest_rx_fill(rx);
	guest_submit(rx);
	if (bench.kick)
		guest_want_calls(rx, true);
}

/** The guest in a window. */
static void guest_window(void *opaque)
{
	struct guest_queue *rx = guest_rx_queue(bench.guest, 0);
	struct guest_queue *tx = guest_tx_queue(bench.guest, 0);

	(void)opaque;
	while (bench.taken < bench.window_end)
		take_sample(rx, tx);
	bench.kicks = tx->stats.kicks;
	atomic_store(&bench.over, true);
	/* A host that is blocked looks up. */
	if (bench.kick)
		guest_kick(tx);
}

/** Send back what there is. @return packets. */
static uint32_t echo(void)
{
	struct rte_mbuf *packets[32];
	uint16_t count = more_library.dequeue_burst(bench.vid, FROM_GUEST, bench.pool, packets, 32);

	if (count == 0)
		return 0;
	if (more_library.enqueue_burst(bench.vid, TO_GUEST, packets, count) != count)
		more_die("the guest has no room");
	rte_pktmbuf_free_bulk(packets, count);
	return count;
}

/** Wait for a kick; then everything that there is, until the ring is empty with kicks wanted. */
static void serve_kick(void)
{
	struct epoll_event event;
	uint64_t value;

	do {
		while (echo() > 0)
			;
		more_library.enable_guest_notification(bench.vid, FROM_GUEST, 1);
	} while (echo() > 0);
	if (atomic_load(&bench.over))
		return;
	if (epoll_wait(bench.epoll, &event, 1, PATIENCE) < 0 && errno != EINTR)
		more_die("epoll_wait: %s", strerror(errno));
	if (read(bench.kick_fd, &value, sizeof(value)) < 0 && errno != EAGAIN)
		more_die("kick eventfd: %s", strerror(errno));
}

static double run_window(double *lost)
{
	double ping = more_ping(), wall = bench_now(), cpu = bench_cpu_time();

	bench.window_end = bench.taken + WINDOW;
	atomic_store(&bench.over, false);
	more_give_guest(guest_window, NULL);
	while (!atomic_load_explicit(&bench.over, memory_order_acquire)) {
		if (bench.kick)
			serve_kick();
		else
			echo();
	}
	more_await_guest();
	*lost = bench.kick ? 0 : more_lost(wall, cpu);
	return ping;
}

static void finish(void)
{
	if (rte_mempool_avail_count(bench.pool) != POOL_SIZE)
		more_die("mbufs are missing");
	if (guest_complaints(bench.guest) > 0)
		more_die("the guest complains");
	guest_disconnect(bench.guest);
	more_await_count(0);
	if (more_library.driver_unregister(bench.socket) < 0)
		more_die("rte_vhost_driver_unregister failed");
}

int main(int argc, char **argv)
{
	uint32_t windows, i;
	double *pings, *lost;

	read_options(argc, argv);
	more_load(bench.library);
	more_start(bench.host_cpu, bench.guest_cpu, NULL);
	more_pin(bench.host_cpu);
	more_calibrate();
	more_begin_guest(bench.guest_cpu);
	bench.pool = more_make_pool(POOL_SIZE);
	more_serve(bench.socket, 0);
	make_guest();
	windows = bench.samples / WINDOW;
	pings = calloc(windows + 1, sizeof(*pings));
	lost = calloc(windows + 1, sizeof(*lost));
	if (!pings || !lost)
		more_die("out of memory");
	/* One window to warm everything. */
	run_window(&lost[0]);
	bench.taken = 0;
	for (i = 0; i < windows; i++)
		pings[i] = run_window(&lost[i]);
	pings[windows] = more_ping();
	finish();
	printf("{\"ok\":true,\"verified\":%llu,\"kicks\":%llu,\"calls\":%llu,\"window\":%u,",
	       (unsigned long long)bench.sequence, (unsigned long long)bench.kicks,
	       (unsigned long long)bench.calls, WINDOW);
	more_print_numbers("nanoseconds", bench.times, bench.taken);
	printf(",\"windows\":[");
	for (i = 0; i < windows; i++)
		printf("%s[%.3g,%.3g,%.3g]", i > 0 ? "," : "", pings[i], pings[i + 1], lost[i]);
	printf("]}\n");
	fflush(stdout);
	_Exit(0);
}
