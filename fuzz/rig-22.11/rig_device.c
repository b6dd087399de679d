/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Channels are rings of copies with places that count from 0, as DPDK's. A copy begins when the
 * device is told so, ends when rig_engine_work() did it, and is reported in order.
 */
#include <errno.h>
#include <string.h>

#include "crte_dmadev.h"
#include "rig_device.h"

#define COPIES 512
#define NOBODY UINT8_MAX

struct copy {
	const void *from;
	void *to;
	uint32_t size;
	uint8_t queue;
	bool has_failed;
};

static struct lane {
	struct copy copies[COPIES];
	/* Free-running: reported, ended, begun, given. */
	unsigned int head, ended, begun, tail;
	unsigned int room;	/* What the library was told, less what it gave since. */
	unsigned int attempts;
} lanes[RIG_ENGINE_QUEUES];

struct rig_engine_mode rig_engine_modes[RIG_ENGINE_QUEUES];
struct rig_engine_watch rig_engine_watch;

static bool has_failed[RIG_ENGINE_QUEUES];
static bool is_gone;
static uint16_t channels = RIG_ENGINE_QUEUES;
static uint8_t caller = NOBODY;

static void note_failure(const struct copy *copy)
{
	if (copy->queue < RIG_ENGINE_QUEUES)
		has_failed[copy->queue] = true;
}

void rig_device_begin(uint16_t queue)
{
	caller = queue < RIG_ENGINE_QUEUES ? (uint8_t)queue : NOBODY;
}

void rig_device_end(void)
{
	caller = NOBODY;
	for (unsigned int channel = 0; channel < RIG_ENGINE_QUEUES; channel++)
		FUZZ_CHECK(lanes[channel].begun == lanes[channel].tail);
}

void rig_engine_work(unsigned int queue, unsigned int limit)
{
	struct lane *lane = &lanes[queue];
	const struct rig_engine_mode *mode = &rig_engine_modes[queue];

	for (; limit > 0 && lane->ended != lane->begun; limit--, lane->ended++) {
		struct copy *copy = &lane->copies[lane->ended % COPIES];

		if (copy->queue == NOBODY)
			continue;
		if (mode->fails > 0 && ++lane->attempts % mode->fails == 0) {
			copy->has_failed = true;
			note_failure(copy);
			continue;
		}
		/* Who unmapped or freed one of both sides meets a guard page, or ASAN. */
		memmove(copy->to, copy->from, copy->size);
		if (rig_engine_watch.copied != NULL)
			rig_engine_watch.copied(copy->queue, copy->from, copy->to, copy->size);
	}
}

unsigned int rig_engine_count(unsigned int queue)
{
	unsigned int count = 0;

	for (unsigned int place = lanes[queue].ended; place != lanes[queue].tail; place++)
		count += lanes[queue].copies[place % COPIES].queue != NOBODY;
	return count;
}

bool rig_engine_has_failed(unsigned int queue)
{
	return has_failed[queue];
}

void rig_engine_forgive(unsigned int queue)
{
	has_failed[queue] = false;
}

/* The device is started again: places begin with 0, what it had is forgotten. */
static void restart(void)
{
	for (unsigned int channel = 0; channel < RIG_ENGINE_QUEUES; channel++) {
		struct lane *lane = &lanes[channel];

		for (unsigned int place = lane->head; place != lane->tail; place++)
			note_failure(&lane->copies[place % COPIES]);
		lane->head = lane->ended = lane->begun = lane->tail = lane->room = 0;
	}
}

/* A copy of the application's own in between. */
static void copy_for_others(struct lane *lane)
{
	if (lane->tail - lane->head == COPIES)
		return;
	lane->copies[lane->tail % COPIES] = (struct copy){ .queue = NOBODY };
	lane->tail++;
	lane->begun = lane->tail;
}

void rig_engine_disturb(unsigned int choice)
{
	if (choice & 1)
		copy_for_others(&lanes[choice >> 1 & 1]);
	if ((choice & 0xf8) == 0x08)
		restart();
	if ((choice & 0xf8) == 0x10) {
		restart();
		is_gone = !is_gone;
	}
	if ((choice & 0xf8) == 0x18)
		channels = channels == RIG_ENGINE_QUEUES ? 1 : RIG_ENGINE_QUEUES;
}

void rig_engine_wait(void)
{
	rig_pass(600000000);
}

void rig_device_mend(void)
{
	is_gone = false;
	channels = RIG_ENGINE_QUEUES;
}

void rig_device_reset(void)
{
	for (unsigned int channel = 0; channel < RIG_ENGINE_QUEUES; channel++) {
		FUZZ_CHECK(rig_engine_count(channel) == 0);
		lanes[channel] = (struct lane){ .head = 0 };
		has_failed[channel] = false;
		rig_engine_modes[channel] = (struct rig_engine_mode){ .copies_at_once = true };
	}
}

/* What the library sees. */

static int copy(void *device, uint16_t channel, uint64_t from, uint64_t to, uint32_t size,
	uint64_t flags)
{
	struct lane *lane = &lanes[channel % RIG_ENGINE_QUEUES];
	const struct rig_engine_mode *mode = &rig_engine_modes[channel % RIG_ENGINE_QUEUES];

	(void)flags;
	FUZZ_CHECK(device == lanes && channel < RIG_ENGINE_QUEUES && size > 0);
	if (is_gone)
		return -EINVAL;
	/* Nobody gives more than there is room for. */
	FUZZ_CHECK(lane->room > 0);
	lane->room--;
	if (lane->tail - lane->head == COPIES || mode->accept == RIG_NEGATIVE ||
	    (mode->accept == RIG_SOME && lane->tail - lane->begun >= mode->limit)) {
		/* A packet that it took in part. */
		if (caller != NOBODY)
			has_failed[caller] = true;
		return -ENOSPC;
	}
	FUZZ_CHECK(caller != NOBODY);
	if (rig_engine_watch.given != NULL)
		rig_engine_watch.given(caller, (const void *)(uintptr_t)from,
			(const void *)(uintptr_t)to, size);
	lane->copies[lane->tail % COPIES] = (struct copy){
		.from = (const void *)(uintptr_t)from, .to = (void *)(uintptr_t)to, .size = size,
		.queue = caller,
	};
	return (uint16_t)lane->tail++;
}

static int submit(void *device, uint16_t channel)
{
	struct lane *lane = &lanes[channel % RIG_ENGINE_QUEUES];

	FUZZ_CHECK(device == lanes && channel < RIG_ENGINE_QUEUES);
	lane->begun = lane->tail;
	if (rig_engine_modes[channel].copies_at_once)
		rig_engine_work(channel, COPIES);
	return 0;
}

/* How many of those that ended are reported now. */
static unsigned int reportable(struct lane *lane, unsigned int channel, unsigned int limit)
{
	const struct rig_engine_mode *mode = &rig_engine_modes[channel];
	unsigned int count;

	if (mode->copies_when_asked || mode->report == RIG_TOO_MANY)
		rig_engine_work(channel, COPIES);
	count = lane->ended - lane->head;
	if (mode->report == RIG_NONE)
		return 0;
	if (mode->report == RIG_SOME && count > mode->limit)
		count = mode->limit;
	return count < limit ? count : limit;
}

static uint16_t completed(void *device, uint16_t channel, uint16_t limit, uint16_t *last,
	bool *error)
{
	struct lane *lane = &lanes[channel % RIG_ENGINE_QUEUES];
	unsigned int count, good;

	FUZZ_CHECK(device == lanes && channel < RIG_ENGINE_QUEUES);
	if (is_gone)
		return 0;
	count = reportable(lane, channel, limit);
	for (good = 0; good < count; good++)
		if (lane->copies[(lane->head + good) % COPIES].has_failed)
			break;
	*error = good < count || rig_engine_modes[channel].report == RIG_NEGATIVE;
	lane->head += good;
	*last = (uint16_t)(lane->head - 1);
	return (uint16_t)good;
}

static uint16_t completed_status(void *device, uint16_t channel, uint16_t limit, uint16_t *last,
	uint32_t *statuses)
{
	struct lane *lane = &lanes[channel % RIG_ENGINE_QUEUES];
	unsigned int count;

	FUZZ_CHECK(device == lanes && channel < RIG_ENGINE_QUEUES);
	if (is_gone)
		return 0;
	count = reportable(lane, channel, limit);
	for (unsigned int index = 0; index < count; index++, lane->head++)
		statuses[index] = lane->copies[lane->head % COPIES].has_failed ? 3 : 0;
	*last = (uint16_t)(lane->head - 1);
	return (uint16_t)count;
}

static uint16_t capacity(const void *device, uint16_t channel)
{
	struct lane *lane = &lanes[channel % RIG_ENGINE_QUEUES];
	const struct rig_engine_mode *mode = &rig_engine_modes[channel % RIG_ENGINE_QUEUES];

	FUZZ_CHECK(device == lanes && channel < RIG_ENGINE_QUEUES);
	lane->room = is_gone || mode->accept == RIG_NONE ? 0 : COPIES - (lane->tail - lane->head);
	if (mode->accept == RIG_TOO_MANY)
		lane->room = UINT16_MAX;
	/* Sometimes it knows beforehand. */
	if (mode->accept == RIG_SOME && (mode->limit & 1) && lane->room > mode->limit)
		lane->room = mode->limit;
	return (uint16_t)lane->room;
}

static struct crte_dma_functions functions[RIG_DEVICES] = {
	[RIG_DEVICE] = {
		.device = lanes, .copy = copy, .submit = submit, .completed = completed,
		.completed_status = completed_status, .burst_capacity = capacity,
	},
};

/* DPDK: a pointer to the array, behind this name. */
struct crte_dma_functions *rte_dma_fp_objs = functions;

bool rte_dma_is_valid(int16_t device)
{
	return device >= 0 && device < RIG_DEVICES && !is_gone;
}

int rte_dma_info_get(int16_t device, void *info)
{
	struct crte_dma_info *told = info;

	if (!rte_dma_is_valid(device))
		return -EINVAL;
	told->name = "rig";
	told->capabilities = device == RIG_DEVICE_FILL_ONLY ? 1 : 1 | 1ULL << 32;
	told->max_channels = RIG_ENGINE_QUEUES;
	told->max_copies = COPIES;
	told->channels = channels;
	return 0;
}

int rte_dma_stats_get(int16_t device, uint16_t channel, void *statistics)
{
	struct crte_dma_statistics *told = statistics;

	if (!rte_dma_is_valid(device) || channel >= channels)
		return -EINVAL;
	told->submitted = lanes[channel].begun;
	told->completed = lanes[channel].head;
	return 0;
}
