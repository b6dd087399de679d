/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * The fuzzer of rings and packets: one net device with a pair of queues, and a model of what it may
 * do.
 *
 * The input's head decides features, ring sizes, pools; its records are what guest, frontend,
 * engine and application do. Before each call of the library the guest's memory is copied; after
 * it, chains that were taken, used entries, packets and all of the memory are compared with what
 * the model says.
 */
#ifndef RINGS_H
#define RINGS_H

#include "guest_wire.h"
#include "rig.h"

/* Guest memory: rings; two regions that are adjacent for the guest alone; one at the end of all. */
#define REGIONS 4
#define REGION_RINGS 0x8000
#define REGION_DATA 0x4000
#define REGION_HIGH 0x1000
#define MEMORY (REGION_RINGS + 2 * REGION_DATA + REGION_HIGH)
#define PAGES (MEMORY / 4096)
/* Where in region 0 the indirect tables are. */
#define TABLES 0x5000
#define MAX_RING 256
/* More pieces or descriptors than this a device may refuse. */
#define MAX_PIECES 256
#define BURST 64

struct region {
	uint64_t gpa;
	uint64_t user;
	uint32_t size;
	uint32_t start;		/* Its first byte in the arrays below. */
	int file;
	bool is_present;
	uint64_t host;		/* Where the library has it. */
};

/* What the head of the input says. */
struct settings {
	uint64_t features;
	unsigned int driver;
	uint64_t flags;		/* Of the driver. */
	bool is_packed, is_mergeable, is_translated, is_modern, is_in_order, is_relaxed;
	bool logs, has_inflight, uses_event_index;
	bool async[2];
	uint16_t size[2];
	uint16_t base[2];
	uint32_t threshold;
	unsigned int pool;
	bool closes_early;
	bool is_log_off;	/* LOG_ALL, for the time being. */
};

struct piece {
	uint32_t start;		/* In the arrays of all of memory. */
	uint32_t size;
};

enum verdict { CHAIN_GOOD, CHAIN_BAD, CHAIN_MISSING, CHAIN_UNSURE };

/* A chain as the reference walk sees it. */
struct chain {
	enum verdict verdict;
	uint16_t id;
	uint16_t slots;
	uint32_t count;
	uint32_t steps;		/* Descriptors that were looked at. */
	uint64_t total;
	struct piece pieces[MAX_PIECES];
};

/* A chain that the device has, in the order in which it took them. */
struct taken {
	uint16_t id;
	uint16_t slots;
	uint64_t total;
	uint64_t tick;
	uint32_t first_piece;	/* In the model's list of pieces. */
	uint32_t count;
};

/* A packet that the device took from the guest and did not return. */
struct expected {
	uint32_t size;
	uint64_t tick;
	uint32_t first_piece;
	uint32_t count;
	bool is_known;
};

#define TAKEN 1024
#define LIST 65536

/* One queue as the guest's driver has it, and as the model follows the device. */
struct queue {
	unsigned int index;
	uint16_t size;
	uint32_t descriptors, available, used;	/* Offsets in region 0. */
	/* The driver's position: avail.idx, or slot and wrap counter. */
	uint16_t next;
	bool wrap;
	uint16_t free_id;
	struct rig_queue before, after;
	struct taken taken[TAKEN];
	unsigned int taken_head, taken_tail;
	/* Used entries with bytes, until the packet that they hold is seen. */
	struct taken done[TAKEN];
	uint32_t done_length[TAKEN];
	unsigned int done_head, done_tail;
	struct expected expected[TAKEN];
	unsigned int expected_head, expected_tail;
};

/* A byte that is 1 or 0 for each byte of memory. */
union map {
	uint8_t bytes[MEMORY];
	uint64_t words[MEMORY / 8];
};

struct model {
	struct settings settings;
	struct region regions[REGIONS];
	struct rig_link link;
	struct queue queues[2];
	/* The guest's memory now (all regions in a row), before the call, and as it should be. */
	uint8_t *memory;
	uint8_t before[MEMORY];
	uint8_t expected[MEMORY];
	/* Bytes that hold descriptors of the call at hand, or that it may write. */
	union map meta;
	union map allowed;
	/* When the guest wrote a byte last; whose chain has it. */
	uint64_t stamp[MEMORY];
	uint64_t owner[MEMORY];
	uint64_t owner_floor;	/* Owners before have none any more. */
	bool has_shared;	/* Bytes with several owners: UINT64_MAX. */
	uint64_t tick;
	uint8_t permission[PAGES];	/* 1 read, 2 write. */
	/* The guest lets the device write over rings or tables: their contents prove nothing. */
	bool is_wild;
	bool log_begins;	/* In the call that is checked. */
	/* Something could not be followed; packets are not compared until all came back. */
	bool is_unsure;
	struct piece list[LIST];
	uint32_t list_tail;
	uint32_t next_buffer;
	unsigned int next_table;
	struct rte_mempool *pool, *send_pool;
	unsigned int pool_before, send_before, mappings_before;
	struct rte_mbuf *held[1024];
	unsigned int held_count;
	uint64_t lent;		/* mbufs of ours that the library has. */
	uint64_t log_size;
	uint8_t *log;
	int log_file;
	int kick[2], call[2];
};

extern struct model model;

/* rings_setup.c */
void setup_process(void);
void setup_device(const uint8_t *head);
void setup_queue(unsigned int index);
bool send_regions(unsigned int order);
void send_translation(unsigned int page, uint8_t permission);
void close_device(void);

/* rings_walk.c */
bool find(uint64_t gpa, uint32_t *start, uint32_t *room);
void walk(struct queue *queue, const uint8_t *memory, uint16_t position, bool wrap,
	struct chain *chain);
bool is_in_ring(const struct queue *queue, uint32_t start, uint32_t size);

/* rings_guest.c */
void guest_write(uint32_t start, const void *bytes, uint32_t size);
void guest_offer(const struct record *record);
void guest_poke(const struct record *record);
void guest_index(const struct record *record);

/* rings_check.c */
/* A fresh device: nothing was written. */
void begin_checks(void);
void before_call(bool is_strict);
/*
 * What a call wrote into chains that are offered, whether it took them or put them back because the
 * engine refused: a packet that was used before has those bytes no longer.
 */
void note_scribbles(void);
void after_call(unsigned int mask);
void watch_given(unsigned int queue, const void *from, const void *to, size_t size);
void watch_copied(unsigned int queue, const void *from, const void *to, size_t size);

/* rings_packets.c */
void note_taken(struct queue *queue, const struct chain *chain);
void check_received(struct rte_mbuf **packets, unsigned int count, bool has_announcement);
void check_sent(struct rte_mbuf **packets, unsigned int count, bool is_now);
void check_accounts(void);

/* rings.c: with RIG_LOG in the environment, what led to a finding. */
void trace(const struct record *record);

/* rings_calls.c */
void perform(const struct record *record);
#define OPERATIONS 24

#endif
