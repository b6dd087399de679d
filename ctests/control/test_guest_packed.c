/* SPDX-License-Identifier: BSD-3-Clause */

/* Packed rings (virtio 1.2, 2.8): ids, chains and wrap counters that split rings have not. */
#define _GNU_SOURCE
#include "control.h"

#include "guest_misbehave.h"
#include "guest_packed.h"

#define BURST 64

static char text[CONTROL_TEXT];
static struct control_stage stage;
static const struct guest_shape direct;

static void attach(uint32_t size, uint64_t without, bool manual_rx)
{
	struct guest_config config;

	guest_config_init(&config);
	config.ring_size = size;
	config.tx_buffers = config.rx_buffers = size + 64;
	config.features &= ~without;
	config.manual_rx = manual_rx;
	control_attach(&stage.target, &config);
}

static struct guest_queue *transmit(void)
{
	return guest_tx_queue(stage.target.guest, 0);
}

static uint16_t receive(struct rte_mbuf **mbufs)
{
	return rte_vhost_dequeue_burst(stage.target.vid, 1, control_pool(), mbufs, BURST);
}

static void send(uint64_t sequence, const struct guest_shape *shape)
{
	uint8_t frame[200];

	control_frame(frame, sizeof(frame), sequence);
	assert_int_equal(guest_tx(transmit(), frame, sizeof(frame), shape), 0);
}

/** One rule broken: one line in the log, one count, silence; well after a reset. */
static void break_ring(enum guest_bad kind, uint16_t before)
{
	struct guest *guest = stage.target.guest;
	struct rte_mbuf *mbufs[BURST];
	uint16_t got = 0;
	uint8_t frame[200];

	control_frame(frame, sizeof(frame), 0);
	for (uint64_t i = 0; i < before; i++)
		send(i, &direct);
	assert_int_equal(guest_bad_add(transmit(), kind, frame, sizeof(frame), 0), 0);
	if (kind != GUEST_BAD_CHAIN_ENDLESS)
		send(99, &direct);
	guest_submit(transmit());
	control_capture_begin();
	for (int i = 0; i < 100; i++)
		got = (uint16_t)(got + receive(mbufs + got));
	control_capture_end(text);
	/* What came before is good. */
	assert_int_equal(got, before);
	for (uint16_t i = 0; i < got; i++)
		control_assert_frame(rte_pktmbuf_mtod(mbufs[i], uint8_t *), 200, i);
	rte_pktmbuf_free_bulk(mbufs, got);
	control_assert_line(text, stage.target.path, "queue 1", NULL);
	assert_int_equal(control_stats(stage.target.vid, 1).ring_broken, 1);
	control_receive_good(&stage.target, 1);
	assert_int_equal(guest_stop(guest), 0);
	guest_reset(guest);
	assert_int_equal(guest_start(guest), 0);
	control_send_good(&stage.target, 1);
	control_receive_good(&stage.target, 2);
}

static void wrong_ids_break_the_ring(void **state)
{
	static const enum guest_bad kinds[] = { GUEST_BAD_HEAD_RANGE, GUEST_BAD_HEAD_MAX };

	(void)state;
	control_stage_begin(&stage, "ids");
	for (uint16_t before = 0; before < 9; before++)
		for (size_t i = 0; i < CONTROL_COUNT(kinds); i++) {
			attach(64, 0, false);
			break_ring(kinds[i], before);
			control_detach(&stage.target);
		}
	control_stage_end(&stage);
}

/*
 * The same id twice, one behind the other. Where the first chain is used before the second one is
 * looked at, nobody can tell; with packets in flight the ring breaks (test_async_packed.c).
 */
static void an_id_twice_is_survived(void **state)
{
	struct rte_mbuf *mbufs[BURST];
	uint8_t frame[200];

	(void)state;
	control_stage_begin(&stage, "twice");
	for (int i = 0; i < 20; i++) {
		uint16_t got;

		attach(16, 0, false);
		control_frame(frame, sizeof(frame), 7);
		assert_int_equal(guest_bad_add(transmit(), GUEST_BAD_HEAD_TWICE, frame, 200, 0),
				 0);
		guest_submit(transmit());
		got = receive(mbufs);
		assert_in_range(got, 1, 2);
		control_assert_frame(rte_pktmbuf_mtod(mbufs[0], uint8_t *), 200, 7);
		rte_pktmbuf_free_bulk(mbufs, got);
		assert_int_equal(guest_stop(stage.target.guest), 0);
		guest_reset(stage.target.guest);
		assert_int_equal(guest_start(stage.target.guest), 0);
		control_send_good(&stage.target, 1);
		control_detach(&stage.target);
	}
	control_stage_end(&stage);
}

/* All descriptors of the ring say NEXT: there is no end, and no id. */
static void a_chain_without_end_breaks_the_ring(void **state)
{
	static const uint32_t sizes[] = { 2, 3, 5, 64, 1000 };

	(void)state;
	control_stage_begin(&stage, "endless");
	for (size_t i = 0; i < CONTROL_COUNT(sizes); i++) {
		attach(sizes[i], 0, false);
		break_ring(GUEST_BAD_CHAIN_ENDLESS, 0);
		control_detach(&stage.target);
	}
	control_stage_end(&stage);
}

/* NEXT, and behind it a descriptor that is not available: what was there in the lap before. */
static void an_open_chain_is_survived(void **state)
{
	struct rte_mbuf *mbufs[BURST];
	uint8_t frame[200];

	(void)state;
	control_stage_begin(&stage, "open");
	for (uint16_t begun = 0; begun < 20; begun++) {
		uint16_t got;

		attach(16, 0, false);
		for (uint64_t i = 0; i < begun; i++)
			control_send_good(&stage.target, i);
		control_frame(frame, sizeof(frame), 5);
		assert_int_equal(guest_bad_add(transmit(), GUEST_BAD_CHAIN_OPEN, frame, 200, 0),
				 0);
		guest_submit(transmit());
		for (int i = 0; i < 100; i++) {
			got = receive(mbufs);
			rte_pktmbuf_free_bulk(mbufs, got);
		}
		control_receive_good(&stage.target, 1);
		assert_int_equal(guest_stop(stage.target.guest), 0);
		guest_reset(stage.target.guest);
		assert_int_equal(guest_start(stage.target.guest), 0);
		control_send_good(&stage.target, 1);
		control_detach(&stage.target);
	}
	control_stage_end(&stage);
}

/* AVAIL and USED for the other lap: the descriptor is not there, wherever the ring stands. */
static void descriptors_of_the_other_lap_are_not_taken(void **state)
{
	struct rte_mbuf *mbufs[BURST];

	(void)state;
	control_stage_begin(&stage, "lap");
	attach(5, 0, false);
	for (uint64_t i = 0; i < 40; i++) {
		assert_int_equal(guest_bad_add(transmit(), GUEST_BAD_WRAP_COUNTER, NULL, 0, 0), 0);
		assert_int_equal(receive(mbufs), 0);
		control_send_good(&stage.target, i);
	}
	assert_int_equal(guest_complaints(stage.target.guest), 0);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

static void one_bad_of_64_from_the_guest(enum guest_bad kind)
{
	struct rte_mbuf *mbufs[BURST];

	for (uint32_t bad = 0; bad < 64; bad++) {
		uint64_t expected = 0;
		uint16_t got;

		for (uint32_t i = 0; i < 64; i++) {
			if (i == bad)
				assert_int_equal(guest_bad_add(transmit(), kind, NULL, 60, 5), 0);
			else
				send(i, &direct);
		}
		guest_submit(transmit());
		got = receive(mbufs);
		while (got < 63) {
			uint16_t more = receive(mbufs + got);

			assert_true(more > 0);
			got = (uint16_t)(got + more);
		}
		for (uint16_t i = 0; i < got; i++, expected++) {
			expected += expected == bad;
			control_assert_frame(rte_pktmbuf_mtod(mbufs[i], uint8_t *), 200,
					     expected);
		}
		rte_pktmbuf_free_bulk(mbufs, got);
		assert_true(guest_all_used(transmit()));
		assert_int_equal(guest_tx_reap(transmit()), 64);
	}
	assert_int_equal(guest_complaints(stage.target.guest), 0);
}

/* Packets of one descriptor are taken four at a time; each place among the four counts. */
static void a_bad_one_anywhere_among_good_ones(void **state)
{
	static const enum guest_bad kinds[] = {
		GUEST_BAD_UNMAPPED_LONE, GUEST_BAD_ZERO, GUEST_BAD_SHORT, GUEST_BAD_DIRECTION,
		GUEST_BAD_TABLE_EMPTY, GUEST_BAD_TABLE_UNMAPPED, GUEST_BAD_TABLE_AND_NEXT,
		GUEST_BAD_LENGTH_MAX, GUEST_BAD_CROSSING_LONE, GUEST_BAD_TOO_LARGE,
	};

	(void)state;
	control_stage_begin(&stage, "batches");
	/* Not a multiple of four: batches cross the wrap as well. */
	attach(control_is_packed() ? 201 : 256, 0, false);
	for (size_t i = 0; i < CONTROL_COUNT(kinds); i++) {
		one_bad_of_64_from_the_guest(kinds[i]);
		assert_int_equal(control_stats(stage.target.vid, 1).packets, 63 * 64 * (i + 1));
	}
	control_detach(&stage.target);
	control_stage_end(&stage);
}

static void one_bad_of_64_to_the_guest(enum guest_bad kind)
{
	struct guest_queue *queue = guest_rx_queue(stage.target.guest, 0);
	struct rte_mbuf *mbufs[BURST];
	uint8_t frame[2048];

	for (uint32_t bad = 0; bad < 64; bad++) {
		struct guest_received received;
		uint64_t sequence = 0;

		for (uint32_t i = 0; i < 65; i++)
			assert_int_equal(i == bad ? guest_bad_add(queue, kind, NULL, 60, 5) :
						    guest_rx_post(queue, 2048, &direct), 0);
		guest_submit(queue);
		for (uint32_t i = 0; i < BURST; i++)
			mbufs[i] = control_mbuf(100 + i, i);
		assert_int_equal(rte_vhost_enqueue_burst(stage.target.vid, 0, mbufs, BURST), BURST);
		rte_pktmbuf_free_bulk(mbufs, BURST);
		for (uint32_t i = 0; i < 65; i++) {
			int size = guest_rx(queue, frame, sizeof(frame), &received);

			if (i == bad) {
				assert_int_equal(size, 0);
				continue;
			}
			assert_int_equal(size, 100 + sequence);
			control_assert_frame(frame, (uint32_t)size, sequence++);
		}
		assert_int_equal(queue->in_flight, 0);
	}
	assert_int_equal(queue->stats.bad_id + queue->stats.bad_length + queue->stats.torn, 0);
}

static void a_bad_buffer_anywhere_among_good_ones(void **state)
{
	static const enum guest_bad kinds[] = {
		GUEST_BAD_UNMAPPED_LONE, GUEST_BAD_ZERO, GUEST_BAD_SHORT, GUEST_BAD_DIRECTION,
		GUEST_BAD_TABLE_EMPTY, GUEST_BAD_TABLE_UNMAPPED, GUEST_BAD_CROSSING_LONE,
	};

	(void)state;
	control_stage_begin(&stage, "rx-batches");
	attach(control_is_packed() ? 203 : 256, 0, true);
	for (size_t i = 0; i < CONTROL_COUNT(kinds); i++)
		one_bad_of_64_to_the_guest(kinds[i]);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST_PACKED(wrong_ids_break_the_ring),
	CONTROL_TEST_PACKED(an_id_twice_is_survived),
	CONTROL_TEST_PACKED(a_chain_without_end_breaks_the_ring),
	CONTROL_TEST_PACKED(an_open_chain_is_survived),
	CONTROL_TEST_PACKED(descriptors_of_the_other_lap_are_not_taken),
	CONTROL_TEST(a_bad_one_anywhere_among_good_ones),
	CONTROL_TEST(a_bad_buffer_anywhere_among_good_ones),
};

CONTROL_MAIN_QUIET(300, tests)
