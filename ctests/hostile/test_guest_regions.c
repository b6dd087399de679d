/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Rows G01 and G02: what lies at the end of a region, and across two. */
#include <linux/virtio_config.h>

#include "hostile.h"

#define HEADER 12
#define PACKET (HEADER + HOSTILE_FRAME)

static const uint32_t insides[] = { 0, 1, 2, 10, 11, 12, 13, 14, 63, 100, PACKET - 1 };

/** Two regions, with a gap between them or side by side in the guest's address space. */
static void open_regions(struct hostile *hostile, uint64_t gap)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.guest.region_gap = gap;
	config.guest.manual_rx = true;
	hostile_open(hostile, &config);
}

/** In one descriptor, behind a good header, in front of a good frame; direct and in a table. */
static void drop_everywhere(struct hostile *hostile, struct guest_queue *queue, uint64_t addr,
			    uint32_t length, unsigned int fates)
{
	bool write = queue == hostile->bench->rx;
	const struct guest_slot *slot = &queue->slots.slots[queue->slots.count - 1];
	const struct guest_piece good = { slot->gpa, HEADER, write }, bad = { addr, length, write };
	const struct guest_piece chains[3][2] = { { bad, bad }, { good, bad }, { bad, good } };

	for (int indirect = 0; indirect < 2; indirect++)
		for (int i = 0; i < 3; i++)
			hostile_drop(hostile, queue, chains[i], i == 0 ? 1 : 2, indirect, fates);
}

static void G01_descriptor_leaves_its_region(struct hostile *hostile)
{
	open_regions(hostile, 1 << 20);
	for (unsigned int region = 0; region < 2; region++) {
		uint64_t end = hostile_end(hostile, region);
		uint64_t start = hostile->bench->guest->memory.regions[region].gpa;

		for (size_t i = 0; i < HOSTILE_COUNT(insides); i++)
			for (uint32_t queue = RX; queue <= TX; queue++) {
				struct guest_queue *at = &hostile->bench->guest->queues[queue];

				drop_everywhere(hostile, at, end - insides[i], PACKET,
						FATE_UNMAPPED);
				/* And one that begins outside. */
				drop_everywhere(hostile, at, start - 1 - insides[i], PACKET,
						FATE_UNMAPPED);
			}
	}
	hostile_good(hostile);
	hostile_close(hostile);
}

static void G01_descriptor_over_a_gap_or_all_of_memory(struct hostile *hostile)
{
	static const uint64_t sizes[] = { 7u << 20, 14u << 20, 0x7fffffff, 0x80000000, 0xffffffff };

	open_regions(hostile, 1 << 20);
	for (size_t i = 0; i < HOSTILE_COUNT(sizes); i++)
		for (uint32_t queue = RX; queue <= TX; queue++) {
			struct guest_queue *at = &hostile->bench->guest->queues[queue];
			uint64_t start = hostile->bench->guest->memory.regions[0].gpa;

			drop_everywhere(hostile, at, start, (uint32_t)sizes[i], FATE_UNMAPPED);
			drop_everywhere(hostile, at, 0, (uint32_t)sizes[i], FATE_UNMAPPED);
			drop_everywhere(hostile, at, UINT64_MAX - 15, (uint32_t)sizes[i],
					FATE_UNMAPPED);
			drop_everywhere(hostile, at, UINT64_MAX - sizes[i] + 1,
					(uint32_t)sizes[i], FATE_UNMAPPED);
		}
	hostile_good(hostile);
	hostile_close(hostile);
}

/* Side by side for the guest, apart on the host: the packet is whole, or it is dropped. */
static void G01_descriptor_crosses_two_regions(struct hostile *hostile)
{
	open_regions(hostile, 0);
	for (size_t i = 0; i < HOSTILE_COUNT(insides); i++)
		for (int indirect = 0; indirect < 2; indirect++) {
			uint64_t addr = hostile_end(hostile, 0) - insides[i];
			struct guest_piece from = { addr, PACKET, false }, to = from;

			to.write = true;
			hostile_stamp_at(hostile, addr, HOSTILE_FRAME);
			hostile_offer(hostile->bench->tx, &from, 1, indirect);
			assert_int_equal(hostile_take(hostile), 1);
			hostile_offer(hostile->bench->rx, &to, 1, indirect);
			hostile_receive_at(hostile, addr, HOSTILE_FRAME);
		}
	/* The second one's end is the end. */
	drop_everywhere(hostile, hostile->bench->tx, hostile_end(hostile, 1) - 100, PACKET,
			FATE_UNMAPPED);
	drop_everywhere(hostile, hostile->bench->rx, hostile_end(hostile, 1) - 100, PACKET,
			FATE_UNMAPPED);
	hostile_good(hostile);
	hostile_close(hostile);
}

/** A table of two good entries at an address, as far as there is memory. */
static void put_table(struct hostile *hostile, uint64_t table, bool write, uint64_t packet)
{
	struct guest_memory *memory = &hostile->bench->guest->memory;
	uint16_t flags = write ? VRING_DESC_F_WRITE : 0;

	if (hostile->packed) {
		struct vring_packed_desc entries[2] = { { packet, HEADER, 0, flags },
			{ packet + HEADER, HOSTILE_FRAME, 0, flags } };

		guest_memory_write(memory, table, entries, sizeof(entries));
	} else {
		struct vring_desc entries[2] = {
			{ packet, HEADER, flags | VRING_DESC_F_NEXT, 1 },
			{ packet + HEADER, HOSTILE_FRAME, flags, 0 } };

		guest_memory_write(memory, table, entries, sizeof(entries));
	}
}

static void drop_table(struct hostile *hostile, uint64_t table, uint32_t bytes,
		       uint64_t packet, unsigned int fates)
{
	struct hostile_counts before;
	uint64_t count;

	put_table(hostile, table, false, packet);
	hostile_count(hostile, TX, &before);
	hostile_offer_table(hostile->bench->tx, table, bytes);
	bench_send(hostile->bench, HOSTILE_FRAME, NULL);
	assert_int_equal(hostile_take(hostile), 1);
	assert_true(hostile_fates(hostile, TX, &before, &count) & fates);
	assert_int_equal(count, 1);
	assert_int_equal(hostile->bench->tx->in_flight, 0);
}

static void G01_table_leaves_its_region(struct hostile *hostile)
{
	struct guest_area area;

	open_regions(hostile, 1 << 20);
	hostile_area(hostile, 1, PACKET, &area);
	for (unsigned int region = 0; region < 2; region++) {
		uint64_t end = hostile_end(hostile, region);
		uint64_t start = hostile->bench->guest->memory.regions[region].gpa;

		for (uint32_t inside = 0; inside < 32; inside++)
			drop_table(hostile, end - inside, 32, area.gpa, FATE_UNMAPPED);
		for (uint32_t outside = 1; outside <= 33; outside++)
			drop_table(hostile, start - outside, 32, area.gpa, FATE_UNMAPPED);
	}
	drop_table(hostile, UINT64_MAX - 15, 32, area.gpa, FATE_UNMAPPED);
	drop_table(hostile, UINT64_MAX - 31, 32, area.gpa, FATE_UNMAPPED);
	drop_table(hostile, 0, 32, area.gpa, FATE_UNMAPPED);
	hostile_good(hostile);
	hostile_close(hostile);
}

static void G01_table_crosses_two_regions(struct hostile *hostile)
{
	struct guest_area area;

	open_regions(hostile, 0);
	hostile_area(hostile, 1, PACKET, &area);
	for (uint32_t inside = 0; inside <= 32; inside++) {
		uint64_t table = hostile_end(hostile, 0) - inside;

		/* An entry that is itself in two places is none that a driver makes. */
		if (inside % 16) {
			drop_table(hostile, table, 32, area.gpa, FATE_UNMAPPED);
			continue;
		}
		hostile_stamp_at(hostile, area.gpa, HOSTILE_FRAME);
		put_table(hostile, table, false, area.gpa);
		hostile_offer_table(hostile->bench->tx, table, 32);
		assert_int_equal(hostile_take(hostile), 1);
		put_table(hostile, table, true, area.gpa);
		hostile_offer_table(hostile->bench->rx, table, 32);
		for (uint32_t i = 0; i < hostile->bench->rx->size; i++)
			hostile->bench->rx->chains[i].capacity = PACKET;
		hostile_receive_at(hostile, area.gpa, HOSTILE_FRAME);
	}
	hostile_good(hostile);
	hostile_close(hostile);
}

/** Set up a ring with these addresses. @return the first refusal. */
static int send_ring(struct hostile *hostile, const struct guest_vring_addr *addr)
{
	struct guest_frontend *frontend = &hostile->bench->guest->frontend;
	struct guest_queue *queue = &hostile->bench->guest->queues[addr->index];
	int ret = guest_set_vring_addr(frontend, addr);

	if (ret == 0)
		ret = guest_set_vring_call(frontend, addr->index, queue->call_fd);
	if (ret == 0)
		ret = guest_set_vring_kick(frontend, addr->index, queue->kick_fd);
	return ret;
}

/** One of a ring's three parts at the end of a region with too few bytes left. */
static void refuse_ring(struct hostile *hostile, uint32_t index, int part, unsigned int region,
			uint64_t inside)
{
	struct guest *guest = hostile->bench->guest;
	const struct guest_region *at = &guest->memory.regions[region];
	uint64_t address = (uintptr_t)at->host + at->size - inside;
	struct guest_vring_addr addr;
	uint32_t base;

	assert_int_equal(guest_get_vring_base(&guest->frontend, index, &base), 0);
	guest_ring_addr(&guest->queues[index], &addr);
	*(part == 0 ? &addr.descriptors : part == 1 ? &addr.available : &addr.used) = address;
	assert_int_equal(send_ring(hostile, &addr), -EREMOTEIO);
	assert_int_equal(guest_send_ring(guest, index), 0);
}

static void G01_ring_leaves_its_region_or_crosses_two(struct hostile *hostile)
{
	static const uint64_t insides_of_rings[] = { 0, 16, 64, 512, 516, 2048, 4080 };

	for (uint64_t gap = 0; gap <= 1 << 20; gap += 1 << 20) {
		open_regions(hostile, gap);
		hostile_good(hostile);
		for (uint32_t i = 0; i < 2 * 2 * 3 * HOSTILE_COUNT(insides_of_rings); i++) {
			uint32_t part = i / 4 % 3, queue = i % 2;
			uint64_t inside = insides_of_rings[i / 12];

			/* Areas of events, and the available ring, are small. */
			if (inside > 64 && part > 0 && (hostile->packed || part == 1))
				inside = hostile->packed ? 0 : 512;
			if (inside > 0 && part > 0 && hostile->packed)
				inside = 0;
			if (inside > 2048 && part == 2)
				inside = 2048;
			hostile->bench->guest->queues[queue].base = bench_base(
				&hostile->bench->guest->queues[queue],
				(uint32_t)hostile->bench->guest->queues[queue].stats.used);
			refuse_ring(hostile, queue, (int)part, i / 2 % 2, inside);
		}
		hostile_restart(hostile);
		hostile_good(hostile);
		hostile_close(hostile);
	}
}

/* G02: the last byte of memory is as good as any other. */
static void G02_buffer_ends_at_the_last_byte(struct hostile *hostile)
{
	open_regions(hostile, 1 << 20);
	for (uint32_t size = 60; size < 4000; size += size < 70 ? 1 : 173)
		for (int form = 0; form < 8; form++) {
			uint32_t first = form & 2 ? HEADER : HEADER + size, second = size;
			uint64_t end = hostile_end(hostile, form & 4 ? 1 : 0);
			struct guest_piece pieces[2];
			uint32_t lengths[2] = { first, second };
			uint32_t count = form & 2 ? 2 : 1;

			hostile_stamp_at(hostile, end - HEADER - size, size);
			hostile_cut(pieces, end - HEADER - size, lengths, count, false);
			hostile_offer(hostile->bench->tx, pieces, count, form & 1);
			assert_int_equal(hostile_take(hostile), 1);
			if (size > 1900)
				continue;
			hostile_cut(pieces, end - HEADER - size, lengths, count, true);
			hostile_offer(hostile->bench->rx, pieces, count, form & 1);
			hostile_receive_at(hostile, end - HEADER - size, size);
		}
	hostile_good(hostile);
	hostile_close(hostile);
}

static void G02_table_ends_at_the_last_byte(struct hostile *hostile)
{
	struct guest_area area;

	open_regions(hostile, 1 << 20);
	hostile_area(hostile, 1, PACKET, &area);
	for (unsigned int region = 0; region < 2; region++) {
		uint64_t table = hostile_end(hostile, region) - 32;

		hostile_stamp_at(hostile, area.gpa, HOSTILE_FRAME);
		put_table(hostile, table, false, area.gpa);
		hostile_offer_table(hostile->bench->tx, table, 32);
		assert_int_equal(hostile_take(hostile), 1);
	}
	hostile_good(hostile);
	hostile_close(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(G01_descriptor_leaves_its_region),
	HOSTILE_TEST(G01_descriptor_over_a_gap_or_all_of_memory),
	HOSTILE_TEST(G01_descriptor_crosses_two_regions),
	HOSTILE_TEST(G01_table_leaves_its_region),
	HOSTILE_TEST(G01_table_crosses_two_regions),
	HOSTILE_TEST(G01_ring_leaves_its_region_or_crosses_two),
	HOSTILE_TEST(G02_buffer_ends_at_the_last_byte),
	HOSTILE_TEST(G02_table_ends_at_the_last_byte),
};

HOSTILE_MAIN(120, tests)
