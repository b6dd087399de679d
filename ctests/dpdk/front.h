/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * A layer in front of a real DMA device: copies are made by the device, but they can be held back,
 * refused or spoiled as a test says, in the ways that DPDK's API has for it.
 */
#ifndef DPDK_FRONT_H
#define DPDK_FRONT_H

#include <stdbool.h>
#include <stdint.h>

/** What the layer does, and what it saw. One device has it at a time. */
struct front {
	bool held;		/**< Nothing is reported done. */
	uint16_t capacity;	/**< Most that the device says it has room for. */
	uint32_t refuse_at;	/**< Not 0: the copy that many from now is refused... */
	uint32_t spoil_at;	/**< ...or not done and reported as failed... */
	uint32_t spoil_count;	/**< ...so many in a row. */
	uint64_t copies;	/**< Taken. */
	uint64_t refused;	/**< Refused. */
	uint64_t spoiled;	/**< Failed. */
	uint64_t reported;	/**< Reported done or failed. */
};

extern struct front front;

/** Put the layer in front of a device that has nothing to do. */
void front_install(int16_t dma);

/** Take it away; what it held back is lost to nobody, for there must be nothing. */
void front_remove(void);

/** Copies taken and not reported. */
uint64_t front_pending(void);

/** The device was started again: it counts from 0 and knows nothing. */
void front_restarted(void);

#endif
