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

/** One rule broken: one line in the log, one count, silence; well after a reset. */
static void break_ring(enum guest_bad kind, uint16_t before)
{
	struct guest *guest = stage.target.guest;
	struct rte_mbuf *mbufs[BURST];
	uint16_t got = 0;
	uint8_t frame[200];

	control_frame(frame, sizeof(frame), 0);
	for (uint64_t i = 0; i < before; i++)
		control_tx_numbered(&stage.target, i, &direct);
	assert_int_equal(guest_bad_add(control_tx(&stage.target), kind, frame, sizeof(frame), 0),
			 0);
	if (kind != GUEST_BAD_CHAIN_ENDLESS)
		control_tx_numbered(&stage.target, 99, &direct);
	guest_submit(control_tx(&stage.target));
	control_capture_begin();
	for (int i = 0; i < 100; i++)
		got = (uint16_t)(got + control_dequeue(&stage.target, mbufs + got, BURST));
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

static const struct CMUnitTest tests[] = {
	CONTROL_TEST_PACKED(wrong_ids_break_the_ring),
	CONTROL_TEST_PACKED(a_chain_without_end_breaks_the_ring),
};

CONTROL_MAIN_QUIET(300, tests)
