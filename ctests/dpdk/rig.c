/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#include "rig.h"
#include "front.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <linux/virtio_config.h>
#include <rte_eal.h>
#include <rte_malloc.h>

#define PORTS 4

int16_t rig_dma[RIG_DMAS];
struct rte_mempool *rig_pool;
bool rig_is_reference;

static struct rig_port *ports[PORTS];
static char directory[] = "/tmp/dmadev.XXXXXX";

double rig_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* RIG_LIBRARY names the file that must be in use; the process has no other librte_vhost. */
static void check_library(void)
{
	const char *name = getenv("RIG_LIBRARY");
	char line[PATH_MAX + 128], wanted[PATH_MAX];
	uint32_t right = 0, wrong = 0;
	FILE *maps = fopen("/proc/self/maps", "r");

	if (!name || !realpath(name, wanted) || !maps) {
		fprintf(stderr, "RIG_LIBRARY must name the library that is tested\n");
		exit(2);
	}
	while (fgets(line, sizeof(line), maps)) {
		char *file = strchr(line, '/');

		if (!file || !strstr(file, "/librte_vhost.so"))
			continue;
		file[strcspn(file, "\n")] = '\0';
		if (strcmp(file, wanted) == 0)
			right++;
		else
			wrong++;
	}
	fclose(maps);
	if (right == 0 || wrong > 0) {
		fprintf(stderr, "%u maps of %s and %u of another\n", right, wanted, wrong);
		exit(2);
	}
	printf("library: %s\n", wanted);
}

void rig_dma_setup(int16_t dma, uint16_t copies)
{
	struct rte_dma_conf conf = { .nb_vchans = 1 };
	struct rte_dma_vchan_conf channel = {
		.direction = RTE_DMA_DIR_MEM_TO_MEM,
		.nb_desc = copies,
	};

	rte_dma_stop(dma);
	if (rte_dma_configure(dma, &conf) || rte_dma_vchan_setup(dma, 0, &channel) ||
	    rte_dma_start(dma)) {
		fprintf(stderr, "DMA device %d does not start\n", dma);
		exit(2);
	}
}

void rig_start(const char *program)
{
	char *arguments[] = { strdup(program), (char *)"--no-huge", (char *)"--no-pci",
			      (char *)"--no-shconf", (char *)"--no-telemetry",
			      (char *)"-m", (char *)"256",
			      (char *)"--iova-mode=va", (char *)"-l", (char *)"0",
			      (char *)"--vdev=dma_skeleton0", (char *)"--vdev=dma_skeleton1",
			      (char *)"--log-level=lib.vhost.*:error", NULL };

	check_library();
	rig_is_reference = getenv("RIG_REFERENCE") != NULL;
	if (rte_eal_init(sizeof(arguments) / sizeof(arguments[0]) - 1, arguments) < 0 ||
	    !mkdtemp(directory)) {
		fprintf(stderr, "the EAL does not start\n");
		exit(2);
	}
	/* The EAL loads drivers: still no other library. */
	check_library();
	rig_pool = rte_pktmbuf_pool_create("rig", RIG_MBUFS, 64, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	for (int i = 0; i < RIG_DMAS; i++) {
		char name[32];

		snprintf(name, sizeof(name), "dma_skeleton%d", i);
		rig_dma[i] = (int16_t)rte_dma_get_dev_id_by_name(name);
		if (rig_dma[i] < 0 || !rig_pool) {
			fprintf(stderr, "no pool or no %s\n", name);
			exit(2);
		}
		rig_dma_setup(rig_dma[i], 1024);
	}
	free(arguments[0]);
}

void rig_end(void)
{
	rmdir(directory);
	for (int i = 0; i < RIG_DMAS; i++)
		rte_dma_stop(rig_dma[i]);
	rte_eal_cleanup();
}

uint64_t rig_copies(int16_t dma)
{
	struct rte_dma_stats stats = { 0 };

	assert_int_equal(rte_dma_stats_get(dma, 0, &stats), 0);
	return stats.submitted;
}

uint32_t rig_in_use(void)
{
	return rte_mempool_in_use_count(rig_pool);
}

void rig_assert_full(double seconds)
{
	double end = rig_now() + seconds;

	while (rig_in_use() > 0 && rig_now() < end)
		usleep(1000);
	assert_int_equal(rig_in_use(), 0);
}

static struct rig_port *find(int vid)
{
	char path[sizeof(ports[0]->path)] = "";

	rte_vhost_get_ifname(vid, path, sizeof(path));
	for (int i = 0; i < PORTS; i++)
		if (ports[i] && strcmp(ports[i]->path, path) == 0)
			return ports[i];
	return NULL;
}

static int new_device(int vid)
{
	struct rig_port *port = find(vid);

	if (!port)
		return -1;
	for (uint16_t queue = TO_GUEST; queue <= FROM_GUEST; queue++)
		if (rte_vhost_async_channel_register(vid, queue))
			return -1;
	__atomic_store_n(&port->ended, false, __ATOMIC_RELEASE);
	__atomic_store_n(&port->vid, vid, __ATOMIC_RELEASE);
	return 0;
}

/* DPDK 22.11: the application fetches what is in flight and unregisters its channels. */
static void clear(struct rig_port *port, int vid)
{
	for (uint16_t queue = TO_GUEST; queue <= FROM_GUEST; queue++) {
		double end = rig_now() + 5;

		while (rte_vhost_async_get_inflight(vid, queue) > 0 && rig_now() < end) {
			struct rte_mbuf *mbufs[RIG_BURST];

			for (int i = 0; i < RIG_DMAS; i++) {
				uint16_t count = rte_vhost_clear_queue(vid, queue, mbufs,
								       RIG_BURST, rig_dma[i], 0);

				rte_pktmbuf_free_bulk(mbufs, count);
				port->cleared += count;
				if (queue == TO_GUEST)
					port->to.returned += count;
			}
		}
		rte_vhost_async_channel_unregister(vid, queue);
	}
}

static void destroy_device(int vid)
{
	struct rig_port *port = find(vid);

	if (!port)
		return;
	/* Data-plane threads must be done with the device. */
	__atomic_store_n(&port->vid, -1, __ATOMIC_RELEASE);
	if (port->ending)
		port->ending(port);
	if (port->clears)
		clear(port, vid);
	__atomic_store_n(&port->ended, true, __ATOMIC_RELEASE);
}

static const struct rte_vhost_device_ops callbacks = {
	.new_device = new_device,
	.destroy_device = destroy_device,
};

static bool has_begun(struct rig_port *port)
{
	return __atomic_load_n(&port->vid, __ATOMIC_ACQUIRE) >= 0;
}

static bool has_ended(struct rig_port *port)
{
	return __atomic_load_n(&port->ended, __ATOMIC_ACQUIRE);
}

static void wait_until(struct rig_port *port, bool (*condition)(struct rig_port *port))
{
	double end = rig_now() + 10;

	while (!condition(port)) {
		assert_true(rig_now() < end);
		usleep(1000);
	}
}

struct rig_port *rig_open(bool packed, uint32_t ring_size)
{
	struct rig_port *port = calloc(1, sizeof(*port));
	struct guest_config config;
	uint16_t place = 0;

	assert_non_null(port);
	while (ports[place])
		assert_true(++place < PORTS);
	ports[place] = port;
	port->vid = -1;
	port->number = place;
	port->clears = true;
	port->random.state = 0x5eed + place;
	snprintf(port->path, sizeof(port->path), "%s/port%u", directory, place);
	assert_int_equal(rte_vhost_driver_register(port->path, RTE_VHOST_USER_ASYNC_COPY), 0);
	assert_int_equal(rte_vhost_driver_callback_register(port->path, &callbacks), 0);
	assert_int_equal(rte_vhost_driver_start(port->path), 0);
	guest_config_init(&config);
	config.socket_path = port->path;
	config.ring_size = ring_size;
	if (packed)
		config.features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
	/* Room for packets of nine thousand bytes. */
	config.tx_buffers = 8 * ring_size;
	assert_int_equal(guest_create(&config, &port->guest), 0);
	assert_int_equal(guest_connect(port->guest), 0);
	assert_int_equal(guest_start(port->guest), 0);
	assert_int_equal(guest_is_packed(guest_rx_queue(port->guest, 0)), packed);
	wait_until(port, has_begun);
	return port;
}

void rig_wait(struct rig_port *port, bool running)
{
	wait_until(port, running ? has_begun : has_ended);
}

void rig_hang_up(struct rig_port *port)
{
	guest_disconnect(port->guest);
	wait_until(port, has_ended);
}

void rig_free(struct rig_port *port)
{
	rte_vhost_driver_unregister(port->path);
	guest_destroy(port->guest);
	ports[port->number] = NULL;
	free(port);
}

void rig_close(struct rig_port *port)
{
	rig_settle(port, rig_dma[0], 10);
	if (!port->lossy) {
		assert_int_equal(guest_complaints(port->guest), 0);
		assert_int_equal(port->to.empty, 0);
	}
	rig_hang_up(port);
	rig_free(port);
	rig_assert_full(5);
}

int rig_teardown(void **state)
{
	(void)state;
	front_remove();
	for (int i = 0; i < PORTS; i++) {
		if (!ports[i])
			continue;
		guest_disconnect(ports[i]->guest);
		rig_free(ports[i]);
	}
	return 0;
}
