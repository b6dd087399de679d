/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * The fuzzer of calls: the whole API, frontends' messages and an engine's answers in any order,
 * also from inside of callbacks. After each step packets are accounted for; at the end of an input
 * nothing may be open, mapped or allocated that was not before.
 */
#ifndef CALLS_H
#define CALLS_H

#include "guest_wire.h"
#include "rig.h"

#define LINKS 3
#define PATHS 3
#define DEVICES 8
#define QUEUES 4
#define RING 16
#define LARGEST_BITS 5
#define LARGEST_RING (1 << LARGEST_BITS)
#define LENT 0x7e57ed
/* Guest memory: a ring every RING_PLACE bytes, buffers behind. */
#define REGION_GPA 0x10000ULL
#define REGION_USER 0x7f0000000000ULL
#define REGION_SIZE 0x10000
#define RING_PLACE 0x400
#define BUFFERS 0x4000
#define LOG_SIZE 4096

/** What the guest's driver of a link thinks of its device. */
struct driver {
	uint64_t features, protocol;
	unsigned int queues;
	uint16_t size[QUEUES], next[QUEUES];
	bool wrap[QUEUES];
};

/** What an input has at hand. */
struct bench {
	struct rig_link links[LINKS];
	struct driver drivers[LINKS];
	bool is_moved;		/* The application put a ring somewhere. */
	uint8_t *memory;
	int region_file, log_file, inflight_file, event_file;
	struct rte_mempool *pool, *send_pool;
	unsigned int pool_before, send_before;
	struct rte_mbuf *held[512];
	unsigned int held_count;
	struct rte_vdpa_device *hardware;
	/* What each callback does: a record, or nothing (code 0xff). */
	struct record programs[8];
	int answers[8];
	unsigned int depth;
};

extern struct bench bench;

/** The callbacks that have programs. */
enum callback {
	ON_NEW_DEVICE, ON_DESTROY_DEVICE, ON_QUEUE, ON_FEATURES, ON_CONNECTION, ON_DISCONNECTION,
	ON_MESSAGE, ON_HARDWARE,
};

/** What a record's bytes choose. */
int chosen_vid(const struct record *record);
uint16_t chosen_queue(const struct record *record);
struct rig_link *chosen_link(const struct record *record);
const char *chosen_path(const struct record *record);

/** calls.c: one record, also from a callback. */
void perform(const struct record *record);
/** Runs a callback's program; what it answers. */
int run_program(enum callback callback);

/** Each family of operations: `code` is one of its own. */
#define DRIVER_CALLS 12
void call_driver(unsigned int code, const struct record *record);
#define DEVICE_CALLS 22
void call_device(unsigned int code, const struct record *record);
#define DATA_CALLS 16
void call_data(unsigned int code, const struct record *record);
#define WIRE_CALLS 12
void call_wire(unsigned int code, const struct record *record);
/** calls_guest.c: a driver begins anew. */
#define RESTARTS 2
#define OPERATIONS (DRIVER_CALLS + DEVICE_CALLS + DATA_CALLS + WIRE_CALLS + RESTARTS)

/** calls_driver.c */
void setup_paths(void);
void start_driver(unsigned int index, uint64_t flags);
void end_drivers(void);

/** calls_wire.c */
void connect_link(struct rig_link *link, unsigned int path);

/** calls_guest.c; without record all is as it should be. */
void setup_memory(void);
void send_table(struct rig_link *link, const struct record *record);
void send_queue(struct rig_link *link, unsigned int queue, const struct record *record);
void bring_up(struct rig_link *link, uint8_t choice);
void restart(struct rig_link *link, const struct record *record);
void offer(struct rig_link *link, const struct record *record);

/** calls_states.c: what became of a queue's packets as its ring changed, for libFuzzer to count. */
void begin_states(void);
void note_state(int vid, unsigned int index, const struct rig_queue *queue);

/** calls_data.c */
void setup_pools(void);
void give_back(void);
void check_accounts(void);

#endif
