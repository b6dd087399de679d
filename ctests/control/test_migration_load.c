/* SPDX-License-Identifier: BSD-3-Clause */

/* A migration as a hypervisor does it, while packets move. */
#define _GNU_SOURCE
#include "control_migration.h"

#define BURST 32

/** The application: gives packets to the guest and takes packets from it, all the time. */
struct load {
	pthread_t thread;
	bool stop;
	uint64_t given, taken;
};

static void *work(void *argument)
{
	struct load *load = argument;
	uint64_t sequence = 0;

	while (!__atomic_load_n(&load->stop, __ATOMIC_ACQUIRE)) {
		struct rte_mbuf *mbufs[BURST];
		uint16_t count = 0, got;

		while (count < 8) {
			sequence++;
			mbufs[count] = migration_packet(60 + (uint32_t)(sequence * 7919 % 9000),
							sequence);
			if (!mbufs[count++])
				abort();
		}
		load->given += rte_vhost_enqueue_burst(migrated.vid, 0, mbufs, count);
		rte_pktmbuf_free_bulk(mbufs, count);
		got = rte_vhost_dequeue_burst(migrated.vid, 1, control_pool(), mbufs, BURST);
		rte_pktmbuf_free_bulk(mbufs, got);
		load->taken += got;
		usleep(50);
	}
	return NULL;
}

static void load_start(struct load *load)
{
	memset(load, 0, sizeof(*load));
	control_pool();
	assert_int_equal(pthread_create(&load->thread, NULL, work, load), 0);
}

static void load_stop(struct load *load)
{
	__atomic_store_n(&load->stop, true, __ATOMIC_RELEASE);
	pthread_join(load->thread, NULL);
}

/** The guest's part. */
static void guest_works(void)
{
	static const struct guest_shape direct;
	struct guest_queue *tx = guest_tx_queue(migrated.guest, 0);
	struct guest_queue *rx = guest_rx_queue(migrated.guest, 0);
	static uint8_t frame[65536];
	struct guest_received received;
	struct guest_stamp stamp;
	uint64_t hash;
	bool swapped;
	int size;

	guest_tx_reap(tx);
	for (uint64_t i = 0; i < 4; i++) {
		control_frame(frame, 1000, i);
		guest_tx(tx, frame, 1000, &direct);
	}
	guest_submit(tx);
	while ((size = guest_rx(rx, frame, sizeof(frame), &received)) >= 0)
		assert_int_equal(guest_packet_check(frame, (uint32_t)size, &stamp, &hash,
						    &swapped), 0);
	guest_rx_fill(rx);
	guest_submit(rx);
}

/** Rounds under load, then the end of a migration: GET_VRING_BASE, and a last round. */
static void migrate(struct load *load, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		for (int j = 0; j < 20; j++) {
			guest_works();
			usleep(100);
		}
		guest_snapshot_round(&migrated_copy, &migrated_log);
	}
	assert_int_equal(guest_stop(migrated.guest), 0);
	migration_assert_same();
	/* Nothing is written any more. */
	usleep(2000);
	migration_assert_same();
	load_stop(load);
	migration_assert_same();
	assert_true(load->given > 0 && load->taken > 0);
	assert_int_equal(guest_complaints(migrated.guest), 0);
}

static void under_load(void **state)
{
	struct guest_config config;
	struct load load;

	(void)state;
	for (int i = 0; i < 3; i++) {
		migration_config(&config);
		config.region_count = (uint32_t)i + 1;
		if (i == 1)
			config.rx_shape.indirect = true;
		migration_open(&config);
		load_start(&load);
		migration_begin();
		migrate(&load, 60);
		migration_end();
	}
}

/* Migrations that are begun and given up under load; the one that is carried out is right. */
static void on_and_off_under_load(void **state)
{
	struct guest_config config;
	struct load load;

	(void)state;
	migration_config(&config);
	config.ring_size = 64;
	migration_open(&config);
	load_start(&load);
	for (int i = 0; i < 150; i++) {
		assert_int_equal(guest_log_start(migrated.guest, &migrated_log), 0);
		guest_works();
		assert_int_equal(guest_log_stop(migrated.guest), 0);
		guest_works();
		guest_log_destroy(&migrated_log);
	}
	migration_begin();
	migrate(&load, 40);
	migration_end();
}

static const struct CMUnitTest tests[] = {
	MIGRATION_TEST(under_load),
	MIGRATION_TEST(on_and_off_under_load),
};

CONTROL_MAIN_QUIET(200, tests)
