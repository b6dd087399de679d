/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * A DMA engine that does what a test tells it to, and looks at all that it is given.
 *
 * The library may ask it from its event thread as well, while the test waits for a reply; a mutex
 * keeps the two apart. A complaint about what the library gave is counted and printed, never an
 * assertion: the callbacks run with a queue's lock held. The test asserts violations == 0.
 */
#ifndef HARNESS_ENGINE_H
#define HARNESS_ENGINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_vhost_async.h>

#include "pool.h"

/** No limit. */
#define ENGINE_ALL UINT32_MAX

/** Copies that an engine can hold. */
#define ENGINE_ROOM 2048

/** One contiguous part of a copy. */
struct engine_piece {
	uint64_t from, to;
	uint64_t length;
};

/** One copy: a descriptor. */
struct engine_copy {
	struct engine_piece *pieces;
	uint32_t count;
	uint64_t bytes;
};

/** A range of addresses. */
struct engine_range {
	uint64_t start, size;
};

/** One queue's engine. */
struct engine {
	pthread_mutex_t lock;
	_Atomic int vid;
	uint16_t queue;

	/* The script: a test changes it while the event thread asks. */
	_Atomic bool at_once;	/**< Copies are done when they are accepted. */
	_Atomic uint32_t slow;	/**< Not 0: every so many questions one more copy is done. */
	_Atomic uint32_t accept; /**< Copies accepted in each call. */
	_Atomic uint32_t refusals; /**< So many calls of transfer_data() from now... */
	_Atomic int32_t refusal; /**< ...accept nothing and return this... */
	_Atomic bool tears;	/**< ...having copied half of the pieces of each descriptor. */
	_Atomic int32_t claim;	/**< Added to the result of transfer_data(). */
	_Atomic uint32_t check_errors; /**< So many calls of check_completed_copies() from now... */
	_Atomic int32_t check_error; /**< ...return this. */
	_Atomic int32_t over_report; /**< Added to the result of check_completed_copies(). */
	void (*hook)(struct engine *engine, void *data); /**< In transfer_data(), unlocked. */
	void *hook_data;

	/* What addresses it may see. */
	struct engine_range guest[8];
	uint32_t guest_ranges;
	struct pool *pool;	/**< Where the host's side lies... */
	bool any_host;		/**< ...or anywhere: external buffers. */
	uint64_t (*translate)(uint64_t address); /**< From its addresses to virtual ones. */
	bool one_page;		/**< No piece may cross a border of 4 KiB. */

	/* Counts. */
	_Atomic uint32_t violations;
	uint32_t transfers;	/**< Calls of transfer_data(). */
	uint32_t checks;	/**< Calls of check_completed_copies(). */
	uint64_t offered, accepted, finished, reported; /**< Copies; the difference is held. */
	uint64_t pieces, bytes;	/**< Of accepted copies. */
	uint32_t longest;	/**< Most pieces of one copy. */
	struct engine_copy copies[ENGINE_ROOM];
};

/** The callbacks of all engines. */
extern struct rte_vhost_async_channel_ops engine_ops;

/** Make an engine for a queue: it accepts all, and finishes what engine_finish() says. */
void engine_init(struct engine *engine, int vid, uint16_t queue, struct pool *pool);

/** Tell an engine where the device's memory is mapped, as rte_vhost_get_mem_table() has it. */
int engine_learn_memory(struct engine *engine);

/** Forget all copies that were not done. */
void engine_destroy(struct engine *engine);

/** Do @p count more copies; the library hears of it when it asks. @return how many were done. */
uint32_t engine_finish(struct engine *engine, uint32_t count);

/** Do everything, and from now on at once, without faults. */
void engine_behave(struct engine *engine);

/** Copies accepted and not done. */
uint32_t engine_held(struct engine *engine);

/** Whether a range of this process's addresses is mapped. */
bool engine_is_mapped(uint64_t address, uint64_t length);

#endif
