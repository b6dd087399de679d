/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * Hostile guests and frontends: each test body runs in four variants, split and packed rings,
 * synchronous and asynchronous copies in both directions, against the shipped library.
 *
 *     static void G99_something_bad(struct hostile *hostile)
 *     {
 *             hostile_open(hostile, NULL);
 *             ... do it ...
 *             hostile_good(hostile);           // both directions still work
 *             hostile_close(hostile);          // and nothing is left over
 *     }
 *
 *     static const struct CMUnitTest tests[] = { HOSTILE_TEST(G99_something_bad) };
 *
 *     HOSTILE_MAIN(60, tests)
 *
 * A name begins with the row of hostile.md it is for: F01 to F14 of the frontend's table, G01 to
 * G13 of the guest's, E01 for engines. The variant is appended: G99_something_bad_packed_async.
 *
 * The device under attack is a bench (ctests/harness/bench.h) and all of bench_*() may be used on
 * it. Each step of a bench ends with bench_check(), which here ends with hostile_checked(), so
 * that all invariants of hostile.md are asserted after each step: see hostile_check.c.
 * Asynchronous variants run the body twice: all bytes by the engine, and long pieces only.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdio.h>
#include <unistd.h>

#include "bench.h"
#include "guest_misbehave.h"

/** Elements of an array. */
#define HOSTILE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** The frame that good packets have. */
#define HOSTILE_FRAME 300

struct hostile;

/** A body in one variant. */
struct hostile_case {
	void (*body)(struct hostile *hostile);
	bool packed, async;
};

/** What a test has. */
struct hostile {
	bool packed, async;
	uint32_t threshold;		/**< Of asynchronous channels, in this round. */
	bool alike;			/**< The innocent one is of the test's variant. */
	struct bench *bench;		/**< The device under attack... */
	struct bench *innocent;		/**< ...and one that must not notice. */
	struct bench_baseline before;	/**< From before there was a device... */
	uint32_t guarded;		/**< ...the same for mappings with guard pages. */
	bool is_child;			/**< A child that is to fail: it ends with its test. */
	uint64_t checks;		/**< So often. */
};

/** The one there is. */
extern struct hostile hostile;

/* hostile.c: life. */

/**
 * What hostile_open() takes for NULL: bench_config_init()'s in the test's variant; two regions
 * with a gap between them, tables of 300 entries, enough buffers for these.
 */
void hostile_config(struct hostile *hostile, struct bench_config *config);

/** An innocent device first, then the one to attack; between the two things are counted. */
void hostile_open(struct hostile *hostile, const struct bench_config *config);

/** The same up to a connected guest that was not started: bench_start(hostile->bench) is next. */
void hostile_connect(struct hostile *hostile, const struct bench_config *config);

/** End both devices; nothing may be left over. */
void hostile_close(struct hostile *hostile);

/** Forget what is in the attacked device's rings: stop, reset, start. Waits for engines. */
void hostile_restart(struct hostile *hostile);

/** Run a variant; cmocka's test function. */
void hostile_run(void **state);

/** cmocka's teardown. */
int hostile_teardown(void **state);

/* hostile_check.c: invariants. */

/** The end of bench_check() of the device under attack: all that must hold besides. */
void hostile_checked(struct bench *bench);

/** Everything that must hold after every step: bench_check(), which ends with the former. */
void hostile_check(struct hostile *hostile);

/** The half of it that is about the innocent device, where the other one is beyond checking. */
void hostile_check_innocent(struct hostile *hostile);

/** Fail unless guard pages stand around each region, in the guest's mapping and the library's. */
void hostile_assert_guards(struct hostile *hostile);

/** Fail unless descriptors, mappings and threads are at their number from before. */
void hostile_assert_flat(struct hostile *hostile);

/** Whether they are at the moment. */
bool hostile_is_flat(struct hostile *hostile);

/* hostile_guard.c: an mmap() that puts guest memory between pages that fault. */

/** Mappings of guest files that are between guard pages now. */
uint32_t hostile_guarded(void);

/** Whether a byte of this process can be read. */
bool hostile_is_readable(const void *at);

/* hostile_flow.c: packets. */

/**
 * The host takes packets from the guest: a call while the engine holds its copies, then the
 * engine's turn, until nothing comes. @return packets.
 */
uint32_t hostile_take(struct hostile *hostile);

/**
 * The host gives the guest @p count packets, which it receives, as many as there is room for.
 * @return packets.
 */
uint32_t hostile_give(struct hostile *hostile, uint16_t count, uint32_t size);

/** The guest posts receive chains of the configured kind, where bench->by_hand is set. */
void hostile_post(struct hostile *hostile, uint32_t count);

/** One packet from the guest and one to it, which must arrive. */
void hostile_good(struct hostile *hostile);

/** Add and publish one bad chain to a queue. */
void hostile_bad(struct hostile *hostile, struct guest_queue *queue, enum guest_bad kind,
		 uint32_t argument);

/** Guest memory of a test's own, in one of the regions. */
void hostile_area(struct hostile *hostile, unsigned int region, uint64_t size,
		  struct guest_area *area);

/** Make a chain of any pieces available; what they lead to is the test's. */
void hostile_offer(struct guest_queue *queue, const struct guest_piece *pieces, uint32_t count,
		   bool indirect);

/** A chain of one descriptor, which says that @p bytes of an indirect table are at @p table. */
void hostile_offer_table(struct guest_queue *queue, uint64_t table, uint32_t bytes);

/** Pieces of these lengths that lie side by side from an address on. */
void hostile_cut(struct guest_piece *pieces, uint64_t addr, const uint32_t *lengths,
		 uint32_t count, bool write);

/** The first address behind a region. */
uint64_t hostile_end(const struct hostile *hostile, unsigned int region);

/** The next stamped packet, header in front, into guest memory; regions may be crossed. */
void hostile_stamp_at(struct hostile *hostile, uint64_t gpa, uint32_t size);

/** A packet into the one receive chain of the test's own; it must be at this address. */
void hostile_receive_at(struct hostile *hostile, uint64_t gpa, uint32_t size);

/**
 * A chain of the test's own from the guest (with a good packet behind it) or to it (good ones
 * behind it) that must be dropped.
 */
void hostile_drop(struct hostile *hostile, struct guest_queue *queue,
		  const struct guest_piece *pieces, uint32_t count, bool indirect,
		  unsigned int fates);

/** What may become of a chain; the first five are counters of dropped ones. */
enum hostile_fate {
	FATE_CHAIN = 1,			/**< dropped_bad_chain. */
	FATE_UNMAPPED = 2,
	FATE_SHORT = 4,
	FATE_DIRECTION = 8,
	FATE_LONG = 16,
	FATE_GOOD = 32,			/**< Delivered. */
	FATE_BROKEN = 64,		/**< The ring is; the test resets it. */
};

/** Counters of a queue at some moment. */
struct hostile_counts {
	uint64_t dropped[5], broken, packets;
};

void hostile_count(struct hostile *hostile, uint16_t queue, struct hostile_counts *counts);

/** Fates that befell chains of a queue since then, and how many did. */
unsigned int hostile_fates(struct hostile *hostile, uint16_t queue,
			   const struct hostile_counts *before, uint64_t *count);

/**
 * A bad chain from the guest, then a good packet: the first must have one of these fates, the
 * second must arrive.
 */
void hostile_from_guest(struct hostile *hostile, enum guest_bad kind, uint32_t argument,
			unsigned int fates);

/** A bad receive chain in front of good ones, and a packet for the guest that must arrive. */
void hostile_to_guest(struct hostile *hostile, enum guest_bad kind, uint32_t argument,
		      unsigned int fates);

/**
 * The host takes what chains, published by the test, hold: @p packets must come; whatever else
 * was published must come back unused, as that many dropped chains.
 */
void hostile_expect(struct hostile *hostile, uint32_t packets, uint64_t dropped);

/** The four variants of a body, and those of one ring format. */
#define HOSTILE_VARIANT(function, variant, packed, async) \
	{ #function variant, hostile_run, NULL, hostile_teardown, \
	  &(struct hostile_case){ function, packed, async } }
#define HOSTILE_TEST_SPLIT(function) \
	HOSTILE_VARIANT(function, "_split_sync", false, false), \
	HOSTILE_VARIANT(function, "_split_async", false, true)
#define HOSTILE_TEST_PACKED(function) \
	HOSTILE_VARIANT(function, "_packed_sync", true, false), \
	HOSTILE_VARIANT(function, "_packed_async", true, true)
#define HOSTILE_TEST(function) HOSTILE_TEST_SPLIT(function), HOSTILE_TEST_PACKED(function)
/** Engines are what it is about: there is nothing to do in the synchronous variants. */
#define HOSTILE_TEST_ASYNC(function) \
	HOSTILE_VARIANT(function, "_split_async", false, true), \
	HOSTILE_VARIANT(function, "_packed_async", true, true)

/** Main of a program: an argument is a filter for names. */
#define HOSTILE_MAIN(seconds, tests) HOSTILE_MAIN_AS(main, seconds, tests)
/** The same under another name, for programs that are run for other things too. */
#define HOSTILE_MAIN_AS(name, seconds, tests) \
	int name(int argc, char **argv) \
	{ \
		if (argc > 1) \
			cmocka_set_test_filter(argv[1]); \
		setenv("RTEVHOSTSWIFT_LOG", "error", 0); \
		setvbuf(stdout, NULL, _IOLBF, 0); \
		alarm(seconds); \
		return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL); \
	}

#endif
