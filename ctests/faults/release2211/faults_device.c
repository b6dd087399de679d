/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * A DMA device under the names by which the library looks for DPDK's: it copies when it is told to
 * begin, and reports that when it is asked.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "crte_dmadev.h"

#define CHANNELS 2
#define COPIES 512

static struct {
	/* Free-running: reported, and given. */
	unsigned int head, tail;
	struct {
		const void *from;
		void *to;
		uint32_t size;
	} copies[COPIES];
	unsigned int begun;
} lanes[CHANNELS];

static int copy(void *device, uint16_t channel, uint64_t from, uint64_t to, uint32_t size,
		uint64_t flags)
{
	unsigned int place = lanes[channel].tail % COPIES;

	(void)device;
	(void)flags;
	if (lanes[channel].tail - lanes[channel].head == COPIES)
		return -ENOSPC;
	lanes[channel].copies[place].from = (const void *)(uintptr_t)from;
	lanes[channel].copies[place].to = (void *)(uintptr_t)to;
	lanes[channel].copies[place].size = size;
	return (uint16_t)lanes[channel].tail++;
}

static int submit(void *device, uint16_t channel)
{
	(void)device;
	for (; lanes[channel].begun != lanes[channel].tail; lanes[channel].begun++) {
		unsigned int place = lanes[channel].begun % COPIES;

		memcpy(lanes[channel].copies[place].to, lanes[channel].copies[place].from,
		       lanes[channel].copies[place].size);
	}
	return 0;
}

static uint16_t completed(void *device, uint16_t channel, uint16_t limit, uint16_t *last,
			  bool *error)
{
	unsigned int count = lanes[channel].begun - lanes[channel].head;

	(void)device;
	if (count > limit)
		count = limit;
	lanes[channel].head += count;
	*last = (uint16_t)(lanes[channel].head - 1);
	*error = false;
	return (uint16_t)count;
}

static uint16_t completed_status(void *device, uint16_t channel, uint16_t limit, uint16_t *last,
				 uint32_t *statuses)
{
	bool error;
	uint16_t count = completed(device, channel, limit, last, &error);

	memset(statuses, 0, count * sizeof(*statuses));
	return count;
}

static uint16_t capacity(const void *device, uint16_t channel)
{
	(void)device;
	return (uint16_t)(COPIES - (lanes[channel].tail - lanes[channel].head));
}

static struct crte_dma_functions functions = {
	.copy = copy, .submit = submit, .completed = completed,
	.completed_status = completed_status, .burst_capacity = capacity,
};

/* DPDK: a pointer to an array of them, behind this name; and three functions. */
struct crte_dma_functions *rte_dma_fp_objs = &functions;
bool rte_dma_is_valid(int16_t device);
int rte_dma_info_get(int16_t device, struct crte_dma_info *info);
int rte_dma_stats_get(int16_t device, uint16_t channel, struct crte_dma_statistics *statistics);

bool rte_dma_is_valid(int16_t device)
{
	return device == 0;
}

int rte_dma_info_get(int16_t device, struct crte_dma_info *info)
{
	if (!rte_dma_is_valid(device))
		return -EINVAL;
	info->name = "faults";
	info->capabilities = 1 | 1ULL << 32;
	info->max_channels = CHANNELS;
	info->channels = CHANNELS;
	return 0;
}

int rte_dma_stats_get(int16_t device, uint16_t channel, struct crte_dma_statistics *statistics)
{
	if (!rte_dma_is_valid(device) || channel >= CHANNELS)
		return -EINVAL;
	statistics->submitted = lanes[channel].tail;
	statistics->completed = lanes[channel].head;
	return 0;
}
