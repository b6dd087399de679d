/* SPDX-License-Identifier: BSD-3-Clause */

/* SET_VRING_*: indexes, sizes and addresses that no frontend may send. */
#define _GNU_SOURCE
#include "control.h"

#include "guest_packed.h"

static struct control_stage stage;

static struct guest_frontend *frontend(void)
{
	return &stage.target.guest->frontend;
}

static void high_indexes_are_refused(void **state)
{
	static const uint32_t indexes[] = { 256, 257, 0x10000, 0x10001, 0x80000000, 0x80000001,
					    0xfffffffe, 0xffffffff };
	static const uint32_t requests[] = { GUEST_SET_VRING_NUM, GUEST_SET_VRING_ADDR,
					     GUEST_SET_VRING_BASE, GUEST_GET_VRING_BASE,
					     GUEST_SET_VRING_ENABLE };
	int socket;

	(void)state;
	control_stage_begin(&stage, "index");
	socket = control_negotiate(&stage.target);
	for (size_t i = 0; i < CONTROL_COUNT(indexes); i++)
		for (size_t j = 0; j < CONTROL_COUNT(requests); j++) {
			uint32_t payload[10] = { indexes[i], 1 };

			assert_int_equal(control_ask(socket, requests[j], payload,
						     control_payload_size(requests[j]), -1), 1);
		}
	/* None of them made a queue. */
	for (int vid = 0; vid < 4; vid++)
		assert_in_range(rte_vhost_get_vring_num(vid), 0, 2);
	close(socket);
	control_stage_end(&stage);
}

static void high_bits_beside_the_index_are_refused(void **state)
{
	static const uint64_t words[] = { 0x200, 0x400, 0x8000, 0x10000, 1ULL << 31, 1ULL << 32,
					  1ULL << 63, ~0xffULL };
	int socket;

	(void)state;
	control_stage_begin(&stage, "bits");
	socket = control_negotiate(&stage.target);
	for (size_t i = 0; i < CONTROL_COUNT(words); i++)
		for (uint32_t request = GUEST_SET_VRING_KICK; request <= GUEST_SET_VRING_ERR;
		     request++) {
			uint64_t word = words[i] | GUEST_VRING_NOFD | 1;

			assert_int_equal(control_ask(socket, request, &word, 8, -1), 1);
		}
	close(socket);
	control_stage_end(&stage);
}

/* The highest index that kick, call and err can name; CVE-2020-10723. */
static void index_255_is_survived(void **state)
{
	(void)state;
	control_stage_begin(&stage, "last");
	for (uint32_t request = GUEST_SET_VRING_KICK; request <= GUEST_SET_VRING_ERR; request++) {
		uint64_t word = 0x1ff;
		int socket = control_negotiate(&stage.target);

		assert_true(control_ask(socket, request, &word, 8, -1) >= 0);
		close(socket);
	}
	control_stage_end(&stage);
}

/* virtio 1.2, 2.7: split rings have powers of two; 2.8.10.1: packed ones any number. */
static void wrong_sizes_are_refused(void **state)
{
	static const uint32_t sizes[] = { 0, 32769, 65535, 65536, 65792, 1 << 20, 0x80000000,
					  0x80000100, 0xffffffff };
	static const uint32_t odd_sizes[] = { 3, 5, 6, 255, 257, 1000, 32767 };
	int socket;

	(void)state;
	control_stage_begin(&stage, "num");
	socket = control_negotiate(&stage.target);
	for (uint32_t index = 0; index < 4; index++) {
		for (size_t i = 0; i < CONTROL_COUNT(sizes); i++) {
			uint32_t payload[2] = { index, sizes[i] };

			assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, payload, 8, -1),
					 1);
		}
		for (size_t i = 0; i < CONTROL_COUNT(odd_sizes); i++) {
			uint32_t payload[2] = { index, odd_sizes[i] };

			assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, payload, 8, -1),
					 !control_is_packed());
		}
		for (uint32_t size = 1; size <= 32768; size *= 2) {
			uint32_t payload[2] = { index, size };

			assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, payload, 8, -1),
					 0);
		}
	}
	close(socket);
	control_stage_end(&stage);
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

static void a_running_ring_keeps_its_size_and_base(void **state)
{
	(void)state;
	control_stage_begin(&stage, "running");
	control_attach(&stage.target, NULL);
	for (uint32_t index = 0; index < 2; index++) {
		assert_int_equal(guest_set_vring_num(frontend(), index, 512), -EREMOTEIO);
		assert_int_equal(guest_set_vring_num(frontend(), index, 0), -EREMOTEIO);
		assert_int_equal(guest_set_vring_base(frontend(), index, 100), -EREMOTEIO);
	}
	control_send_good(&stage.target, 1);
	control_receive_good(&stage.target, 2);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

/* A second SET_VRING_NUM before the ring starts counts, larger or smaller. */
static void size_changes_before_the_start(void **state)
{
	struct guest *guest;

	(void)state;
	control_stage_begin(&stage, "resized");
	control_attach(&stage.target, NULL);
	guest = stage.target.guest;
	for (uint32_t size = 2; size <= 32768; size *= 4) {
		assert_int_equal(guest_stop(guest), 0);
		assert_int_equal(guest_set_vring_num(frontend(), 0, size), 0);
		assert_int_equal(guest_set_vring_num(frontend(), 1, size), 0);
		assert_int_equal(guest_start(guest), 0);
		control_send_good(&stage.target, size);
		control_receive_good(&stage.target, size);
	}
	control_detach(&stage.target);
	control_stage_end(&stage);
}

struct wrong_address {
	const char *name;
	int64_t descriptors, available, used;	/**< Moved by so much. */
};

static const struct wrong_address wrong_addresses[] = {
	{ "descriptors by 8", 8, 0, 0 },
	{ "descriptors by 1", 1, 0, 0 },
	{ "available by 1", 0, 1, 0 },
	{ "used by 2", 0, 0, 2 },
	{ "used by 1", 0, 0, 1 },
	{ "descriptors far", 1LL << 40, 0, 0 },
	{ "available far", 0, 1LL << 40, 0 },
	{ "used far", 0, 0, 1LL << 40 },
	{ "descriptors before", -(1LL << 40), 0, 0 },
	{ "descriptors wrap", INT64_MIN, 0, 0 },
};

static void wrong_addresses_are_refused(void **state)
{
	struct guest_vring_addr good, bad;

	(void)state;
	control_stage_begin(&stage, "addresses");
	control_attach(&stage.target, NULL);
	for (uint32_t index = 0; index < 2; index++)
		for (size_t i = 0; i < CONTROL_COUNT(wrong_addresses); i++) {
			const struct wrong_address *wrong = &wrong_addresses[i];

			guest_ring_addr(&stage.target.guest->queues[index], &good);
			bad = good;
			bad.descriptors += (uint64_t)wrong->descriptors;
			bad.available += (uint64_t)wrong->available;
			bad.used += (uint64_t)wrong->used;
			if (guest_set_vring_addr(frontend(), &bad) != -EREMOTEIO)
				fail_msg("%s was taken", wrong->name);
			/* The next message works: the ring goes on where it was. */
			assert_int_equal(guest_set_vring_addr(frontend(), &good), 0);
			control_send_good(&stage.target, i);
			control_receive_good(&stage.target, i);
		}
	control_detach(&stage.target);
	control_stage_end(&stage);
}

/* Parts of a ring that begin in memory and end behind it, by 2 bytes or more. */
static void rings_beyond_the_end_are_refused(void **state)
{
	const struct guest_region *region;
	struct guest_vring_addr good, bad;
	uint64_t end;

	(void)state;
	control_stage_begin(&stage, "beyond");
	control_attach(&stage.target, NULL);
	region = &stage.target.guest->memory.regions[0];
	end = (uintptr_t)region->host + region->size;
	guest_ring_addr(&stage.target.guest->queues[1], &good);
	for (int part = 0; part < 3; part++)
		for (uint64_t bytes = 16; bytes <= 4096; bytes *= 2) {
			static const uint64_t whole[3] = { 256 * 16, 256 * 2 + 6, 256 * 8 + 6 };

			/* The others of a packed ring are as large as their alignment. */
			if (bytes >= whole[part] || (part > 0 && control_is_packed()))
				continue;
			bad = good;
			*(part == 0 ? &bad.descriptors : part == 1 ? &bad.available : &bad.used) =
				end - bytes;
			assert_int_equal(guest_set_vring_addr(frontend(), &bad), -EREMOTEIO);
		}
	assert_int_equal(guest_set_vring_addr(frontend(), &good), 0);
	control_send_good(&stage.target, 1);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

/* Two regions that follow each other in the frontend's addresses, but not here. */
static void rings_over_two_regions_are_refused(void **state)
{
	struct guest_mem_table table;
	struct guest_vring_addr good, bad;
	int fds[GUEST_WIRE_FDS];
	struct guest_config config;

	(void)state;
	control_stage_begin(&stage, "crossing");
	guest_config_init(&config);
	config.region_count = 2;
	control_attach(&stage.target, &config);
	guest_describe_memory(stage.target.guest, &table, fds);
	table.regions[1].user_addr = table.regions[0].user_addr + table.regions[0].size;
	assert_int_equal(guest_set_mem_table(frontend(), &table, fds), 0);
	guest_ring_addr(&stage.target.guest->queues[1], &good);
	for (int part = 0; part < (control_is_packed() ? 1 : 3); part++) {
		bad = good;
		*(part == 0 ? &bad.descriptors : part == 1 ? &bad.available : &bad.used) =
			table.regions[1].user_addr - 256;
		assert_int_equal(guest_set_vring_addr(frontend(), &bad), -EREMOTEIO);
	}
	assert_int_equal(guest_set_vring_addr(frontend(), &good), 0);
	control_send_good(&stage.target, 1);
	control_detach(&stage.target);
	control_stage_end(&stage);
}

/* Parts that overlap each other: the guest harms itself and nobody else. */
static void overlapping_parts_are_survived(void **state)
{
	static const struct guest_shape shape;
	struct guest_vring_addr addr;
	struct rte_mbuf *mbufs[32];
	uint8_t frame[64] = { 0 };

	(void)state;
	control_stage_begin(&stage, "overlapping");
	for (int offset = 0; offset < 64; offset += 4) {
		control_attach(&stage.target, NULL);
		guest_ring_addr(&stage.target.guest->queues[1], &addr);
		addr.used = addr.descriptors + (uint64_t)offset;
		addr.available = addr.descriptors + (uint64_t)(offset % 8);
		guest_set_vring_addr(frontend(), &addr);
		for (int i = 0; i < 200; i++) {
			uint16_t got;

			guest_tx(guest_tx_queue(stage.target.guest, 0), frame, 64, &shape);
			guest_submit(guest_tx_queue(stage.target.guest, 0));
			got = rte_vhost_dequeue_burst(stage.target.vid, 1, control_pool(), mbufs,
						      32);
			rte_pktmbuf_free_bulk(mbufs, got);
		}
		control_detach(&stage.target);
		control_assert_pool();
	}
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(high_indexes_are_refused),
	CONTROL_TEST(high_bits_beside_the_index_are_refused),
	CONTROL_TEST(index_255_is_survived),
	CONTROL_TEST(wrong_sizes_are_refused),
	CONTROL_TEST_SPLIT(bases_and_enables_out_of_range_are_refused),
	CONTROL_TEST_PACKED(bases_beyond_the_ring_are_refused),
	CONTROL_TEST_PACKED(bases_in_the_ring_are_kept),
	CONTROL_TEST(a_running_ring_keeps_its_size_and_base),
	CONTROL_TEST(size_changes_before_the_start),
	CONTROL_TEST(wrong_addresses_are_refused),
	CONTROL_TEST(rings_beyond_the_end_are_refused),
	CONTROL_TEST(rings_over_two_regions_are_refused),
	CONTROL_TEST(overlapping_parts_are_survived),
};

CONTROL_MAIN_QUIET(300, tests)
