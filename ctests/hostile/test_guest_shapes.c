/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Row G03: chains and indirect tables that no driver may build, and one that it may. */
#include "hostile.h"

/** A kind, and what becomes of it from and to the guest. */
struct expectation {
	enum guest_bad kind;
	unsigned int from, to;
};

static const struct expectation expectations[] = {
	{ GUEST_BAD_LOOP, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_LOOP_SELF, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_NEXT_RANGE, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_NEXT_MAX, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_NESTED, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_AND_NEXT, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_EMPTY, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_ODD, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_HUGE, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_LOOP, FATE_CHAIN, FATE_CHAIN },
	{ GUEST_BAD_TABLE_NEXT_RANGE, FATE_CHAIN, FATE_CHAIN },
};

static void G03_broken_chains_from_the_guest(struct hostile *hostile)
{
	hostile_open(hostile, NULL);
	for (int round = 0; round < 5; round++)
		for (size_t i = 0; i < HOSTILE_COUNT(expectations); i++)
			if (guest_bad_suits(hostile->bench->tx, expectations[i].kind))
				hostile_from_guest(hostile, expectations[i].kind, 0,
						   expectations[i].from);
	hostile_good(hostile);
	hostile_close(hostile);
}

static void G03_broken_chains_to_the_guest(struct hostile *hostile)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.manual_rx = true;
	hostile_open(hostile, &config);
	for (int round = 0; round < 5; round++)
		for (size_t i = 0; i < HOSTILE_COUNT(expectations); i++)
			if (guest_bad_suits(hostile->bench->rx, expectations[i].kind))
				hostile_to_guest(hostile, expectations[i].kind, 0,
						 expectations[i].to);
	hostile_good(hostile);
	hostile_close(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(G03_broken_chains_from_the_guest),
	HOSTILE_TEST(G03_broken_chains_to_the_guest),
};

HOSTILE_MAIN(120, tests)
