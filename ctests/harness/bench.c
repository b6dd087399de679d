/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#include "bench.h"

#include <dirent.h>
#include <linux/virtio_config.h>
#include <stdio.h>
#include <unistd.h>

#include "guest_packed.h"

#define WAIT_TURNS 10000
#define TEARDOWN_TURNS 2000
#define WAIT_MICROSECONDS 1000

static struct bench *benches[BENCH_MAX];
static bool packed;

static struct bench *find(int vid)
{
	char path[64] = "";

	if (rte_vhost_get_ifname(vid, path, sizeof(path)) < 0)
		return NULL;
	for (int i = 0; i < BENCH_MAX; i++)
		if (benches[i] && strcmp(benches[i]->path, path) == 0)
			return benches[i];
	return NULL;
}

static int new_device(int vid)
{
	struct bench *bench = find(vid);

	if (bench)
		bench->vid = vid;
	return 0;
}

static void destroy_device(int vid)
{
	struct bench *bench = find(vid);
	void (*ending)(struct bench *, int);

	if (!bench)
		return;
	ending = bench->ending;
	if (ending)
		ending(bench, vid);
	bench->vid = -1;
}

static int vring_state_changed(int vid, uint16_t queue, int enable)
{
	struct bench *bench = find(vid);

	if (!bench)
		return 0;
	bench->changes++;
	if (bench->config.callback && enable && queue <= TX)
		return rte_vhost_async_channel_register_thread_unsafe(vid, queue,
			bench->config.async, &engine_ops);
	return 0;
}

static const struct vhost_device_ops callbacks = {
	.new_device = new_device,
	.destroy_device = destroy_device,
	.vring_state_changed = vring_state_changed,
};

static int count_entries(const char *path)
{
	DIR *directory = opendir(path);
	int count = 0;

	if (!directory)
		return -1;
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

/** Mappings of guest memory; others come and go with malloc. */
static int count_maps(void)
{
	FILE *file = fopen("/proc/self/maps", "r");
	char line[512];
	int count = 0;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		count += strstr(line, "memfd:guest") != NULL;
	fclose(file);
	return count;
}

void bench_measure(struct bench_baseline *baseline)
{
	baseline->fds = guest_process_fds();
	baseline->maps = count_maps();
	baseline->threads = count_entries("/proc/self/task");
}

void bench_measure_idle(struct bench_baseline *baseline)
{
	struct bench_baseline last;
	int same = 0;

	bench_measure(baseline);
	for (int turn = 0; turn < 500 && same < 3; turn++) {
		last = *baseline;
		usleep(10000);
		bench_measure(baseline);
		if (last.fds != baseline->fds || last.threads != baseline->threads)
			same = 0;
		else
			same++;
	}
}

static bool wait_for(bool (*condition)(void *data), void *data, int turns)
{
	while (turns-- > 0) {
		if (condition(data))
			return true;
		usleep(WAIT_MICROSECONDS);
	}
	return false;
}

bool bench_wait(bool (*condition)(void *data), void *data)
{
	return wait_for(condition, data, WAIT_TURNS);
}

void bench_config_init(struct bench_config *config)
{
	memset(config, 0, sizeof(*config));
	guest_config_init(&config->guest);
	config->guest.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_RARP);
	if (packed)
		config->guest.features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
	config->driver_flags = RTE_VHOST_USER_ASYNC_COPY;
	config->async.async_threshold = 256;
	config->async.features = RTE_VHOST_ASYNC_INORDER;
	config->pool_size = 512;
	config->data_room = RTE_MBUF_DEFAULT_BUF_SIZE;
}

static struct bench *create(const struct bench_config *config)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	int place = benches[0] ? 1 : 0;

	assert_non_null(bench);
	assert_null(benches[place]);
	benches[place] = bench;
	bench->config = *config;
	bench->vid = -1;
	bench->open = true;
	bench->relaxed = config->async.features & RTE_VHOST_ASYNC_RELAXED_ORDER &&
			 !(config->guest.features & GUEST_BIT(VIRTIO_F_IN_ORDER));
	snprintf(bench->directory, sizeof(bench->directory), "/tmp/ctest.XXXXXX");
	assert_non_null(mkdtemp(bench->directory));
	snprintf(bench->path, sizeof(bench->path), "%s/sock", bench->directory);
	bench->config.guest.socket_path = bench->path;
	assert_int_equal(pool_create(&bench->pool, config->pool_size, config->data_room), 0);
	assert_int_equal(pool_create(&bench->app, 512, config->data_room), 0);
	return bench;
}

static void offer_protocol(const struct bench *bench)
{
	uint64_t offered;

	if (!bench->config.protocol)
		return;
	assert_int_equal(rte_vhost_driver_get_protocol_features(bench->path, &offered), 0);
	assert_int_equal(rte_vhost_driver_set_protocol_features(
		bench->path, offered | bench->config.protocol), 0);
}

struct bench *bench_connect(void **state, const struct bench_config *config)
{
	struct bench *bench = create(config);

	*state = bench;
	assert_int_equal(rte_vhost_driver_register(bench->path, config->driver_flags), 0);
	bench->registered = true;
	offer_protocol(bench);
	assert_int_equal(rte_vhost_driver_callback_register(bench->path, &callbacks), 0);
	assert_int_equal(rte_vhost_driver_start(bench->path), 0);
	assert_int_equal(guest_create(&bench->config.guest, &bench->guest), 0);
	if (config->iommu)
		bench_iommu_create(bench);
	bench->tx = guest_tx_queue(bench->guest, 0);
	bench->rx = guest_rx_queue(bench->guest, 0);
	bench_measure(&bench->baseline);
	assert_int_equal(guest_connect(bench->guest), 0);
	assert_int_equal(guest_is_packed(bench->tx),
			 (bench->config.guest.features & GUEST_BIT(VIRTIO_F_RING_PACKED)) != 0);
	return bench;
}

int bench_register(struct bench *bench, uint16_t queue)
{
	return rte_vhost_async_channel_register(bench->vid, queue, bench->config.async,
						&engine_ops);
}

void bench_start(struct bench *bench)
{
	bool first = !bench->started;

	assert_int_equal(guest_start(bench->guest), 0);
	assert_true(bench_wait(bench_has_device, bench));
	bench->started = true;
	for (uint16_t queue = RX; queue <= TX && first; queue++)
		engine_init(&bench->engines[queue], bench->vid, queue,
			    queue == TX ? &bench->pool : &bench->app);
	for (uint16_t queue = RX; queue <= TX; queue++) {
		bench->engines[queue].vid = bench->vid;
		assert_int_equal(engine_learn_memory(&bench->engines[queue]), 0);
		bench->engines[queue].any_host =
			(bench->config.driver_flags & RTE_VHOST_USER_EXTBUF_SUPPORT) != 0;
		if (!bench->config.bare && !bench->config.callback &&
		    !bench->config.synchronous && first)
			assert_int_equal(bench_register(bench, queue), 0);
	}
	bench_check(bench);
}

uint32_t bench_base(const struct guest_queue *queue, uint32_t descriptors)
{
	struct guest_packed_place place = { .wrap = true };

	if (!guest_is_packed(queue))
		return descriptors;
	place = guest_packed_after(queue, place, descriptors);
	return guest_packed_base(place, place);
}

void bench_restart_ring(struct bench *bench, struct guest_queue *queue, uint32_t descriptors)
{
	struct guest_frontend *frontend = &bench->guest->frontend;

	assert_int_equal(guest_get_vring_base(frontend, queue->index, &queue->base), 0);
	assert_int_equal(queue->base, bench_base(queue, descriptors));
	assert_int_equal(guest_send_ring(bench->guest, queue->index), 0);
	assert_true(bench_wait(bench_has_device, bench));
}

struct bench *bench_open(void **state, const struct bench_config *config)
{
	struct bench *bench = bench_connect(state, config);

	bench_start(bench);
	return bench;
}

static bool is_back(void *data)
{
	const struct bench *bench = data;
	struct bench_baseline now;

	bench_measure(&now);
	return memcmp(&now, &bench->baseline, sizeof(now)) == 0 &&
	       pool_in_use(&bench->pool) == bench->held && pool_in_use(&bench->app) == 0;
}

void bench_hang_up(struct bench *bench)
{
	struct bench_baseline now;

	guest_disconnect(bench->guest);
	if (bench_wait(is_back, bench))
		return;
	bench_measure(&now);
	assert_int_equal(now.fds, bench->baseline.fds);
	assert_int_equal(now.maps, bench->baseline.maps);
	assert_int_equal(now.threads, bench->baseline.threads);
	assert_int_equal(pool_in_use(&bench->pool), bench->held);
	assert_int_equal(pool_in_use(&bench->app), 0);
}

static void release(struct bench *bench)
{
	for (int i = 0; i < BENCH_MAX; i++)
		if (benches[i] == bench)
			benches[i] = NULL;
	for (int i = 0; i < 2 && bench->started; i++)
		engine_destroy(&bench->engines[i]);
	guest_iotlb_destroy(&bench->iotlb);
	guest_destroy(bench->guest);
	pool_destroy(&bench->pool);
	pool_destroy(&bench->app);
	rmdir(bench->directory);
	free(bench);
}

void bench_close(struct bench *bench)
{
	for (int i = 0; i < 2 && bench->started; i++)
		engine_behave(&bench->engines[i]);
	if (bench->vid >= 0)
		bench_drain(bench);
	for (int i = 0; i < 2; i++)
		assert_int_equal(bench->engines[i].violations, 0);
	bench_hang_up(bench);
	assert_int_equal(rte_vhost_driver_unregister(bench->path), 0);
	bench->registered = false;
	assert_int_equal(rmdir(bench->directory), 0);
	release(bench);
}

int bench_setup_split(void **state)
{
	*state = NULL;
	packed = false;
	return 0;
}

int bench_setup_packed(void **state)
{
	*state = NULL;
	packed = true;
	return 0;
}

int bench_teardown(void **state)
{
	(void)state;
	for (int i = BENCH_MAX - 1; i >= 0; i--) {
		struct bench *bench = benches[i];

		if (!bench)
			continue;
		for (int j = 0; j < 2 && bench->started; j++)
			engine_behave(&bench->engines[j]);
		if (bench->guest)
			guest_disconnect(bench->guest);
		/* Packets still out must not find their pool gone; some never come back. */
		if (bench->started)
			wait_for(is_back, bench, TEARDOWN_TURNS);
		if (bench->registered)
			rte_vhost_driver_unregister(bench->path);
		release(bench);
	}
	return 0;
}
