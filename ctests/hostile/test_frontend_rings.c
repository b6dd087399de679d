/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Rows F04, F05, F06: indexes, sizes and addresses of rings that no frontend may send. */
#define _GNU_SOURCE
#include "front.h"

#include <sys/eventfd.h>

/** Messages whose payload begins with 32 bits of index. */
static const uint32_t indexed[] = { GUEST_SET_VRING_NUM, GUEST_SET_VRING_ADDR,
				    GUEST_SET_VRING_BASE, GUEST_GET_VRING_BASE,
				    GUEST_SET_VRING_ENABLE };

static void F04_high_indexes_in_each_message(struct hostile *hostile)
{
	static const uint32_t indexes[] = { 0x100,	0x101,	    0x200,	0x10000,
					    0x10001,	0x80000000, 0x80000001, 0xffffff00,
					    0xfffffffe, 0xffffffff };

	front_open(hostile, NULL);
	for (size_t i = 0; i < HOSTILE_COUNT(indexes); i++)
		for (size_t j = 0; j < HOSTILE_COUNT(indexed); j++) {
			uint32_t payload[10] = { indexes[i], 1 };

			front_load();
			front_refused(indexed[j], payload, control_payload_size(indexed[j]), -1);
		}
	/* None of them made a queue. */
	assert_int_equal(rte_vhost_get_vring_num(front.target->vid), 2);
	front_close(hostile);
}

static void F04_high_bits_beside_kick_call_and_err(struct hostile *hostile)
{
	static const uint64_t words[] = { 0x200,      0x400,	  0x8000,     0x10000,
					  1ULL << 31, 1ULL << 32, 1ULL << 63, ~0x1ffULL };
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	front_open(hostile, NULL);
	for (size_t i = 0; i < HOSTILE_COUNT(words); i++)
		for (uint32_t request = GUEST_SET_VRING_KICK; request <= GUEST_SET_VRING_ERR;
		     request++)
			for (uint64_t index = 0; index <= 0xff; index += 0xff) {
				uint64_t bare = words[i] | index | GUEST_VRING_NOFD;
				uint64_t with = words[i] | index;

				front_load();
				front_refused(request, &bare, 8, -1);
				front_refused(request, &with, 8, event);
			}
	assert_int_equal(rte_vhost_get_vring_num(front.target->vid), 2);
	front_close(hostile);
	close(event);
}

/* The highest index that kick, call and err can name. */
static void F04_kick_call_and_err_of_index_255(struct hostile *hostile)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	front_open(hostile, NULL);
	for (uint32_t request = GUEST_SET_VRING_KICK; request <= GUEST_SET_VRING_ERR; request++) {
		uint64_t bare = 0xff | GUEST_VRING_NOFD, with = 0xff;
		int socket;

		front_load();
		assert_true(front_ask(request, &bare, 8, -1) >= 0);
		front_load();
		assert_true(front_ask(request, &with, 8, event) >= 0);
		assert_true(front_ask(request, &bare, 8, -1) >= 0);
		/* On a connection that said nothing else. */
		socket = control_connect(&front.door);
		assert_int_equal(control_send(socket, request, 1, &with, 8, &event, 1), 0);
		control_finish(socket);
	}
	front_close(hostile);
	close(event);
}

static const uint32_t never[] = { 0,	   32769,   65535,	65536,	    65537,	65792,
				  1 << 20, 1 << 31, 0x80000100, 0xfffffffe, 0xffffffff };
static const uint32_t odd[] = { 3, 5, 6, 7, 255, 257, 1000, 32767 };

/* virtio 1.2, 2.7: split rings have powers of two; 2.8.10.1: packed ones any number. */
static void sizes_of_a_stopped_ring(struct hostile *hostile, int socket, uint32_t index)
{
	for (size_t i = 0; i < HOSTILE_COUNT(never); i++) {
		uint32_t payload[2] = { index, never[i] };

		assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, payload, 8, -1), 1);
	}
	for (size_t i = 0; i < HOSTILE_COUNT(odd); i++) {
		uint32_t payload[2] = { index, odd[i] };

		assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, payload, 8, -1),
				 !hostile->packed);
	}
	for (uint32_t size = 1; size <= 32768; size *= 2) {
		uint32_t payload[2] = { index, size };

		assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, payload, 8, -1), 0);
	}
}

static void F05_sizes_that_no_ring_has(struct hostile *hostile)
{
	int socket;

	front_open(hostile, NULL);
	socket = front_dial();
	for (uint32_t index = 0; index < 6; index++) {
		front_load();
		sizes_of_a_stopped_ring(hostile, socket, index);
		front_check();
	}
	close(socket);
	front_close(hostile);
}

static void F05_sizes_of_a_running_ring(struct hostile *hostile)
{
	front_open(hostile, NULL);
	for (uint32_t index = RX; index <= TX; index++) {
		for (size_t i = 0; i < HOSTILE_COUNT(never); i++) {
			front_load();
			front_refused(GUEST_SET_VRING_NUM, (uint32_t[]){ index, never[i] }, 8, -1);
		}
		for (uint32_t size = 1; size <= 32768; size *= 2) {
			front_load();
			front_refused(GUEST_SET_VRING_NUM, (uint32_t[]){ index, size }, 8, -1);
		}
		front_refused(GUEST_SET_VRING_BASE, (uint32_t[]){ index, 100 }, 8, -1);
	}
	front_close(hostile);
}

/*
 * The channels were made for a ring of 256. Stopped, the ring may get any size; it starts with the
 * last one, and what the channel holds must have that size as well.
 */
static void F05_sizes_after_a_channel_was_registered(struct hostile *hostile)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.ring_size = 256;
	front_open(hostile, &config);
	for (uint32_t size = 2; size <= 32768; size *= 8) {
		front_load();
		front_stop_rings();
		for (uint32_t index = RX; index <= TX; index++) {
			sizes_of_a_stopped_ring(hostile, front_frontend()->socket, index);
			assert_int_equal(guest_set_vring_num(front_frontend(), index, size), 0);
		}
		front_start_rings();
		for (int i = 0; i < 20; i++)
			front_load();
	}
	front_close(hostile);
}

/** A ring's parts, moved by so much. */
struct wrong_address {
	const char *name;
	int64_t descriptors, available, used;
};

static const struct wrong_address wrong_addresses[] = {
	{ "descriptors by 8", 8, 0, 0 },	 { "descriptors by 1", 1, 0, 0 },
	{ "available by 1", 0, 1, 0 },		 { "used by 2", 0, 0, 2 },
	{ "used by 1", 0, 0, 1 },		 { "descriptors far", 1LL << 40, 0, 0 },
	{ "available far", 0, 1LL << 40, 0 },	 { "used far", 0, 0, 1LL << 40 },
	{ "descriptors before", -(1LL << 40), 0, 0 },
	{ "all far", 1LL << 41, 1LL << 41, 1LL << 41 },
	{ "descriptors wrap", INT64_MIN, 0, 0 }, { "used wraps", 0, 0, INT64_MIN },
};

static void F06_unaligned_and_outside_of_memory(struct hostile *hostile)
{
	front_open(hostile, NULL);
	for (uint32_t index = RX; index <= TX; index++)
		for (size_t i = 0; i < HOSTILE_COUNT(wrong_addresses); i++) {
			const struct wrong_address *wrong = &wrong_addresses[i];
			struct guest_vring_addr good, bad;

			front_load();
			guest_ring_addr(&front.target->guest->queues[index], &good);
			bad = good;
			bad.descriptors += (uint64_t)wrong->descriptors;
			bad.available += (uint64_t)wrong->available;
			bad.used += (uint64_t)wrong->used;
			if (guest_set_vring_addr(front_frontend(), &bad) != -EREMOTEIO)
				fail_msg("%s was taken", wrong->name);
			/* The next message works: the ring goes on where it was. */
			assert_int_equal(guest_set_vring_addr(front_frontend(), &good), 0);
			front_load();
			front_settle();
		}
	front_close(hostile);
}

/** Part number @p part of a ring's addresses. */
static uint64_t *part_of(struct guest_vring_addr *addr, int part)
{
	return part == 0 ? &addr->descriptors : part == 1 ? &addr->available : &addr->used;
}

/* Parts of a ring that begin in memory and end behind it, by 2 bytes or more. */
static void F06_beyond_the_end_of_a_region(struct hostile *hostile)
{
	static const uint64_t whole[3] = { 256 * 16, 256 * 2 + 6, 256 * 8 + 6 };

	front_open(hostile, NULL);
	for (uint32_t region = 0; region < front.target->guest->memory.count; region++)
		for (int part = 0; part < (hostile->packed ? 1 : 3); part++)
			for (uint64_t bytes = 16; bytes < whole[part]; bytes *= 2) {
				const struct guest_region *in =
					&front.target->guest->memory.regions[region];
				struct guest_vring_addr good, bad;

				front_load();
				guest_ring_addr(front.target->tx, &good);
				bad = good;
				*part_of(&bad, part) = (uintptr_t)in->host + in->size - bytes;
				assert_int_equal(guest_set_vring_addr(front_frontend(), &bad),
						 -EREMOTEIO);
				assert_int_equal(guest_set_vring_addr(front_frontend(), &good), 0);
				front_load();
				front_check();
			}
	front_close(hostile);
}

/* Two regions that follow each other in the frontend's addresses, but not here. */
static void F06_over_two_regions(struct hostile *hostile)
{
	struct guest_mem_table table;
	struct guest_vring_addr good, bad;
	int fds[GUEST_WIRE_FDS];

	front_open(hostile, NULL);
	guest_describe_memory(front.target->guest, &table, fds);
	assert_int_equal(table.count, 2);
	guest_ring_addr(front.target->tx, &good);
	assert_in_range(good.descriptors, table.regions[0].user_addr,
			table.regions[0].user_addr + table.regions[0].size - 1);
	table.regions[1].user_addr = table.regions[0].user_addr + table.regions[0].size;
	front_load();
	assert_int_equal(guest_set_mem_table(front_frontend(), &table, fds), 0);
	front_learn();
	for (int part = 0; part < (hostile->packed ? 1 : 3); part++) {
		front_load();
		bad = good;
		*part_of(&bad, part) = table.regions[1].user_addr - 256;
		assert_int_equal(guest_set_vring_addr(front_frontend(), &bad), -EREMOTEIO);
		assert_int_equal(guest_set_vring_addr(front_frontend(), &good), 0);
		front_settle();
	}
	front_close(hostile);
}

/* Parts that overlap each other or another ring: the guest harms itself and nobody else. */
static void F06_over_its_neighbour(struct hostile *hostile)
{
	front_open(hostile, NULL);
	for (int offset = 0; offset < 64; offset += 4) {
		struct guest_vring_addr addr, other;
		struct rte_mbuf *mbufs[33];

		guest_ring_addr(front.target->tx, &addr);
		guest_ring_addr(front.target->rx, &other);
		front_load();
		if (offset < 32) {
			addr.used = addr.descriptors + (uint64_t)offset;
			addr.available = addr.descriptors + (uint64_t)(offset % 8);
		} else {
			addr.used = other.descriptors + (uint64_t)offset;
			addr.available = other.used + (uint64_t)(offset % 8);
		}
		guest_set_vring_addr(front_frontend(), &addr);
		for (int i = 0; i < 200; i++) {
			guest_submit(front.target->tx);
			rte_pktmbuf_free_bulk(mbufs, bench_dequeue_raw(front.target, mbufs, 32));
			engine_finish(&front.target->engines[TX], ENGINE_ALL);
		}
		hostile_check_innocent(hostile);
		front_revive();
	}
	front_close(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(F04_high_indexes_in_each_message),
	HOSTILE_TEST(F04_high_bits_beside_kick_call_and_err),
	HOSTILE_TEST(F04_kick_call_and_err_of_index_255),
	HOSTILE_TEST(F05_sizes_that_no_ring_has),
	HOSTILE_TEST(F05_sizes_of_a_running_ring),
	HOSTILE_TEST(F05_sizes_after_a_channel_was_registered),
	HOSTILE_TEST(F06_unaligned_and_outside_of_memory),
	HOSTILE_TEST(F06_beyond_the_end_of_a_region),
	HOSTILE_TEST(F06_over_two_regions),
	HOSTILE_TEST(F06_over_its_neighbour),
};

HOSTILE_MAIN(front_times(3600, 300), tests)
