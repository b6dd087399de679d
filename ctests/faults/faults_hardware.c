/* SPDX-License-Identifier: BSD-3-Clause */

/* The driver of a vDPA device that comes and goes. */
#define _GNU_SOURCE
#include "faults_app.h"

#include <rte_vdpa.h>
#include <rte_vdpa_dev.h>

static int tell_pairs(struct rte_vdpa_device *device, uint32_t *pairs)
{
	(void)device;
	*pairs = 1;
	return 0;
}

static int tell_features(struct rte_vdpa_device *device, uint64_t *features)
{
	(void)device;
	*features = GUEST_DEFAULT_FEATURES;
	return 0;
}

static int do_nothing(int vid)
{
	(void)vid;
	return 0;
}

static int set_state(int vid, int queue, int state)
{
	(void)vid;
	(void)queue;
	(void)state;
	return 0;
}

const char *faults_register_hardware(void)
{
	static struct rte_vdpa_dev_ops ops = {
		.get_queue_num = tell_pairs, .get_features = tell_features,
		.get_protocol_features = tell_features, .dev_conf = do_nothing,
		.dev_close = do_nothing, .set_vring_state = set_state,
		.set_features = do_nothing,
	};
	/* struct rte_device: its name is behind two pointers. */
	static const void *device[16] = { NULL, NULL, "faults" };
	struct rte_vdpa_device *found;

	found = rte_vdpa_register_device((struct rte_device *)device, &ops);
	if (!found)
		return "rte_vdpa_register_device()";
	return rte_vdpa_unregister_device(found) == 0 ? NULL : "rte_vdpa_unregister_device()";
}
