/* SPDX-License-Identifier: BSD-3-Clause */

/* A second thread changes what the guest wrote while bursts run: a million packets and more. */
#define _GNU_SOURCE
#include "control.h"

#include "guest_flip.h"
#include "guest_split.h"

#define PACKETS 4000000
#define WINDOW 64
#define BURST 32
/* Turns without a packet after which a ring is taken to be broken. */
#define STUCK 200

static struct control_stage stage;

/** Both directions once. @return packets that the library took from the guest. */
static uint32_t turn(struct guest *guest, struct guest_random *random)
{
	struct guest_queue *tx = guest_tx_queue(guest, 0), *rx = guest_rx_queue(guest, 0);
	struct guest_shape shape = {
		.indirect = guest_random_range(random, 0, 1),
		.header_pieces = (uint16_t)guest_random_range(random, 0, 3),
		.data_pieces = (uint16_t)guest_random_range(random, 0, 4),
	};
	struct guest_received received;
	struct rte_mbuf *mbufs[BURST];
	static uint8_t frame[65536];
	uint16_t got;

	guest_tx_reap(tx);
	for (int i = 0; i < WINDOW; i++)
		if (guest_tx(tx, frame, guest_random_range(random, 60, 400), &shape) < 0)
			break;
	guest_submit(tx);
	got = rte_vhost_dequeue_burst(stage.target.vid, 1, control_pool(), mbufs, BURST);
	rte_vhost_enqueue_burst(stage.target.vid, 0, mbufs, got);
	rte_pktmbuf_free_bulk(mbufs, got);
	while (guest_rx(rx, frame, sizeof(frame), &received) >= 0)
		;
	guest_rx_fill(rx);
	guest_submit(rx);
	return got;
}

/** What a flipped index left behind is forgotten: stop, reset, start. */
static void restart(struct guest *guest)
{
	assert_int_equal(guest_stop(guest), 0);
	guest_reset(guest);
	assert_int_equal(guest_start(guest), 0);
}

static void flip_fields(const char *name, unsigned int fields, uint64_t wanted, uint64_t seed)
{
	struct guest_random random = { .state = seed };
	struct guest_config config;
	uint64_t packets = 0, flips = 0, restarts = 0;
	struct guest *guest;

	control_stage_begin(&stage, name);
	guest_config_init(&config);
	config.features |= GUEST_BIT(VIRTIO_NET_F_CSUM) | GUEST_BIT(VIRTIO_NET_F_HOST_TSO4);
	config.tx_buffers = 1024;
	control_attach(&stage.target, &config);
	guest = stage.target.guest;
	while (packets < wanted) {
		struct guest_flip *flip;
		int idle = 0;

		assert_int_equal(guest_flip_start(guest, fields, seed + packets, &flip), 0);
		for (int i = 0; i < 20000 && idle < STUCK && packets < wanted; i++) {
			uint32_t got = turn(guest, &random);

			packets += got;
			idle = got ? 0 : idle + 1;
		}
		flips += guest_flip_stop(flip);
		restart(guest);
		/* Now and then: as good as new. */
		if (restarts++ % 16 == 0) {
			control_send_good(&stage.target, packets);
			control_receive_good(&stage.target, packets);
			control_echo_check(&stage.echo, 20);
		}
	}
	assert_true(flips > 1000);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

static void descriptors_and_tables(void **state)
{
	(void)state;
	flip_fields("descriptors", GUEST_FLIP_ADDR | GUEST_FLIP_LENGTH | GUEST_FLIP_FLAGS |
		    GUEST_FLIP_NEXT | GUEST_FLIP_TABLE, PACKETS, 1);
}

static void headers_and_events(void **state)
{
	(void)state;
	flip_fields("headers", GUEST_FLIP_HEADER | GUEST_FLIP_EVENT, PACKETS / 4, 2);
}

static void available_entries(void **state)
{
	(void)state;
	flip_fields("available", GUEST_FLIP_AVAILABLE, PACKETS / 4, 3);
}

static void everything(void **state)
{
	(void)state;
	flip_fields("everything", GUEST_FLIP_ALL, PACKETS / 2, 4);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(descriptors_and_tables),
	CONTROL_TEST(headers_and_events),
	CONTROL_TEST(available_entries),
	CONTROL_TEST(everything),
};

CONTROL_MAIN_QUIET(600, tests)
