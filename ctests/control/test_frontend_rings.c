/* SPDX-License-Identifier: BSD-3-Clause */

/* SET_VRING_BASE and SET_VRING_ENABLE: positions that no frontend may send, and those it may. */
#define _GNU_SOURCE
#include "control.h"

#include "guest_packed.h"

static struct control_stage stage;

static struct guest_frontend *frontend(void)
{
	return &stage.target.guest->frontend;
}

static void bases_and_enables_out_of_range_are_refused(void **state)
{
	static const uint32_t numbers[] = { 0x10000, 0x80000000, 0xffffffff };
	int socket;

	(void)state;
	control_stage_begin(&stage, "ranges");
	socket = control_negotiate(&stage.target);
	for (size_t i = 0; i < CONTROL_COUNT(numbers); i++) {
		uint32_t payload[2] = { 0, numbers[i] };

		assert_int_equal(control_ask(socket, GUEST_SET_VRING_BASE, payload, 8, -1), 1);
		assert_int_equal(control_ask(socket, GUEST_SET_VRING_ENABLE, payload, 8, -1), 1);
	}
	close(socket);
	control_stage_end(&stage);
}

/*
 * A slot that the ring does not have. QEMU says both halves and the device goes on from the used
 * position, in the upper one; DPDK's frontends leave that 0.
 */
static void bases_beyond_the_ring_are_refused(void **state)
{
	static const uint32_t bases[] = { 0x81008100, 0x00000100, 0x7fff7fff, 0xffffffff,
					  0x81008000, 0xffff8000 };
	struct guest_config config;
	struct guest *guest;

	(void)state;
	control_stage_begin(&stage, "packed-base");
	for (size_t i = 0; i < CONTROL_COUNT(bases); i++) {
		control_config(&config, &stage.target);
		control_choose_ring(&config);
		assert_int_equal(guest_create(&config, &guest), 0);
		assert_int_equal(guest_connect(guest), 0);
		guest_tx_queue(guest, 0)->base = bases[i];
		if (guest_start(guest) != -EREMOTEIO)
			fail_msg("base %#x was taken", bases[i]);
		guest_destroy(guest);
	}
	control_stage_end(&stage);
}

/* Every slot of the ring in either lap; the device says where it was when it is asked. */
static void bases_in_the_ring_are_kept(void **state)
{
	static const uint16_t slots[] = { 0, 1, 4, 5, 6 };
	struct guest_config config;
	struct guest *guest;
	uint32_t base;

	(void)state;
	control_stage_begin(&stage, "packed-kept");
	guest_config_init(&config);
	config.ring_size = 7;
	for (size_t i = 0; i < 2 * CONTROL_COUNT(slots); i++) {
		control_attach(&stage.target, &config);
		guest = stage.target.guest;
		assert_int_equal(guest_stop(guest), 0);
		guest_reset(guest);
		for (int queue = 0; queue < 2; queue++)
			guest_packed_begin_at(&guest->queues[queue], slots[i / 2], i % 2);
		assert_int_equal(guest_start(guest), 0);
		for (uint64_t packet = 0; packet < 20; packet++) {
			control_send_good(&stage.target, packet);
			control_receive_good(&stage.target, packet);
		}
		assert_int_equal(guest_get_vring_base(frontend(), 1, &base), 0);
		assert_int_equal(base, guest_packed_base(guest->queues[1].ring.packed.avail,
							 guest->queues[1].ring.packed.avail));
		control_detach(&stage.target);
	}
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST_SPLIT(bases_and_enables_out_of_range_are_refused),
	CONTROL_TEST_PACKED(bases_beyond_the_ring_are_refused),
	CONTROL_TEST_PACKED(bases_in_the_ring_are_kept),
};

CONTROL_MAIN_QUIET(300, tests)
