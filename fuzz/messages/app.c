/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#include "messages.h"

#include <stdlib.h>
#include <string.h>

/* Calls that have to come in pairs. */
static int devices, connections;
static uint8_t handler_results;
static struct rte_vdpa_device *vdpa;

static int new_device(int vid)
{
	(void)vid;
	devices++;
	FUZZ_CHECK(devices == 1);
	return 0;
}

static void destroy_device(int vid)
{
	(void)vid;
	devices--;
	FUZZ_CHECK(devices == 0);
}

static int refuse_device(int vid)
{
	(void)vid;
	return -1;
}

static void no_device(int vid)
{
	fuzz_fail("device %d, which was refused, is destroyed", vid);
}

static int vring_state_changed(int vid, uint16_t queue, int enable)
{
	struct rte_vhost_vring ring;

	FUZZ_CHECK(queue < rte_vhost_get_vring_num(vid));
	FUZZ_CHECK(enable == 0 || enable == 1);
	/* No lock is held: this takes the queue's. */
	rte_vhost_get_vhost_vring(vid, queue, &ring);
	return 0;
}

static int features_changed(int vid, uint64_t features)
{
	uint64_t known = 0;

	FUZZ_CHECK(rte_vhost_get_negotiated_features(vid, &known) == 0);
	return features == 0 ? -1 : 0;
}

static int new_connection(int vid)
{
	(void)vid;
	connections++;
	return 0;
}

static void destroy_connection(int vid)
{
	(void)vid;
	connections--;
	FUZZ_CHECK(connections == 0);
}

const struct vhost_device_ops app_operations = {
	.new_device = new_device,
	.destroy_device = destroy_device,
	.vring_state_changed = vring_state_changed,
	.features_changed = features_changed,
	.new_connection = new_connection,
	.destroy_connection = destroy_connection,
};

const struct vhost_device_ops app_refusing_operations = {
	.new_device = refuse_device,
	.destroy_device = no_device,
	.vring_state_changed = vring_state_changed,
	.new_connection = new_connection,
	.destroy_connection = destroy_connection,
};

void app_check_closed(void)
{
	FUZZ_CHECK(devices == 0);
	FUZZ_CHECK(connections == 0);
}

/* A message as handlers see it: flags at 4, size at 8, 632 bytes, eight descriptors, how many. */
static enum rte_vhost_msg_result handle(void *message, unsigned int result)
{
	uint8_t *bytes = message;
	uint32_t size;
	int count;

	memcpy(&size, bytes + 8, sizeof(size));
	memcpy(&count, bytes + 676, sizeof(count));
	FUZZ_CHECK(size <= 632);
	FUZZ_CHECK(count >= 0 && count <= 8);
	switch (result & 3) {
	case 0:
		return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
	case 1:
		return RTE_VHOST_MSG_RESULT_OK;
	case 2:
		/* An answer of eight bytes, without descriptors. */
		size = 8;
		memcpy(bytes + 8, &size, sizeof(size));
		count = 0;
		memcpy(bytes + 676, &count, sizeof(count));
		return RTE_VHOST_MSG_RESULT_REPLY;
	default:
		return RTE_VHOST_MSG_RESULT_ERR;
	}
}

static enum rte_vhost_msg_result handle_before(int vid, void *message)
{
	(void)vid;
	return handle(message, handler_results);
}

static enum rte_vhost_msg_result handle_after(int vid, void *message)
{
	(void)vid;
	return handle(message, handler_results >> 2);
}

void app_set_handlers(int vid, uint8_t results)
{
	static const struct rte_vhost_user_extern_ops handlers = { handle_before, handle_after };

	handler_results = results;
	FUZZ_CHECK(rte_vhost_extern_callback_register(vid, &handlers, NULL) == 0);
}

static int vdpa_queues(struct rte_vdpa_device *device, uint32_t *count)
{
	(void)device;
	*count = 2;
	return 0;
}

static int vdpa_features(struct rte_vdpa_device *device, uint64_t *features)
{
	(void)device;
	*features = UINT64_MAX;
	return 0;
}

static int vdpa_ok(int vid)
{
	(void)vid;
	return 0;
}

static int vdpa_state(int vid, int queue, int state)
{
	(void)vid;
	(void)queue;
	(void)state;
	return 0;
}

void app_prepare(void)
{
	static struct rte_vdpa_dev_ops operations = {
		.get_queue_num = vdpa_queues,
		.get_features = vdpa_features,
		.get_protocol_features = vdpa_features,
		.dev_conf = vdpa_ok,
		.dev_close = vdpa_ok,
		.set_vring_state = vdpa_state,
		.set_features = vdpa_ok,
		.migration_done = vdpa_ok,
	};

	vdpa = rte_vdpa_register_device((struct rte_device *)&operations, &operations);
	FUZZ_CHECK(vdpa != NULL);
}

struct rte_vdpa_device *app_vdpa(void)
{
	return vdpa;
}

static void ask_of_inflight(int vid, uint16_t queue, const struct record *record)
{
	struct rte_vhost_ring_inflight inflight;
	uint16_t number = (uint16_t)record->value, last = (uint16_t)(record->value >> 16);
	uint16_t place = 0;

	memset(&inflight, 0, sizeof(inflight));
	rte_vhost_get_vhost_ring_inflight(vid, queue, &inflight);
	switch (record->small % 6) {
	case 0:
		rte_vhost_set_inflight_desc_split(vid, queue, number);
		break;
	case 1:
		rte_vhost_set_inflight_desc_packed(vid, queue, number, last, &place);
		break;
	case 2:
		rte_vhost_set_last_inflight_io_split(vid, queue, number);
		break;
	case 3:
		rte_vhost_clr_inflight_desc_split(vid, queue, last, number);
		break;
	case 4:
		rte_vhost_set_last_inflight_io_packed(vid, queue, number);
		break;
	default:
		rte_vhost_clr_inflight_desc_packed(vid, queue, number);
	}
}

/* What applications ask of a device at any time. */
void app_ask(int vid, const struct record *record)
{
	uint16_t queue = record->queue, available = 0, used = 0;
	struct rte_vhost_memory *memory = NULL;
	struct rte_vhost_vring ring;
	uint64_t base = 0, size = 0;

	switch (record->form % 8) {
	case 0:
		if (rte_vhost_get_mem_table(vid, &memory) == 0) {
			size = 1;
			rte_vhost_va_from_guest_pa(memory, record->value, &size);
			free(memory);
		}
		break;
	case 1:
		rte_vhost_get_vhost_vring(vid, queue, &ring);
		break;
	case 2:
		rte_vhost_get_vring_base(vid, queue, &available, &used);
		rte_vhost_avail_entries(vid, queue);
		rte_vhost_rx_queue_count(vid, queue);
		break;
	case 3:
		rte_vhost_get_log_base(vid, &base, &size);
		rte_vhost_log_write(vid, record->value, record->choice);
		rte_vhost_log_used_vring(vid, queue, record->value & 0xffff,
			record->choice & 0xffff);
		break;
	case 4:
		rte_vhost_vring_call(vid, queue);
		rte_vhost_enable_guest_notification(vid, queue, record->small & 1);
		break;
	case 5:
		rte_vhost_slave_config_change(vid, false);
		break;
	case 6:
		rte_vhost_get_vring_base_from_inflight(vid, queue, &available, &used);
		rte_vhost_set_vring_base(vid, queue, (uint16_t)record->value,
			(uint16_t)(record->value >> 16));
		break;
	default:
		ask_of_inflight(vid, queue, record);
	}
}
