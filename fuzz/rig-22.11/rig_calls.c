/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The asynchronous calls of 22.11, and the functions that 21.08 does not have. */
#include <errno.h>
#include <string.h>

#include <rte_vhost_crypto.h>

#include "rig_device.h"

const bool rig_may_reorder = false;
const bool rig_has_own_engines = false;

static int16_t device = RIG_DEVICE;
static uint16_t channel;

/** Devices.swift: rte_vhost_async_channel_register() with a threshold, which is no part of it. */
int rig_register_devices(int vid, uint16_t queue, uint32_t threshold);

void rig_choose_channel(uint16_t queue, unsigned int choice)
{
	static const struct {
		int16_t device;
		uint16_t channel;
	} others[8] = {
		{ -1, 0 }, { RIG_DEVICE_FILL_ONLY, 0 }, { RIG_DEVICE_BARE, 0 }, { INT16_MAX, 0 },
		{ INT16_MIN, UINT16_MAX }, { 0, RIG_ENGINE_QUEUES }, { 0, UINT16_MAX }, { 5, 5 },
	};

	device = RIG_DEVICE;
	channel = queue % RIG_ENGINE_QUEUES;
	if (choice & 0xf0)
		return;
	channel = choice & 7;
	if (choice & 8) {
		device = others[choice & 7].device;
		channel = others[choice & 7].channel;
	}
}

void rig_engine_setup(void)
{
	for (uint16_t index = 0; index < RIG_ENGINE_QUEUES; index++)
		FUZZ_CHECK(rte_vhost_async_dma_configure(RIG_DEVICE, index) == 0);
	FUZZ_CHECK(rte_vhost_async_dma_configure(RIG_DEVICE_FILL_ONLY, 0) == -1);
}

/* All copies have ended: a channel that cannot be let go thinks otherwise. */
void rig_engine_reset(void)
{
	rig_device_mend();
	for (unsigned int queue = 0; queue < RIG_ENGINE_QUEUES; queue++)
		rig_engine_modes[queue] = (struct rig_engine_mode){ .report = RIG_ALL };
	rig_engine_setup();
	for (uint16_t index = 0; index < RIG_ENGINE_QUEUES; index++) {
		int result = -1;

		for (unsigned int round = 0; round < 3 && result != 0; round++) {
			result = rte_vhost_async_dma_unconfigure(RIG_DEVICE, index);
			rig_engine_wait();
		}
		FUZZ_CHECK(result == 0);
	}
	rig_device_reset();
	rig_engine_setup();
}

int rig_register(int vid, uint16_t queue, const struct rig_channel *wanted)
{
	/* Mostly small pieces are copied by the device, too. */
	if (wanted->threshold % 4 != 3)
		return rig_register_devices(vid, queue, wanted->threshold);
	return wanted->is_unsafe ? rte_vhost_async_channel_register_thread_unsafe(vid, queue) :
		rte_vhost_async_channel_register(vid, queue);
}

int rig_unregister(int vid, uint16_t queue, bool is_unsafe)
{
	return is_unsafe ? rte_vhost_async_channel_unregister_thread_unsafe(vid, queue) :
		rte_vhost_async_channel_unregister(vid, queue);
}

uint16_t rig_submit(int vid, uint16_t queue, struct rte_mbuf **packets, uint16_t count,
	struct rte_mbuf **completed, uint32_t *done)
{
	uint16_t taken;

	(void)completed;
	if (done != NULL)
		*done = 0;
	rig_device_begin(queue);
	taken = rte_vhost_submit_enqueue_burst(vid, queue, packets, count, device, channel);
	rig_device_end();
	return taken;
}

uint16_t rig_poll(int vid, uint16_t queue, struct rte_mbuf **packets, uint16_t count)
{
	return rte_vhost_poll_enqueue_completed(vid, queue, packets, count, device, channel);
}

uint16_t rig_clear(int vid, uint16_t queue, struct rte_mbuf **packets, uint16_t count)
{
	return channel & 1 ?
		rte_vhost_clear_queue_thread_unsafe(vid, queue, packets, count, device, channel) :
		rte_vhost_clear_queue(vid, queue, packets, count, device, channel);
}

uint16_t rig_dequeue(int vid, uint16_t queue, struct rte_mempool *pool, struct rte_mbuf **packets,
	uint16_t count, int *inflight)
{
	uint16_t taken;

	rig_device_begin(queue);
	taken = rte_vhost_async_try_dequeue_burst(vid, queue, pool, packets, count, inflight,
		device, channel);
	rig_device_end();
	return taken;
}

static void ask_statistics(int vid, uint16_t queue, const struct record *record)
{
	struct rte_vhost_stat_name names[64];
	struct rte_vhost_stat statistics[64];
	unsigned int room = record->d % 65;
	int count = rte_vhost_vring_stats_get_names(vid, queue, NULL, 0), have;

	FUZZ_CHECK(count <= 64);
	memset(names, 0xff, sizeof(names));
	memset(statistics, 0xff, sizeof(statistics));
	have = rte_vhost_vring_stats_get_names(vid, queue, record->c & 1 ? NULL : names, room);
	FUZZ_CHECK(have == count);
	if (have > 0 && (unsigned int)have <= room && !(record->c & 1))
		for (int index = 0; index < have; index++)
			FUZZ_CHECK(memchr(names[index].name, 0, sizeof(names[index].name)) != NULL);
	have = rte_vhost_vring_stats_get(vid, queue, record->c & 1 ? NULL : statistics, room);
	FUZZ_CHECK(have == count);
	for (unsigned int index = 0; index < 64; index++)
		FUZZ_CHECK((have > 0 && index < (unsigned int)have &&
			(unsigned int)have <= room && !(record->c & 1)) ?
			statistics[index].id == index : statistics[index].id == UINT64_MAX);
	if (record->c & 2)
		FUZZ_CHECK((rte_vhost_vring_stats_reset(vid, queue) == 0) == (count > 0));
}

void rig_call_release(int vid, uint16_t queue, const char *path, const struct record *record)
{
	struct rte_vhost_power_monitor_cond condition = { 0 };
	uint32_t kind;
	int result;

	rig_choose_channel(queue, record->g);
	switch (record->e % 8) {
	case 0:
	case 1:
		ask_statistics(vid, queue, record);
		break;
	case 2:
		result = rte_vhost_vring_call_nonblock(vid, queue);
		FUZZ_CHECK(result == 0 || result == -1 || result == -EAGAIN);
		break;
	case 3:
		/* What a processor is to wait on lies in the guest's memory. */
		if (rte_vhost_get_monitor_addr(vid, queue, record->c & 128 ? NULL :
			&condition) == 0)
			FUZZ_CHECK((record->c & 128) == 0 && condition.size == 2 &&
				rig_is_mapped((void *)(uintptr_t)condition.addr, 2));
		break;
	case 4:
		(void)rte_vhost_driver_get_vdpa_dev_type(path, record->c & 128 ? NULL : &kind);
		break;
	case 5:
		(void)rte_vhost_async_dma_configure(device, channel);
		break;
	case 6:
		(void)rte_vhost_async_dma_unconfigure(device, channel);
		break;
	default:
		(void)rte_vhost_async_get_inflight_thread_unsafe(vid, queue);
		FUZZ_CHECK(rte_vhost_crypto_create(vid, 0, NULL, 0) < 0);
		break;
	}
}
