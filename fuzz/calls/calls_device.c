/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* What an application asks of a device, and changes. */
#include <stdlib.h>
#include <string.h>

#include <rte_vdpa_dev.h>

#include "calls.h"

/* Asked before the library and after it: any of the four answers, or anything else. */
static enum rte_vhost_msg_result handle_message(int vid, void *message)
{
	(void)vid;
	(void)message;
	return (enum rte_vhost_msg_result)run_program(ON_MESSAGE);
}

static const struct rte_vhost_user_extern_ops handlers[4] = {
	{ NULL, NULL }, { handle_message, NULL }, { NULL, handle_message },
	{ handle_message, handle_message },
};

static void call_inflight(const struct record *record)
{
	int vid = chosen_vid(record);
	uint16_t queue = chosen_queue(record), entry;
	struct rte_vhost_ring_inflight ring = { 0 };
	/* Mostly slots that there are. */
	uint16_t one = record->c & 64 ? record->d : record->d % RING;
	uint16_t other = record->c & 64 ? record->e : record->e % RING;

	switch (record->c % 8) {
	case 0:
		(void)rte_vhost_set_inflight_desc_split(vid, queue, one);
		break;
	case 1:
		(void)rte_vhost_set_inflight_desc_packed(vid, queue, one, other,
			record->c & 128 ? NULL : &entry);
		break;
	case 2:
		(void)rte_vhost_clr_inflight_desc_split(vid, queue, one, other);
		break;
	case 3:
		(void)rte_vhost_clr_inflight_desc_packed(vid, queue, one);
		break;
	case 4:
		(void)rte_vhost_set_last_inflight_io_split(vid, queue, one);
		break;
	case 5:
		(void)rte_vhost_set_last_inflight_io_packed(vid, queue, one);
		break;
	default:
		if (rte_vhost_get_vhost_ring_inflight(vid, queue,
			record->c & 128 ? NULL : &ring) == 0)
			FUZZ_CHECK((record->c & 128) == 0);
		break;
	}
}

static void call_base(const struct record *record, unsigned int code)
{
	int vid = chosen_vid(record);
	uint16_t queue = chosen_queue(record), available = 0, used = 0;
	uint16_t *first = record->c & 128 ? NULL : &available;

	if (code == 0)
		(void)rte_vhost_get_vring_base(vid, queue, first, &used);
	else if (code == 1)
		(void)rte_vhost_get_vring_base_from_inflight(vid, queue, first, &used);
	else if (rte_vhost_set_vring_base(vid, queue, record->d, record->e) == 0)
		bench.is_moved = true;
}

static void ask_numbers(int vid, const struct record *record)
{
	bool is_null = record->c & 128;
	uint64_t features, size;
	uint16_t mtu;
	char name[64];

	(void)rte_vhost_get_negotiated_features(vid, is_null ? NULL : &features);
	(void)rte_vhost_get_negotiated_protocol_features(vid, is_null ? NULL : &features);
	(void)rte_vhost_get_mtu(vid, is_null ? NULL : &mtu);
	(void)rte_vhost_get_numa_node(vid);
	(void)rte_vhost_get_vring_num(vid);
	(void)rte_vhost_get_ifname(vid, is_null ? NULL : name, record->d % (sizeof(name) + 1));
	(void)rte_vhost_get_log_base(vid, is_null ? NULL : &features, &size);
	(void)rte_vhost_get_vdpa_device(vid);
}

static void ask_memory(int vid, const struct record *record)
{
	struct rte_vhost_memory *memory = NULL;

	if (rte_vhost_get_mem_table(vid, record->c & 128 ? NULL : &memory) == 0) {
		uint64_t length = record->f;
		uint64_t host = rte_vhost_va_from_guest_pa(memory, REGION_GPA + record->d, &length);

		FUZZ_CHECK(memory->nregions > 0);
		/* What is handed out as mapped is mapped. */
		FUZZ_CHECK(length == 0 || rig_is_mapped((void *)(uintptr_t)host, length));
		free(memory);
	}
}

void call_device(unsigned int code, const struct record *record)
{
	int vid = chosen_vid(record);
	uint16_t queue = chosen_queue(record);
	struct rte_vhost_vring ring;

	switch (code) {
	case 0:
		ask_numbers(vid, record);
		break;
	case 1:
		ask_memory(vid, record);
		break;
	case 2:
		(void)rte_vhost_avail_entries(vid, queue);
		(void)rte_vhost_rx_queue_count(vid, queue);
		break;
	case 3:
		(void)rte_vhost_enable_guest_notification(vid, queue, (int8_t)record->c);
		break;
	case 4:
		(void)rte_vhost_vring_call(vid, queue);
		break;
	case 5:
		(void)rte_vhost_get_vhost_vring(vid, queue, record->c & 128 ? NULL : &ring);
		break;
	case 6:
		rte_vhost_log_write(vid, (uint64_t)record->g << 32 | record->f, record->d);
		break;
	case 7:
		rte_vhost_log_used_vring(vid, queue, (uint64_t)record->g << 32 | record->f,
			record->e);
		break;
	case 8: case 9: case 10: case 11:
		call_inflight(record);
		break;
	case 12: case 13: case 14:
		call_base(record, code - 12);
		break;
	case 15: case 16:
		(void)rte_vhost_extern_callback_register(vid,
			record->c & 128 ? NULL : &handlers[record->c & 3], NULL);
		break;
	case 17:
		(void)rte_vhost_slave_config_change(vid, false);
		break;
	case 18:
		(void)rte_vhost_host_notifier_ctrl(vid, queue, record->c & 1);
		break;
	case 19:
		(void)rte_vdpa_relay_vring_used(vid, queue, NULL);
		break;
	default:
		/* Time passes, and the event thread has its turn. */
		rig_pass((uint64_t)record->f);
		(void)rig_turn();
		break;
	}
}
