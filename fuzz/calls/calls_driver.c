/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Sockets and what they offer; vDPA drivers; what callbacks do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_vdpa.h>
#include <rte_vdpa_dev.h>
#include <rte_vhost_crypto.h>

#include "calls.h"

static char folder[64], paths[PATHS][96];

/* As DPDK 21.08 lays out struct rte_device, of which the library reads the name. */
static struct {
	void *next, *previous;
	const char *name;
	void *rest[8];
} hardware_device = { .name = "fuzzed" };

static int new_device(int vid)
{
	(void)vid;
	return run_program(ON_NEW_DEVICE);
}

static void destroy_device(int vid)
{
	(void)vid;
	(void)run_program(ON_DESTROY_DEVICE);
}

static int queue_changed(int vid, uint16_t queue, int state)
{
	(void)vid;
	(void)queue;
	(void)state;
	return run_program(ON_QUEUE);
}

static int features_changed(int vid, uint64_t features)
{
	(void)vid;
	(void)features;
	return run_program(ON_FEATURES);
}

static int new_connection(int vid)
{
	rig_note_connection(vid);
	return run_program(ON_CONNECTION);
}

static void destroy_connection(int vid)
{
	(void)vid;
	(void)run_program(ON_DISCONNECTION);
}

static void guest_notified(int vid)
{
	(void)vid;
}

static const struct vhost_device_ops operations[2] = {
	{
		.new_device = new_device,
		.destroy_device = destroy_device,
		.vring_state_changed = queue_changed,
		.features_changed = features_changed,
		.new_connection = new_connection,
		.destroy_connection = destroy_connection,
		.guest_notified = guest_notified,
	},
	{ .new_connection = new_connection },
};

static int hardware_queues(struct rte_vdpa_device *device, uint32_t *pairs)
{
	(void)device;
	*pairs = 2;
	return bench.answers[ON_HARDWARE];
}

static int hardware_features(struct rte_vdpa_device *device, uint64_t *features)
{
	(void)device;
	*features = UINT64_MAX;
	return bench.answers[ON_HARDWARE];
}

static int hardware_vid(int vid)
{
	(void)vid;
	return run_program(ON_HARDWARE);
}

static int hardware_state(int vid, int queue, int state)
{
	(void)vid;
	(void)queue;
	(void)state;
	return run_program(ON_HARDWARE);
}

#ifdef RTEVHOSTSWIFT_2211_VHOST_H
/* The configuration space: all bytes that are asked for are written, or read. */
static int read_configuration(int vid, uint8_t *bytes, uint32_t size)
{
	(void)vid;
	memset(bytes, 0x5a, size);
	return run_program(ON_HARDWARE);
}

static int write_configuration(int vid, uint8_t *bytes, uint32_t offset, uint32_t size,
	uint32_t flags)
{
	uint8_t sum = 0;

	(void)vid;
	(void)offset;
	(void)flags;
	for (uint32_t index = 0; index < size; index++)
		sum ^= bytes[index];
	return sum == 1 ? -1 : run_program(ON_HARDWARE);
}

static int tell_kind(struct rte_vdpa_device *device, uint32_t *kind)
{
	(void)device;
	*kind = (uint32_t)bench.answers[ON_HARDWARE];
	return bench.answers[ON_HARDWARE];
}
#endif

static struct rte_vdpa_dev_ops hardware_operations = {
#ifdef RTEVHOSTSWIFT_2211_VHOST_H
	.get_config = read_configuration,
	.set_config = write_configuration,
	.get_dev_type = tell_kind,
	.dev_cleanup = hardware_vid,
#endif
	.get_queue_num = hardware_queues,
	.get_features = hardware_features,
	.get_protocol_features = hardware_features,
	.dev_conf = hardware_vid,
	.dev_close = hardware_vid,
	.set_vring_state = hardware_state,
	.set_features = hardware_vid,
	.migration_done = hardware_vid,
};

static void remove_folder(void)
{
	rmdir(folder);
}

void setup_paths(void)
{
	snprintf(folder, sizeof(folder), "/tmp/fuzz-calls-XXXXXX");
	FUZZ_CHECK(mkdtemp(folder) != NULL);
	for (unsigned int index = 0; index < PATHS; index++)
		snprintf(paths[index], sizeof(paths[index]), "%s/%u", folder, index);
	atexit(remove_folder);
}

const char *chosen_path(const struct record *record)
{
	static const char *const others[4] = { NULL, "", "/nowhere/at/all", "/tmp" };

	return record->a >= 248 ? others[record->a & 3] : paths[record->a % PATHS];
}

void start_driver(unsigned int index, uint64_t flags)
{
	/* A client would connect to itself. */
	flags &= ~(uint64_t)(RTE_VHOST_USER_CLIENT | RTE_VHOST_USER_NO_RECONNECT);
	if (rte_vhost_driver_register(paths[index], flags) != 0 ||
	    rte_vhost_driver_callback_register(paths[index], &operations[0]) != 0)
		return;
	(void)rte_vhost_driver_start(paths[index]);
}

void end_drivers(void)
{
	for (unsigned int index = 0; index < PATHS; index++)
		(void)rte_vhost_driver_unregister(paths[index]);
	(void)rte_vhost_driver_unregister("/nowhere/at/all");
	(void)rte_vhost_driver_unregister("/tmp");
	if (bench.hardware != NULL)
		FUZZ_CHECK(rte_vdpa_unregister_device(bench.hardware) == 0);
	bench.hardware = NULL;
}

static void call_hardware(const struct record *record)
{
	struct rte_vdpa_device *device = record->c & 128 ? NULL : bench.hardware;
	uint64_t features;
	uint32_t pairs;

	switch (record->b % 8) {
	case 0:
		if (bench.hardware == NULL)
			bench.hardware = rte_vdpa_register_device(
				record->c & 64 ? NULL : (void *)&hardware_device,
				record->c & 32 ? NULL : &hardware_operations);
		break;
	case 1:
		(void)rte_vhost_driver_attach_vdpa_device(chosen_path(record), device);
		break;
	case 2:
		(void)rte_vhost_driver_detach_vdpa_device(chosen_path(record));
		break;
	case 3:
		(void)rte_vhost_driver_get_vdpa_device(chosen_path(record));
		break;
	case 4:
		(void)rte_vdpa_find_device_by_name(record->c & 1 ? "fuzzed" : NULL);
		break;
	case 5:
		(void)rte_vdpa_get_queue_num(device, record->c & 1 ? &pairs : NULL);
		break;
	case 6:
		(void)rte_vdpa_get_features(device, record->c & 1 ? &features : NULL);
		(void)rte_vdpa_get_protocol_features(device, &features);
		break;
	default:
		(void)rte_vdpa_get_stats_names(device, NULL, 0);
		(void)rte_vdpa_get_stats(device, record->d, NULL, record->e);
		(void)rte_vdpa_reset_stats(device, record->d);
		break;
	}
}

void call_driver(unsigned int code, const struct record *record)
{
	const char *path = chosen_path(record);
	uint64_t features = (uint64_t)record->g << 32 | record->f;
	uint32_t pairs;

	switch (code) {
	case 0:
		(void)rte_vhost_driver_register(path, record->d & ~3U);
		break;
	case 1:
		(void)rte_vhost_driver_unregister(path);
		break;
	case 2:
		(void)rte_vhost_driver_callback_register(path,
			record->c & 128 ? NULL : &operations[record->c & 1]);
		break;
	case 3:
		(void)rte_vhost_driver_start(path);
		break;
	case 4:
		if (record->c & 1)
			(void)rte_vhost_driver_set_features(path, features);
		else if (record->c & 2)
			(void)rte_vhost_driver_enable_features(path, features);
		else
			(void)rte_vhost_driver_disable_features(path, features);
		break;
	case 5:
		(void)rte_vhost_driver_set_protocol_features(path, features);
		break;
	case 6:
		(void)rte_vhost_driver_get_features(path, record->c & 1 ? &features : NULL);
		(void)rte_vhost_driver_get_protocol_features(path,
			record->c & 2 ? &features : NULL);
		(void)rte_vhost_driver_get_queue_num(path, record->c & 4 ? &pairs : NULL);
		break;
	case 7:
	case 8:
		call_hardware(record);
		break;
	case 9:
	case 10:
		/* What a callback does from now on, and answers. */
		bench.programs[record->a & 7] = (struct record){
			.code = record->b, .a = record->c, .b = (uint8_t)record->d,
			.c = (uint8_t)(record->d >> 8), .d = record->e, .e = (uint16_t)record->f,
			.f = record->g, .g = record->f,
		};
		break;
	default:
		bench.answers[record->a & 7] = (int8_t)record->b % 4;
		(void)rte_vhost_crypto_driver_start(path);
		(void)rte_vhost_crypto_free(record->d);
		break;
	}
}
