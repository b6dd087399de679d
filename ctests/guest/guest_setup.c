/* SPDX-License-Identifier: BSD-3-Clause */

/* Making, connecting, starting and stopping a guest. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "guest.h"

#define DEFAULT_GPA (1ULL << 30)
#define DEFAULT_BUFFER 2048
#define HUGE_ROUND (2ULL << 20)
#define LEAST_BUFFERS 64

void guest_config_init(struct guest_config *config)
{
	memset(config, 0, sizeof(*config));
	config->timeout_ms = 5000;
	config->features = GUEST_DEFAULT_FEATURES;
	config->protocol_features = GUEST_DEFAULT_PROTOCOL_FEATURES;
	config->queue_pairs = 1;
	config->ring_size = 256;
	config->kick = config->call = true;
	config->region_count = 1;
	config->gpa_start = DEFAULT_GPA;
	config->buffer_size = DEFAULT_BUFFER;
	config->table_entries = 32;
}

/** Buffers of a queue when the configuration does not say. */
static uint32_t default_rx_buffers(const struct guest_config *config)
{
	uint32_t pieces = (config->rx_capacity + config->buffer_size - 1) / config->buffer_size;
	uint32_t buffers = config->ring_size;

	if (pieces < config->rx_shape.data_pieces)
		pieces = config->rx_shape.data_pieces;
	/* Direct chains share the ring's descriptors; indirect ones need buffers for each. */
	if (config->rx_shape.indirect)
		buffers *= pieces + config->rx_shape.header_pieces;
	return buffers < LEAST_BUFFERS ? LEAST_BUFFERS : buffers;
}

static void complete_config(struct guest_config *config)
{
	if (config->rx_capacity == 0)
		config->rx_capacity = config->buffer_size;
	if (config->rx_buffers == 0)
		config->rx_buffers = default_rx_buffers(config);
	if (config->tx_buffers == 0)
		config->tx_buffers = config->ring_size < LEAST_BUFFERS ? LEAST_BUFFERS :
									 config->ring_size;
}

static int check_config(const struct guest_config *config)
{
	uint32_t size = config->ring_size;

	if (config->queue_pairs == 0 || config->queue_pairs > 128)
		return -EINVAL;
	if (size == 0 || size > GUEST_MAX_RING)
		return -EINVAL;
	/* virtio 1.2, 2.7: a split ring's size is a power of two; 2.8: a packed one's need not. */
	if ((size & (size - 1)) && !(config->features & GUEST_BIT(VIRTIO_F_RING_PACKED)))
		return -EINVAL;
	if (config->buffer_size == 0 || config->region_count == 0 ||
	    config->region_count > GUEST_MAX_REGIONS)
		return -EINVAL;
	return 0;
}

/** Memory as configured, or as much as the queues need, in equal regions. */
static int create_memory(struct guest *guest)
{
	const struct guest_config *config = &guest->config;
	struct guest_region_layout layout[GUEST_MAX_REGIONS] = { 0 };
	uint64_t size = config->region_size;

	if (config->layout)
		return guest_memory_create(&guest->memory, config->layout, config->region_count,
					   config->huge_pages);
	if (size == 0) {
		uint64_t pair = guest_queue_memory(config->ring_size, config->table_entries,
						   config->rx_buffers, config->buffer_size) +
				guest_queue_memory(config->ring_size, config->table_entries,
						   config->tx_buffers, config->buffer_size);
		/* The end stays free for tests that put a large packet there. */
		uint64_t slack = guest_slot_stride(config->buffer_size) + GUEST_MAX_FRAME;

		size = (pair * config->queue_pairs + config->extra_memory) / config->region_count;
		/* Rings lie in the first region with room: each must be able to hold one. */
		if (config->region_count > 1)
			size += pair;
		size = (size + slack + HUGE_ROUND - 1) / HUGE_ROUND * HUGE_ROUND;
	}
	for (uint32_t i = 0; i < config->region_count; i++) {
		layout[i].gpa = config->gpa_start + i * (size + config->region_gap);
		layout[i].size = size;
	}
	return guest_memory_create(&guest->memory, layout, config->region_count,
				   config->huge_pages);
}

static int create_queue(struct guest *guest, uint32_t index)
{
	struct guest_queue *queue = &guest->queues[index];
	const struct guest_config *config = &guest->config;
	bool receives = index % 2 == 0;

	queue->guest = guest;
	/* What is asked for; guest_connect() learns what can be had. */
	queue->ops = config->features & GUEST_BIT(VIRTIO_F_RING_PACKED) ? &guest_packed_ops :
									  &guest_split_ops;
	queue->index = index;
	queue->size = config->ring_size;
	queue->table_entries = config->table_entries;
	queue->rx_capacity = config->rx_capacity;
	queue->rx_shape = config->rx_shape;
	if (config->kick) {
		queue->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (queue->kick_fd < 0)
			return -errno;
	}
	if (config->call) {
		queue->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (queue->call_fd < 0)
			return -errno;
	}
	return guest_queue_create(queue, receives ? config->rx_buffers : config->tx_buffers,
				  config->buffer_size);
}

static int create_queues(struct guest *guest)
{
	uint32_t count = guest->config.queue_pairs * 2;

	guest->queues = calloc(count, sizeof(*guest->queues));
	if (!guest->queues)
		return -ENOMEM;
	guest->queue_count = count;
	for (uint32_t i = 0; i < count; i++)
		guest->queues[i].kick_fd = guest->queues[i].call_fd = guest->queues[i].err_fd = -1;
	for (uint32_t i = 0; i < count; i++) {
		int ret = create_queue(guest, i);

		if (ret < 0)
			return ret;
	}
	return 0;
}

int guest_create(const struct guest_config *config, struct guest **out)
{
	struct guest *guest;
	int ret = check_config(config);

	*out = NULL;
	if (ret < 0)
		return ret;
	guest = calloc(1, sizeof(*guest));
	if (!guest)
		return -ENOMEM;
	guest->config = *config;
	guest->inflight_fd = -1;
	complete_config(&guest->config);
	guest_frontend_init(&guest->frontend, config->timeout_ms);

	ret = create_memory(guest);
	if (ret == 0)
		ret = create_queues(guest);
	if (ret == 0 && config->listen)
		ret = guest_frontend_listen(&guest->frontend, config->socket_path);
	if (ret < 0) {
		guest_destroy(guest);
		return ret;
	}
	*out = guest;
	return 0;
}

void guest_destroy(struct guest *guest)
{
	if (!guest)
		return;
	guest_disconnect(guest);
	if (guest->frontend.listener >= 0)
		unlink(guest->config.socket_path);
	guest_frontend_destroy(&guest->frontend);
	for (uint32_t i = 0; i < guest->queue_count; i++)
		guest_queue_destroy(&guest->queues[i]);
	free(guest->queues);
	if (guest->inflight_fd >= 0)
		close(guest->inflight_fd);
	guest_memory_destroy(&guest->memory);
	free(guest);
}

void guest_reset(struct guest *guest)
{
	for (uint32_t i = 0; i < guest->queue_count; i++)
		guest_queue_reset(&guest->queues[i]);
	if (guest->inflight_fd >= 0)
		close(guest->inflight_fd);
	guest->inflight_fd = -1;
}

int guest_open_fds(const struct guest *guest)
{
	const struct guest_frontend *frontend = &guest->frontend;
	int count = (frontend->listener >= 0) + (frontend->socket >= 0) +
		    (frontend->backend_channel >= 0) + (guest->inflight_fd >= 0);

	for (unsigned int i = 0; i < guest->memory.count; i++)
		count += guest->memory.regions[i].fd >= 0;
	for (uint32_t i = 0; i < guest->queue_count; i++)
		count += (guest->queues[i].kick_fd >= 0) + (guest->queues[i].call_fd >= 0) +
			 (guest->queues[i].err_fd >= 0);
	return count;
}

int guest_process_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	if (!dir)
		return -errno;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(dir);
	/* The directory itself was open while it was read. */
	return count - 1;
}

uint64_t guest_complaints(const struct guest *guest)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < guest->queue_count; i++) {
		const struct guest_stats *stats = &guest->queues[i].stats;

		sum += stats->reordered + stats->bad_id + stats->bad_index + stats->bad_length +
		       stats->bad_header + stats->torn;
		sum += guest_slots_damaged(&guest->queues[i].slots);
	}
	return sum;
}
