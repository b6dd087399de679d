/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#include "front.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <rte_dmadev.h>

struct front front;

static struct rte_dma_fp_object real;
static int16_t number = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* By place in the device's ring. */
static bool spoiled[65536];
static uint16_t next;		/* Place to be reported next. */
static uint32_t ready;		/* Copies that the device has done and nobody heard of. */
static uint8_t scratch[128];

static int copy(void *device, uint16_t channel, rte_iova_t from, rte_iova_t to, uint32_t length,
		uint64_t flags)
{
	bool spoil = false;
	int place;

	pthread_mutex_lock(&lock);
	if (front.refuse_at > 0 && --front.refuse_at == 0) {
		front.refused++;
		pthread_mutex_unlock(&lock);
		return -EIO;
	}
	if (front.spoil_at > 0 && --front.spoil_at == 0) {
		spoil = true;
		front.spoiled++;
		if (front.spoil_count > 1) {
			front.spoil_count--;
			front.spoil_at = 1;
		}
	}
	if (spoil) {
		from = (rte_iova_t)(uintptr_t)scratch;
		to = from + sizeof(scratch) / 2;
		length = sizeof(scratch) / 2;
	}
	place = real.copy(device, channel, from, to, length, flags);
	if (place >= 0) {
		if (front_pending() == 0)
			next = (uint16_t)place;
		spoiled[place] = spoil;
		front.copies++;
	}
	pthread_mutex_unlock(&lock);
	return place;
}

/* Asks the device; how many may be told about. */
static uint32_t gather(void *device, uint16_t channel, uint16_t limit)
{
	uint16_t last;
	bool error = false;

	ready += real.completed(device, channel, UINT16_MAX, &last, &error);
	if (front.held)
		return 0;
	return ready < limit ? ready : limit;
}

static void report(uint16_t count, uint16_t *last)
{
	next = (uint16_t)(next + count);
	ready -= count;
	front.reported += count;
	*last = (uint16_t)(next - 1);
}

static uint16_t completed(void *device, uint16_t channel, const uint16_t limit, uint16_t *last,
			  bool *error)
{
	uint16_t count = 0;
	uint32_t most;

	pthread_mutex_lock(&lock);
	most = gather(device, channel, limit);
	while (count < most && !spoiled[(uint16_t)(next + count)])
		count++;
	*error = count < most;
	report(count, last);
	pthread_mutex_unlock(&lock);
	return count;
}

static uint16_t completed_status(void *device, uint16_t channel, const uint16_t limit,
				 uint16_t *last, enum rte_dma_status_code *statuses)
{
	uint16_t count;

	pthread_mutex_lock(&lock);
	count = (uint16_t)gather(device, channel, limit);
	for (uint16_t i = 0; i < count; i++)
		statuses[i] = spoiled[(uint16_t)(next + i)] ? RTE_DMA_STATUS_BUS_ERROR :
							      RTE_DMA_STATUS_SUCCESSFUL;
	report(count, last);
	pthread_mutex_unlock(&lock);
	return count;
}

static uint16_t burst_capacity(const void *device, uint16_t channel)
{
	uint16_t room = real.burst_capacity(device, channel);

	return room < front.capacity ? room : front.capacity;
}

void front_restarted(void)
{
	pthread_mutex_lock(&lock);
	next = 0;
	ready = 0;
	front.reported = front.copies;
	pthread_mutex_unlock(&lock);
}

uint64_t front_pending(void)
{
	return front.copies - front.reported;
}

void front_install(int16_t dma)
{
	struct rte_dma_fp_object *object = &rte_dma_fp_objs[dma];

	memset(&front, 0, sizeof(front));
	memset(spoiled, 0, sizeof(spoiled));
	front.capacity = UINT16_MAX;
	ready = 0;
	real = *object;
	number = dma;
	object->copy = copy;
	object->completed = completed;
	object->completed_status = completed_status;
	object->burst_capacity = burst_capacity;
}

void front_remove(void)
{
	if (number < 0)
		return;
	rte_dma_fp_objs[number] = real;
	number = -1;
}
