/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * A vDPA driver whose hardware is a thread: it takes packets out of the guest's transmit queue,
 * puts them into its receive queue, and keeps used rings of its own that the library relays.
 */
#ifndef CONTROL_VDPA_H
#define CONTROL_VDPA_H

#include <linux/virtio_ring.h>

#include <rte_vdpa.h>
#include <rte_vdpa_dev.h>

#include "control.h"

/** The part of DPDK's struct rte_device that the library looks at, as DPDK 21.08 lays it out. */
struct control_rte_device {
	void *next, *previous;
	const char *name;
	void *rest[8];
};

/** One ring of the hardware. */
struct control_vdpa_ring {
	struct rte_vhost_vring guest;	/**< Where the guest has it. */
	struct vring shadow;		/**< Where the hardware writes used entries. */
	uint8_t memory[1 << 16];	/**< The shadow's. */
	uint16_t next;			/**< Next available entry. */
};

/**
 * One driver with one device; static, because operations are told a vid alone. Atomic is what a
 * test looks at or changes while the event thread and the hardware are at work.
 */
struct control_vdpa {
	struct control_rte_device device;
	struct rte_vdpa_dev_ops ops;
	struct rte_vdpa_device *registered;
	uint64_t features, protocol_features;
	uint32_t pairs;
	_Atomic int answer;		/**< What get_… and dev_conf answer. */
	int notify_file;		/**< get_vfio_device_fd. */
	int vid;			/**< dev_conf's. */
	_Atomic bool running, stop;
	pthread_t thread;
	struct rte_vhost_memory *memory;
	struct control_vdpa_ring rings[2];
	_Atomic uint64_t packets;
	_Atomic int relay_failures;
};

extern struct control_vdpa control_vdpa;

/** Start afresh: everything supported, nothing registered. */
void control_vdpa_init(const char *name);
/** A letter for each call of the driver so far, in order; the text is the next caller's, too. */
const char *control_vdpa_calls(void);
/** No calls so far. */
void control_vdpa_forget_calls(void);
/** Register it; asserts that it works. */
void control_vdpa_register(void);
/** Register a socket, give it to the device, start it. */
void control_vdpa_listen(struct control_device *device, const char *name);

#endif
