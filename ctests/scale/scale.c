/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * scale: 1,024 sockets with a device each, and 1,024 devices of 128 queue pairs. Prints what they
 * cost; fails when one does not work, when something is left over, or when the last ones cost far
 * more than the first.
 */
#define _GNU_SOURCE
#include "scale.h"

#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <rte_mbuf.h>
#include <rte_vhost.h>

#define HUNDRED 100
/** The last ones may cost so many times the first, and so many microseconds each. */
#define GROWTH 5
#define SLACK_US 200
/** Anonymous memory of a device with one pair, and of one with 128, in KiB. */
#define PAIR_KIB 64
#define FULL_KIB 4096

static struct scale_frontend frontends[SCALE_DEVICES];
static char directory[] = "/tmp/scale-XXXXXX";
static struct rte_mempool *pool;
static int newest = -1, device_count;

static int new_device(int vid)
{
	__atomic_store_n(&newest, vid, __ATOMIC_RELEASE);
	__atomic_add_fetch(&device_count, 1, __ATOMIC_ACQ_REL);
	return 0;
}

static void destroy_device(int vid)
{
	(void)vid;
	__atomic_sub_fetch(&device_count, 1, __ATOMIC_ACQ_REL);
}

static const struct vhost_device_ops ops = {
	.new_device = new_device,
	.destroy_device = destroy_device,
};

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/** Anonymous memory of this process in KiB. */
static long anonymous_kib(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	long value = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "RssAnon: %ld", &value) == 1)
			break;
	if (file)
		fclose(file);
	return value;
}

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = -1;

	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

static int count_maps(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	char line[512];
	int count = 0;

	while (file && fgets(line, sizeof(line), file))
		count += strstr(line, "memfd:scale") != NULL;
	if (file)
		fclose(file);
	return count;
}

/** Does something to all, and compares what the first hundred cost with the last. */
static void each(const char *what, void (*body)(int))
{
	int64_t first = 0, last = 0;

	for (int i = 0; i < SCALE_DEVICES; i++) {
		int64_t start = now_us(), used;

		body(i);
		used = now_us() - start;
		first += i < HUNDRED ? used : 0;
		last += i >= SCALE_DEVICES - HUNDRED ? used : 0;
	}
	printf("scale: %-28s first 100: %8.1f us each, last 100: %8.1f us each\n", what,
	       (double)first / HUNDRED, (double)last / HUNDRED);
	SCALE_REQUIRE(last <= first * GROWTH + HUNDRED * SLACK_US, "%s: the last cost too much",
		      what);
}

static void open_socket(int i)
{
	const char *path = frontends[i].path;

	SCALE_REQUIRE(rte_vhost_driver_register(path, 0) == 0 &&
		      rte_vhost_driver_callback_register(path, &ops) == 0 &&
		      rte_vhost_driver_start(path) == 0, "%s", path);
}

static void close_socket(int i)
{
	SCALE_REQUIRE(rte_vhost_driver_unregister(frontends[i].path) == 0, "%s",
		      frontends[i].path);
}

static void note_vid(int i)
{
	SCALE_REQUIRE(__atomic_load_n(&device_count, __ATOMIC_ACQUIRE) == i + 1,
		      "device %d does not run", i);
	frontends[i].vid = __atomic_load_n(&newest, __ATOMIC_ACQUIRE);
}

static void start_pair(int i)
{
	scale_connect(&frontends[i]);
	scale_start(&frontends[i], i, 2, 0, true);
	note_vid(i);
}

static void hang_up(int i)
{
	guest_frontend_destroy(&frontends[i].frontend);
}

/** One packet in each direction on the last pair of a device. */
static void exchange(int i)
{
	uint16_t queues = rte_vhost_get_vring_num(frontends[i].vid);
	struct rte_mbuf *packet = NULL;
	uint16_t got, before = scale_used(i, 0);

	scale_post(i, 0);
	scale_send(i, 1);
	got = rte_vhost_dequeue_burst(frontends[i].vid, queues - 1, pool, &packet, 1);
	SCALE_REQUIRE(got == 1 && packet->pkt_len == 100, "device %d sends nothing", i);
	got = rte_vhost_enqueue_burst(frontends[i].vid, queues - 2, &packet, 1);
	SCALE_REQUIRE(got == 1 && (uint16_t)(scale_used(i, 0) - before) == 1,
		      "device %d receives nothing", i);
	rte_pktmbuf_free(packet);
}

/** All others talk at the same time; one is heard all the same. */
static void check_fairness(void)
{
	int64_t start = now_us(), waited;

	for (int round = 0; round < 16; round++)
		for (int i = 1; i < SCALE_DEVICES; i++) {
			struct guest_message message;

			guest_message_begin(&message, GUEST_SET_OWNER, 0);
			SCALE_REQUIRE(guest_send(frontends[i].frontend.socket, &message) == 0,
				      "frontend %d cannot talk", i);
		}
	waited = now_us();
	scale_sync(&frontends[0]);
	printf("scale: 16 requests of each of the others in %.1f ms, one of the first in %.1f ms\n",
	       (double)(waited - start) / 1e3, (double)(now_us() - waited) / 1e3);
	SCALE_REQUIRE(now_us() - waited < 2000000, "the first one starved");
}

static void wait_until_gone(int fds, int maps)
{
	int64_t deadline = now_us() + 60000000;

	while ((__atomic_load_n(&device_count, __ATOMIC_ACQUIRE) > 0 || count_fds() > fds ||
		count_maps() > maps) && now_us() < deadline)
		usleep(1000);
	SCALE_REQUIRE(device_count == 0 && count_fds() == fds && count_maps() == maps,
		      "left over: %d devices, %d descriptors for %d, %d mappings for %d",
		      device_count, count_fds(), fds, count_maps(), maps);
}

/** One device at each socket. */
static void run_sockets(void)
{
	int fds, maps;
	long before;

	before = anonymous_kib();
	each("register and start", open_socket);
	printf("scale: a socket takes %.1f KiB\n",
	       (double)(anonymous_kib() - before) / SCALE_DEVICES);
	SCALE_REQUIRE(rte_vhost_driver_register("/tmp/one-too-many", 0) < 0, "no limit");
	fds = count_fds();
	maps = count_maps();
	before = anonymous_kib();
	each("connect one pair", start_pair);
	printf("scale: a device of one pair takes %.1f KiB\n",
	       (double)(anonymous_kib() - before) / SCALE_DEVICES);
	SCALE_REQUIRE(anonymous_kib() - before < PAIR_KIB * SCALE_DEVICES, "too much memory");
	each("a packet each way", exchange);
	check_fairness();
	each("hang up", hang_up);
	wait_until_gone(fds, maps);
	each("unregister", close_socket);
}

/** Devices whose 512 eventfds still find room among the process's descriptors. */
static int eventfd_devices(void)
{
	struct rlimit limit;
	int free_fds;

	getrlimit(RLIMIT_NOFILE, &limit);
	free_fds = (int)limit.rlim_cur - count_fds() - 4 * SCALE_DEVICES - 64;
	free_fds /= 2 * SCALE_QUEUES;
	return free_fds > SCALE_DEVICES ? SCALE_DEVICES : free_fds;
}

static int with_eventfds;

static void start_full(int i)
{
	memcpy(frontends[i].path, frontends[0].path, sizeof(frontends[i].path));
	scale_connect(&frontends[i]);
	scale_start(&frontends[i], i, SCALE_QUEUES, SCALE_QUEUES - 2, i < with_eventfds);
	note_vid(i);
	SCALE_REQUIRE(rte_vhost_get_vring_num(frontends[i].vid) == SCALE_QUEUES,
		      "device %d has not all queues", i);
}

/** 128 pairs in each device, all at one socket. */
static void run_queues(void)
{
	int fds, maps;
	long before;

	scale_memory_clear();
	open_socket(0);
	fds = count_fds();
	maps = count_maps();
	with_eventfds = eventfd_devices();
	SCALE_REQUIRE(with_eventfds > 0, "RLIMIT_NOFILE is too small");
	before = anonymous_kib();
	each("connect 128 pairs", start_full);
	printf("scale: %d devices of 128 pairs, %d of them with eventfds (RLIMIT_NOFILE); %.1f KiB "
	       "each\n", SCALE_DEVICES, with_eventfds,
	       (double)(anonymous_kib() - before) / SCALE_DEVICES);
	SCALE_REQUIRE(anonymous_kib() - before < (long)FULL_KIB * SCALE_DEVICES,
		      "too much memory");
	each("a packet each way", exchange);
	each("hang up", hang_up);
	wait_until_gone(fds, maps);
	close_socket(0);
}

int main(void)
{
	struct rlimit limit;

	alarm(600);
	setvbuf(stdout, NULL, _IOLBF, 0);
	setenv("RTEVHOSTSWIFT_LOG", "error", 0);
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	if (!mkdtemp(directory))
		return 1;
	for (int i = 0; i < SCALE_DEVICES; i++)
		snprintf(frontends[i].path, sizeof(frontends[i].path), "%s/%d", directory, i);
	pool = rte_pktmbuf_pool_create("scale", 1023, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	SCALE_REQUIRE(pool, "no pool");
	scale_memory_create();
	run_sockets();
	run_queues();
	scale_memory_destroy();
	SCALE_REQUIRE(rte_mempool_in_use_count(pool) == 0, "mbufs are missing");
	rte_mempool_free(pool);
	rmdir(directory);
	puts("scale: all is well");
	return 0;
}
