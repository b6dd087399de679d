/* SPDX-License-Identifier: BSD-3-Clause */

/* Which pages are marked: all that are written, and no others. */
#define _GNU_SOURCE
#include "control_migration.h"

#include <linux/virtio_config.h>

static bool in_area(uint64_t page, uint64_t gpa, uint64_t size)
{
	return page >= gpa / PAGE && page <= (gpa + size - 1) / PAGE;
}

/** Fail unless every dirty page is the queue's: of its device area or, where asked, its buffers. */
static void assert_only(const struct guest_queue *queue, bool buffers)
{
	uint64_t marked = 0;

	for (uint64_t page = 0; page < migrated_log.size * 8; page++) {
		bool allowed = in_area(page, queue->areas[2].gpa, queue->areas[2].size);

		/* Packed: used descriptors stand where available ones stood. */
		if (guest_has(queue->guest, VIRTIO_F_RING_PACKED) && !allowed)
			allowed = in_area(page, queue->areas[0].gpa, queue->areas[0].size);
		if (!guest_log_is_dirty(&migrated_log, page * PAGE))
			continue;
		marked++;
		for (uint32_t i = 0; buffers && !allowed && i < queue->slots.count; i++)
			allowed = in_area(page, queue->slots.slots[i].gpa,
					  queue->slots.buffer_size);
		if (!allowed)
			fail_msg("page 0x%lx is none of the queue's", (unsigned long)page);
	}
	assert_true(marked > 0);
}

/** One packet to the guest, its marks, and the destination after it. */
static void check_one(uint32_t size, uint64_t sequence)
{
	static uint8_t frame[65536], expected[65536];
	struct guest_queue *queue = guest_rx_queue(migrated.guest, 0);
	struct rte_mbuf *mbuf = migration_packet(size, sequence);
	struct guest_received received;

	assert_int_equal(rte_vhost_enqueue_burst(migrated.vid, 0, &mbuf, 1), 1);
	rte_pktmbuf_free(mbuf);
	assert_only(queue, true);
	migration_assert_same();
	assert_int_equal(guest_rx(queue, frame, sizeof(frame), &received), size);
	control_frame(expected, size, sequence);
	assert_memory_equal(frame, expected, size);
	guest_rx_fill(queue);
	guest_submit(queue);
	migration_assert_same();
}

static const uint32_t sizes[] = {
	14, 60, 64, 255, 1500, 2034, 2036, 2037, 4084, 4085, 9000, 12000, 65535
};

/** Every page of packets of all sizes, up to @p longest. */
static void check_sizes(const struct guest_config *config, uint32_t longest)
{
	migration_open(config);
	migration_begin();
	for (uint64_t round = 0; round < 8; round++)
		for (size_t i = 0; i < CONTROL_COUNT(sizes); i++)
			if (sizes[i] <= longest)
				check_one(sizes[i], round * 100 + i);
	migration_end();
}

static void mergeable_buffers(void **state)
{
	struct guest_config config;

	(void)state;
	migration_config(&config);
	check_sizes(&config, 65535);
}

static void buffers_larger_than_a_page(void **state)
{
	struct guest_config config;

	(void)state;
	migration_config(&config);
	config.features &= ~GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
	config.buffer_size = 17000;
	config.rx_capacity = 68000;
	check_sizes(&config, 65535);
}

static void chained_buffers(void **state)
{
	struct guest_config config;

	(void)state;
	migration_config(&config);
	config.features &= ~GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
	config.rx_capacity = 9100;
	config.rx_shape.header_pieces = 3;
	config.rx_shape.data_pieces = 17;
	check_sizes(&config, 9000);
}

static void indirect_buffers_over_regions(void **state)
{
	struct guest_config config;

	(void)state;
	migration_config(&config);
	config.rx_shape.indirect = true;
	config.rx_shape.data_pieces = 5;
	config.region_count = 4;
	config.rx_capacity = 4100;
	config.ring_size = 64;
	check_sizes(&config, 65535);
}

static void header_of_ten_bytes(void **state)
{
	struct guest_config config;

	(void)state;
	migration_config(&config);
	config.features &= ~(GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF) | GUEST_BIT(VIRTIO_F_VERSION_1));
	check_sizes(&config, 2034);
}

/* Whoever makes the destination without a log must notice. */
static void without_a_log_the_copy_is_wrong(void **state)
{
	struct guest_config config;
	struct rte_mbuf *mbuf;

	(void)state;
	migration_config(&config);
	migration_open(&config);
	migration_begin();
	assert_int_equal(guest_log_stop(migrated.guest), 0);
	migration_assert_same();
	mbuf = migration_packet(1500, 1);
	assert_int_equal(rte_vhost_enqueue_burst(migrated.vid, 0, &mbuf, 1), 1);
	rte_pktmbuf_free(mbuf);
	guest_snapshot_round(&migrated_copy, &migrated_log);
	assert_true(guest_snapshot_differs(&migrated_copy, NULL) >= 2);
	migration_end();
}

/* Packets from the guest change the used ring alone. */
static void dequeue_marks_the_used_ring(void **state)
{
	struct guest_config config;

	(void)state;
	migration_config(&config);
	config.ring_size = 1024;
	migration_open(&config);
	migration_begin();
	for (uint64_t i = 0; i < 3000; i++) {
		control_send_good(&migrated, i);
		if (i % 100 == 0)
			assert_only(guest_tx_queue(migrated.guest, 0), false);
		if (i % 7 == 0)
			migration_assert_same();
	}
	migration_assert_same();
	migration_end();
}

/* Rings stop and start, and the application asks for kicks: the device writes there as well. */
static void rings_that_start_while_it_is_logged(void **state)
{
	struct guest_config config;

	(void)state;
	for (int event_index = 0; event_index < 2; event_index++) {
		migration_config(&config);
		if (!event_index)
			config.features &= ~GUEST_BIT(VIRTIO_RING_F_EVENT_IDX);
		migration_open(&config);
		migration_begin();
		for (uint64_t i = 0; i < 20; i++) {
			int from = control_events();

			control_send_good(&migrated, i);
			assert_int_equal(rte_vhost_enable_guest_notification(migrated.vid, 1,
									     i % 2), 0);
			migration_assert_same();
			assert_int_equal(guest_stop(migrated.guest), 0);
			migration_assert_same();
			assert_int_equal(guest_start(migrated.guest), 0);
			assert_true(control_wait_event(from, CONTROL_NEW_DEVICE,
						       migrated.vid) >= 0);
			migration_assert_same();
		}
		migration_end();
	}
}

static const struct CMUnitTest tests[] = {
	MIGRATION_TEST(mergeable_buffers),
	MIGRATION_TEST(buffers_larger_than_a_page),
	MIGRATION_TEST(chained_buffers),
	MIGRATION_TEST(indirect_buffers_over_regions),
	MIGRATION_TEST(header_of_ten_bytes),
	MIGRATION_TEST(without_a_log_the_copy_is_wrong),
	MIGRATION_TEST(dequeue_marks_the_used_ring),
	MIGRATION_TEST(rings_that_start_while_it_is_logged),
};

CONTROL_MAIN_QUIET(200, tests)
