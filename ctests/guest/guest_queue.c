/* SPDX-License-Identifier: BSD-3-Clause */

/* What all ring formats share: memory, the free list, notifications. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

#define CACHE_LINE 64
#define AREA_SLACK 4096

/** Sizes of a split ring's three areas (virtio 1.2, 2.7), event fields included. */
static void area_sizes(uint32_t size, uint64_t bytes[3])
{
	bytes[0] = (uint64_t)size * sizeof(struct vring_desc);
	bytes[1] = 4 + (uint64_t)size * sizeof(uint16_t) + sizeof(uint16_t);
	bytes[2] = 4 + (uint64_t)size * sizeof(struct vring_used_elem) + sizeof(uint16_t);
}

uint64_t guest_queue_memory(uint32_t size, uint32_t table_entries, uint32_t buffers,
			    uint32_t buffer_size)
{
	uint64_t bytes[3];

	area_sizes(size, bytes);
	return bytes[0] + bytes[1] + bytes[2] + AREA_SLACK +
	       (uint64_t)size * table_entries * sizeof(struct vring_desc) +
	       buffers * guest_slot_stride(buffer_size);
}

/** Allocate from the first region with room. */
static int alloc_anywhere(struct guest_memory *memory, uint64_t size, struct guest_area *area)
{
	int ret = -ENOMEM;

	for (unsigned int i = 0; i < memory->count && ret < 0; i++)
		ret = guest_memory_alloc(memory, i, size, CACHE_LINE, area);
	return ret;
}

static int alloc_bookkeeping(struct guest_queue *queue)
{
	struct guest_packed *packed = &queue->ring.packed;

	queue->link = calloc(queue->size, sizeof(*queue->link));
	queue->order = calloc(queue->size, sizeof(*queue->order));
	queue->chains = calloc(queue->size, sizeof(*queue->chains));
	packed->shadow = calloc(queue->size, sizeof(*packed->shadow));
	packed->held = calloc(queue->size, sizeof(*packed->held));
	packed->span = calloc(queue->size, sizeof(*packed->span));
	return queue->link && queue->order && queue->chains && packed->shadow && packed->held &&
	       packed->span ? 0 : -ENOMEM;
}

int guest_queue_create(struct guest_queue *queue, uint32_t buffers, uint32_t buffer_size)
{
	struct guest_memory *memory = &queue->guest->memory;
	uint64_t bytes[3];
	int ret = alloc_bookkeeping(queue);

	area_sizes(queue->size, bytes);
	for (int i = 0; i < 3 && ret == 0; i++)
		ret = alloc_anywhere(memory, bytes[i], &queue->areas[i]);
	if (ret == 0 && queue->table_entries > 0)
		ret = alloc_anywhere(memory, (uint64_t)queue->size * queue->table_entries *
				     sizeof(struct vring_desc), &queue->tables);
	if (ret == 0)
		ret = guest_slots_create(&queue->slots, memory, buffers, buffer_size);
	if (ret == 0)
		guest_queue_reset(queue);
	return ret;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void guest_queue_destroy(struct guest_queue *queue)
{
	guest_slots_destroy(&queue->slots);
	free(queue->chains);
	free(queue->order);
	free(queue->link);
	free(queue->ring.packed.shadow);
	free(queue->ring.packed.held);
	free(queue->ring.packed.span);
	memset(&queue->ring, 0, sizeof(queue->ring));
	queue->chains = NULL;
	queue->order = queue->link = NULL;
	close_fd(&queue->kick_fd);
	close_fd(&queue->call_fd);
	close_fd(&queue->err_fd);
}

/** Link all descriptors into the free list: in ring order, or shuffled. */
static void free_all(struct guest_queue *queue, uint64_t seed)
{
	uint32_t size = queue->size;
	uint16_t *sequence = queue->order;

	for (uint32_t i = 0; i < size; i++)
		sequence[i] = (uint16_t)i;
	for (uint32_t i = size - 1; seed && !queue->in_order && i > 0; i--) {
		uint32_t other;
		uint16_t kept = sequence[i];

		seed = seed * 0x5851f42d4c957f2dULL + 0x14057b7ef767814fULL;
		other = (uint32_t)(seed >> 33) % (i + 1);
		sequence[i] = sequence[other];
		sequence[other] = kept;
	}
	for (uint32_t i = 0; i < size; i++)
		queue->link[sequence[i]] = sequence[(i + 1) % size];
	queue->free_head = sequence[0];
	queue->free_tail = sequence[size - 1];
	queue->free_count = size;
}

void guest_queue_reset(struct guest_queue *queue)
{
	for (int i = 0; i < 3; i++)
		memset(queue->areas[i].host, 0, queue->areas[i].size);
	memset(queue->chains, 0, queue->size * sizeof(*queue->chains));
	free_all(queue, queue->guest->config.shuffle_seed);
	guest_slots_reset(&queue->slots);
	queue->next_serial = queue->used_serial = 0;
	queue->in_flight = queue->ghosts = 0;
	queue->next_avail = queue->published = queue->kicked = queue->next_used = 0;
	queue->batch_last = GUEST_NO_HEAD;
	queue->batch_length = 0;
	queue->rx_first = queue->rx_last = GUEST_NO_HEAD;
	queue->rx_have = queue->rx_need = 0;
	queue->base = 0;
	queue->ops->reset(queue);
}

int guest_queue_set_format(struct guest_queue *queue, bool packed)
{
	const struct guest_ring_ops *ops = packed ? &guest_packed_ops : &guest_split_ops;

	/* virtio 1.2, 2.7: a split ring's size is a power of two. */
	if (!packed && (queue->size & (queue->size - 1)))
		return -EINVAL;
	if (queue->ops == ops)
		return 0;
	queue->ops = ops;
	guest_queue_reset(queue);
	return 0;
}

int guest_kick(struct guest_queue *queue)
{
	uint64_t one = 1;

	if (queue->kick_fd < 0)
		return 0;
	queue->stats.kicks++;
	return write(queue->kick_fd, &one, sizeof(one)) == sizeof(one) ? 0 : -errno;
}

int guest_submit(struct guest_queue *queue)
{
	if (queue->published == queue->next_avail)
		return 0;
	queue->ops->publish(queue);
	if (queue->ops->wants_kick(queue))
		return guest_kick(queue);
	queue->stats.quiet++;
	return 0;
}

void guest_want_calls(struct guest_queue *queue, bool want)
{
	queue->ops->want_calls(queue, want);
}

int guest_wait_call(struct guest_queue *queue, int timeout_ms)
{
	struct pollfd poller = { .fd = queue->call_fd, .events = POLLIN };
	uint64_t count;
	int ret;

	if (queue->call_fd < 0)
		return -EBADF;
	ret = poll(&poller, 1, timeout_ms);
	if (ret < 0)
		return -errno;
	if (ret > 0 && read(queue->call_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return -errno;
	return ret;
}
