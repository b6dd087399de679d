/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * What the fuzzers of rings and of calls share: one thread for everything, a clock of its own, a
 * frontend's end of the socket, and a DMA engine whose every answer the input decides.
 *
 * The library's event thread is not started: rig_turn() runs one of its rounds, and a thread that
 * sleeps runs one as well. So an input does the same each time.
 */
#ifndef RIG_H
#define RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <rte_mbuf.h>
#include <rte_vhost.h>
#include <rte_vhost_async.h>

#include "fuzz_check.h"

/** One round of the event loop; false inside of another one. */
bool rig_turn(void);

/** Rounds until nothing more can come of what was sent. */
void rig_settle(void);

/** What a queue holds; the order of the fields is that of Rig.swift. */
struct rig_queue {
	int64_t has_ring;
	int64_t is_running;
	int64_t is_broken;
	int64_t size;
	int64_t available;	/**< Position; packed: wrap counter in bit 15. */
	int64_t used;
	int64_t entries;	/**< Entries of the FIFO. */
	int64_t packets;	/**< Packets in it. */
	int64_t segments;	/**< Their mbufs. */
	int64_t engine;		/**< Packets that the engine has. */
	int64_t registered;
	int64_t is_packed;
	int64_t header;		/**< Bytes of the virtio-net header. */
	int64_t rarp;		/**< An announcement is pending. */
	int64_t is_translated;
	int64_t logs;
	int64_t pending;	/**< Slots of chains in the FIFO that are not used yet, or -1. */
};

/** Looks at a queue, of a device that is gone but drains as well; false without. */
bool rig_look(int vid, int queue, struct rig_queue *state);

/** True while a device that is gone waits for its engine. */
bool rig_is_draining(int vid);

/** Devices that were ever open, or drained, at once: the library keeps what they were made of. */
int rig_most_devices(void);

/** Queues that those devices ever had, which the library keeps too. */
int rig_most_queues(void);

/** Places for sessions that those devices ever had: the same. */
int rig_most_sessions(void);

/**
 * Around each input: the clock and the rest of rig_wrap.c are ours in between. The library's lines
 * on standard error are dropped unless RIG_LOG is set.
 */
void rig_begin(void);
void rig_end(void);

/** The clock goes on by itself with each sleep; this adds to it. */
void rig_pass(uint64_t nanoseconds);

/** Mappings of files that the library has now, each between two guard pages. */
unsigned int rig_mappings(void);

/** True when all of it lies in one of them. */
bool rig_is_mapped(const void *start, size_t size);

/* The frontend's end of a socket. */

/** A frontend that is connected. */
struct rig_link {
	int socket;	/**< -1: none. */
	int backend;	/**< Our end of SET_BACKEND_REQ_FD, or -1. */
	int vid;	/**< The device, or -1. */
	bool batches;	/**< rig_ask() only sends; a round handles sixteen messages. */
};

/** Connects to a driver that listens; the device's vid comes by rig_note_connection(). */
bool rig_connect(struct rig_link *link, const char *path);

/** Called from new_connection. */
void rig_note_connection(int vid);

/** Sends one message. */
void rig_send(struct rig_link *link, uint32_t request, uint32_t flags, const void *payload,
	size_t size, const int *files, unsigned int count);

/** Sends one that asks for an answer, and has it handled; true when it was done. */
bool rig_ask(struct rig_link *link, uint32_t request, const void *payload, size_t size,
	const int *files, unsigned int count);

/** Takes the next message off a socket: its payload's size, or -1. Descriptors are closed. */
ssize_t rig_receive(int socket, uint32_t *request, void *payload, size_t size);

/** Closes a frontend's end; a round tells the library. */
void rig_hang_up(struct rig_link *link);

/* The engine. */

/** How it answers transfer_data, and check_completed_copies. */
enum rig_answer {
	RIG_ALL,	/**< As many as it was given, or as are done. */
	RIG_SOME,	/**< At most `limit`. */
	RIG_NONE,
	RIG_NEGATIVE,
	RIG_TOO_MANY,	/**< More than it was asked for. */
	RIG_ANSWERS
};

/** How the engine of one queue behaves. */
struct rig_engine_mode {
	enum rig_answer accept;
	enum rig_answer report;
	unsigned int limit;
	bool copies_at_once;	/**< When it is given a packet, not when it is asked. */
	bool copies_when_asked;	/**< check_completed_copies copies all that is there first. */
	uint8_t fails;		/**< DMA devices: each so-and-so-manieth copy fails; 0: none. */
};

/** Sees each piece before it is copied and after; set by a fuzzer that checks them. */
struct rig_engine_watch {
	void (*given)(unsigned int queue, const void *from, const void *to, size_t size);
	void (*copied)(unsigned int queue, const void *from, const void *to, size_t size);
};

#define RIG_ENGINE_QUEUES 8

extern struct rig_engine_mode rig_engine_modes[RIG_ENGINE_QUEUES];
extern struct rig_engine_watch rig_engine_watch;

/*
 * What differs between the releases, in fuzz/rig-21.08 and fuzz/rig-22.11: there the engine is a
 * pair of callbacks that are given packets, here a DMA device whose channels are given pieces.
 */

/** Before the first input. */
void rig_engine_setup(void);

/** Forgets everything; packets that are still there are a finding. */
void rig_engine_reset(void);

/** Copies up to `limit` packets (pieces) of a queue, which are reported from then on. */
void rig_engine_work(unsigned int queue, unsigned int limit);

/** Packets of a queue that were taken and not reported (pieces that were not copied). */
unsigned int rig_engine_count(unsigned int queue);

/** What an application may do to a DMA device meanwhile, by the bits of `choice`. */
void rig_engine_disturb(unsigned int choice);

/** Time passes in which a DMA device should have reported what it forgot. */
void rig_engine_wait(void);

/**
 * True when a copy of this queue's failed since rig_engine_forgive(): then packets to the guest
 * arrive with length 0, and those from it do not come.
 */
bool rig_engine_has_failed(unsigned int queue);
void rig_engine_forgive(unsigned int queue);

/** True where a channel may be registered with RTE_VHOST_ASYNC_RELAXED_ORDER. */
extern const bool rig_may_reorder;

/** True where a queue index has one engine, which serves one device at a time. */
extern const bool rig_has_own_engines;

/** The channel of a DMA device that the next call names: mostly the queue's own. */
void rig_choose_channel(uint16_t queue, unsigned int choice);

/* Asynchronous calls, with all that one of both releases wants to know. */

struct rig_channel {
	uint32_t threshold;
	uint32_t features;
	bool has_nothing;	/**< Callbacks without functions. */
	bool is_null;		/**< No callbacks at all. */
	bool is_unsafe;		/**< The function for callbacks. */
};

int rig_register(int vid, uint16_t queue, const struct rig_channel *channel);
int rig_unregister(int vid, uint16_t queue, bool is_unsafe);
uint16_t rig_submit(int vid, uint16_t queue, struct rte_mbuf **packets, uint16_t count,
	struct rte_mbuf **completed, uint32_t *done);
uint16_t rig_poll(int vid, uint16_t queue, struct rte_mbuf **packets, uint16_t count);
uint16_t rig_clear(int vid, uint16_t queue, struct rte_mbuf **packets, uint16_t count);
uint16_t rig_dequeue(int vid, uint16_t queue, struct rte_mempool *pool, struct rte_mbuf **packets,
	uint16_t count, int *inflight);

/* Inputs: a head, then records; rig_entry.c and rig_mutate.c are libFuzzer's side of them. */

#define RIG_HEAD 16
#define RIG_RECORD 16
#define RIG_RECORDS 192

/** One record. */
struct record {
	uint8_t code, a, b, c;
	uint16_t d, e;
	uint32_t f, g;
};

_Static_assert(sizeof(struct record) == RIG_RECORD, "records have no gaps");

/** What a fuzzer does with them. */
struct rig_fuzzer {
	unsigned int operations;	/**< How many codes there are. */
	unsigned int subject;	/**< So many bytes behind the code say whom a record is about. */
	void (*warm_up)(const uint8_t *head);	/**< Before the first input. */
	void (*begin)(const uint8_t *head);
	void (*perform)(const struct record *record);
	void (*end)(void);
	void (*check)(void);	/**< Behind rig_end(): nothing is left over. */
};

/** The fuzzer's. */
extern const struct rig_fuzzer rig_fuzzer;

/** Functions that only one of the releases has; `path` may be NULL. */
void rig_call_release(int vid, uint16_t queue, const char *path, const struct record *record);

#endif
