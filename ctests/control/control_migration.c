/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control_migration.h"

struct control_device migrated;
struct guest_log migrated_log;
struct guest_snapshot migrated_copy;

/** What a failed test left behind. */
int migration_clean(void **state)
{
	(void)state;
	guest_snapshot_end(&migrated_copy);
	guest_log_destroy(&migrated_log);
	if (migrated.guest) {
		guest_destroy(migrated.guest);
		migrated.guest = NULL;
		rte_vhost_driver_unregister(migrated.path);
		control_forget_pool();
	}
	return 0;
}

void migration_config(struct guest_config *config)
{
	guest_config_init(config);
	config->protocol_features |= GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
}

void migration_open(const struct guest_config *config)
{
	migrated_log.fd = -1;
	control_open(&migrated, "copy", 0, config);
}

/** Log and destination, as when a migration begins. */
void migration_begin(void)
{
	assert_int_equal(guest_log_start(migrated.guest, &migrated_log), 0);
	assert_int_equal(guest_snapshot_begin(&migrated_copy, migrated.guest), 0);
	guest_snapshot_round(&migrated_copy, &migrated_log);
}

void migration_end(void)
{
	guest_snapshot_end(&migrated_copy);
	guest_log_destroy(&migrated_log);
	control_close(&migrated);
	control_assert_pool();
}

/** The destination must be the source's equal. */
void migration_assert_same(void)
{
	uint64_t gpa = 0, count;

	guest_snapshot_round(&migrated_copy, &migrated_log);
	count = guest_snapshot_differs(&migrated_copy, &gpa);
	if (count > 0)
		fail_msg("%lu pages are not what they should be, the first at 0x%lx",
			 (unsigned long)count, (unsigned long)gpa);
}

/** A chain of mbufs with a frame of any size. */
struct rte_mbuf *migration_packet(uint32_t size, uint64_t sequence)
{
	static uint8_t frame[65536];

	control_frame(frame, size, sequence);
	return control_chain(frame, size, 2000);
}
