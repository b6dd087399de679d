/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * One device that is migrated: its dirty log, and the destination that is made of dirty pages.
 */
#ifndef CONTROL_MIGRATION_H
#define CONTROL_MIGRATION_H

#include "control.h"
#include "guest_snapshot.h"

/** Bytes for which a log has a bit. */
#define PAGE 4096

/** The device, its log, its destination. */
extern struct control_device migrated;
extern struct guest_log migrated_log;
extern struct guest_snapshot migrated_copy;

/** A guest's defaults, with LOG_SHMFD. */
void migration_config(struct guest_config *config);
/** Open the device; nothing is logged yet. */
void migration_open(const struct guest_config *config);
/** Log and destination, as when a migration begins. */
void migration_begin(void);
/** Give everything back. */
void migration_end(void);
/** One round, after which the destination must be the source's equal. */
void migration_assert_same(void);
/** What a failed test left behind: a teardown. */
int migration_clean(void **state);
/** A chain of mbufs with a frame of any size. */
struct rte_mbuf *migration_packet(uint32_t size, uint64_t sequence);

/** A test, of both ring formats where the guest has them. */
#ifdef CONTROL_TEST_PACKED
#define MIGRATION_TEST(function) \
	{ #function "_split", function, control_split, migration_clean, NULL }, \
	{ #function "_packed", function, control_packed, migration_clean, NULL }
#else
#define MIGRATION_TEST(function) cmocka_unit_test_teardown(function, migration_clean)
#endif

#endif
