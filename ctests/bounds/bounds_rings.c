/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * hostile.md, Guest: "one queue that always has work: bounded work a call". The most instructions
 * of one call, beside those of a call for ordinary packets: per ring format, direction, way of
 * copying and kind of memory.
 */
#include "bounds.h"

#include "guest_packed.h"

#define PAGE 4096u

/** Chains of one call: as many as packets, and to the guest 64 bad ones more. */
#define MOST_CHAINS (BOUNDS_BURST + 64)

/** Descriptors that are looked at for one packet: the longest list, and as many as 8 regions. */
#define MOST_DESCRIPTORS 1032

/** Borders of pages that buffers of one packet may cross behind an IOMMU. */
#define MOST_CROSSINGS 1024

/** How the last descriptor of a chain is. */
enum ending { GOOD, UNMAPPED, NESTED, WRONG_WAY, ENDLESS, JUMP };

/** All chains of a ring. */
struct shape {
	const char *name;
	uint32_t entries;		/**< Descriptors of a chain. */
	bool indirect;
	uint32_t first, rest;		/**< Bytes of the first one, and of each of the others. */
	enum ending ending;
	uint32_t packet;		/**< To the guest: bytes of each packet. */
	bool crosses;			/**< Each descriptor crosses a border of pages. */
	uint32_t ring;			/**< Entries of the ring, 0 for the most. */
};

static const struct shape shapes[] = {
	{ "64 bytes", 1, false, 76, 0, GOOD, 64, false, 0 },
	{ "64 bytes, table of 1", 1, true, 76, 0, GOOD, 64, false, 0 },
	{ "1,500 bytes", 1, false, 1512, 0, GOOD, 1500, false, 0 },
	{ "chain of 1,024, 1 byte each", 1024, false, 12, 1, GOOD, 1023, false, 0 },
	{ "table of 1,024, 1 byte each", 1024, true, 12, 1, GOOD, 1023, false, 0 },
	{ "table of 1,024, 63 bytes each", 1024, true, 12, 63, GOOD, 64449, false, 0 },
	{ "table of 1,024, crossing pages", 1024, true, 12, 63, GOOD, 64449, true, 0 },
	{ "table of 1,024, empty but for 2", 1024, true, 76, 0, GOOD, 64, false, 0 },
	{ "table of 1,024, last unmapped", 1024, true, 12, 1, UNMAPPED, 1023, false, 0 },
	{ "chain of 1,024, last unmapped", 1024, false, 12, 1, UNMAPPED, 1023, false, 0 },
	{ "table of 1,024, crossing, last unmapped", 1024, true, 12, 63, UNMAPPED, 64449, true, 0 },
	{ "table of 1,024, last is a table", 1024, true, 12, 1, NESTED, 1023, false, 0 },
	{ "table of 1,024, last the wrong way", 1024, true, 12, 1, WRONG_WAY, 1023, false, 0 },
	{ "1 descriptor, unmapped", 1, false, 76, 0, UNMAPPED, 64, false, 0 },
	{ "table of 1,025", 1025, true, 12, 1, GOOD, 1024, false, 0 },
	{ "chain that never ends", 32768, false, 12, 1, ENDLESS, 1023, false, 0 },
	{ "chain that never ends, ring of 256", 256, false, 12, 1, ENDLESS, 255, false, 256 },
	{ "buffers of 13 bytes", 1, false, 13, 0, GOOD, 12000, false, 0 },
	{ "buffers of 13 bytes, never enough", 1, false, 13, 0, GOOD, 65000, false, 0 },
	{ "index ahead by the ring and 1", 1, false, 76, 0, JUMP, 64, false, 0 },
};

static uint16_t flags_of(const struct bounds_world *world, const struct shape *shape,
			 uint32_t entry)
{
	uint16_t flags = world->to_guest ? VRING_DESC_F_WRITE : 0;
	bool isLast = entry == shape->entries - 1;

	if (!isLast || shape->ending == ENDLESS)
		flags |= VRING_DESC_F_NEXT;
	if (isLast && shape->ending == NESTED)
		flags = VRING_DESC_F_INDIRECT;
	if (isLast && shape->ending == WRONG_WAY)
		flags ^= VRING_DESC_F_WRITE;
	return flags;
}

static uint64_t address_of(const struct bounds_world *world, const struct shape *shape,
			   uint32_t entry)
{
	/* 700 and the pages' number have no factor in common but 100: far from one another. */
	uint64_t page = world->pages[entry * 701 % (BOUNDS_PAGES - 1)];

	if (entry == shape->entries - 1 && shape->ending == UNMAPPED)
		return 1ULL << 50;
	return shape->crosses ? page + PAGE - 20 : page + 128;
}

/** The ring is full of chains of a shape. @return chains. */
static uint32_t fill(struct bounds_world *world, const struct shape *shape)
{
	uint32_t size = world->queue->size, count = 0;
	uint16_t way = world->to_guest ? VRING_DESC_F_WRITE : 0;

	for (uint32_t i = 0; shape->indirect && i < shape->entries; i++) {
		uint64_t addr = address_of(world, shape, i);
		uint32_t length = i == 0 ? shape->first : shape->rest;
		uint16_t flags = flags_of(world, shape, i);

		if (world->packed)
			((struct vring_packed_desc *)world->table.host)[i] =
				(struct vring_packed_desc){ addr, length, 0, flags };
		else
			((struct vring_desc *)world->table.host)[i] =
				(struct vring_desc){ addr, length, flags, (uint16_t)(i + 1) };
	}
	/* Split: one chain, which all heads name. Packed: one after the other. */
	for (uint32_t slot = 0; slot < size; count++) {
		uint32_t length = shape->indirect ? 1 : shape->entries;

		if (slot + length > size && (world->packed || slot == 0))
			break;
		/* Split: all heads name the one direct chain. */
		if (!world->packed && !shape->indirect && slot > 0)
			length = 0;
		for (uint32_t i = 0; i < length; i++) {
			uint16_t flags = shape->indirect ? VRING_DESC_F_INDIRECT | way
				: flags_of(world, shape, i);
			uint64_t addr = shape->indirect ? world->table.gpa
				: address_of(world, shape, i);
			uint32_t bytes = shape->indirect ? shape->entries * 16
				: i == 0 ? shape->first : shape->rest;
			uint16_t next = world->packed ? (uint16_t)slot
				: (uint16_t)((i + 1) % shape->entries);

			bounds_descriptor(world, slot + i, addr, bytes, flags, next);
		}
		slot += world->packed ? length : 1;
	}
	if (!world->packed)
		memset(world->queue->ring.split.available->ring, 0, size * 2);
	bounds_publish(world, shape->ending == JUMP ? size + 1 : count);
	return count;
}

/** A packet for the guest, of as many mbufs as it takes. */
static struct rte_mbuf *packet_of(uint32_t size)
{
	return control_iommu_frame(size, 0);
}

/** One call that gives packets to the guest. @return its instructions. */
static uint64_t give(struct bounds_world *world, const struct shape *shape, uint32_t *moved)
{
	struct rte_mbuf *mbufs[BOUNDS_BURST], *done[BOUNDS_BURST];
	int vid = world->iommu.device.vid;
	uint64_t cost, second;
	uint32_t back = 0;
	uint16_t taken;

	for (int i = 0; i < BOUNDS_BURST; i++)
		mbufs[i] = packet_of(shape->packet);
	bounds_count_begin();
	taken = world->async
		? rte_vhost_submit_enqueue_burst(vid, 0, mbufs, BOUNDS_BURST, done, &back)
		: rte_vhost_enqueue_burst(vid, 0, mbufs, BOUNDS_BURST);
	cost = bounds_count_end();
	*moved = taken;
	rte_pktmbuf_free_bulk(mbufs + taken, BOUNDS_BURST - taken);
	if (!world->async) {
		rte_pktmbuf_free_bulk(mbufs, taken);
		return cost;
	}
	rte_pktmbuf_free_bulk(done, back);
	bounds_count_begin();
	taken = rte_vhost_poll_enqueue_completed(vid, 0, done, BOUNDS_BURST);
	second = bounds_count_end();
	rte_pktmbuf_free_bulk(done, taken);
	return cost > second ? cost : second;
}

/** One call that takes packets from the guest. @return its instructions. */
static uint64_t take(struct bounds_world *world, uint32_t *moved)
{
	struct rte_mbuf *mbufs[BOUNDS_BURST];
	int vid = world->iommu.device.vid, inflight;
	uint64_t cost;
	uint16_t got;

	bounds_count_begin();
	got = world->async
		? rte_vhost_async_try_dequeue_burst(vid, 1, control_pool(), mbufs, BOUNDS_BURST,
						    &inflight)
		: rte_vhost_dequeue_burst(vid, 1, control_pool(), mbufs, BOUNDS_BURST);
	cost = bounds_count_end();
	*moved = got;
	rte_pktmbuf_free_bulk(mbufs, got);
	return cost;
}

/** What one call may take: steps of chains, bytes, and what a burst takes anyway. */
static uint64_t allowed(const struct bounds_world *world, const struct shape *shape)
{
	bool translated = world->memory >= BOUNDS_IOMMU;
	uint64_t chains = world->to_guest ? MOST_CHAINS : BOUNDS_BURST;
	uint64_t steps = chains * (MOST_DESCRIPTORS + (translated ? MOST_CROSSINGS : 0));

	(void)shape;
	/* Twice what was seen, or more: about 350 and 720 with the most regions. */
	return 100000 + steps * (translated ? 1600 : 800);
}

static uint64_t worst_of(struct bounds_world *world, const struct shape *shape, uint32_t *packets)
{
	uint64_t worst = 0;
	uint32_t moved;

	bounds_open(world, shape->ring ? shape->ring : 32768);
	fill(world, shape);
	for (int call = 0; call < 3; call++) {
		uint64_t cost = world->to_guest ? give(world, shape, &moved) : take(world, &moved);

		if (cost > worst) {
			worst = cost;
			*packets = moved;
		}
	}
	bounds_close(world);
	return worst;
}

/** All shapes with one kind of ring and memory; one row each. */
static void measure(bool packed, bool async, bool to_guest, enum bounds_memory memory)
{
	uint64_t ordinary = 0, failures = 0;

	for (size_t i = 0; i < CONTROL_COUNT(shapes); i++) {
		struct bounds_world world = { .packed = packed, .async = async,
			.to_guest = to_guest, .memory = memory };
		uint64_t cost, bound = allowed(&world, &shapes[i]);
		uint32_t packets = 0;
		const char *only = getenv("BOUNDS_SHAPE");

		if ((shapes[i].ending == JUMP && packed) ||
		    (only && !strstr(shapes[i].name, only)))
			continue;
		cost = worst_of(&world, &shapes[i], &packets);
		if (i == 0)
			ordinary = cost;
		bounds_print("| %s | %s | %s | %s | %s | %u | %lu | %.1f | %lu |\n",
			     packed ? "packed" : "split", to_guest ? "to guest" : "from guest",
			     async ? "async" : "sync", bounds_memory_names[memory], shapes[i].name,
			     packets, cost, ordinary ? (double)cost / ordinary : 0.0, bound);
		if (cost > bound || cost == 0)
			failures++;
	}
	assert_int_equal(failures, 0);
}

/** BOUNDS=all: every combination; otherwise each kind of memory once, and each loop. */
static void most_of_one_call(void **state)
{
	const char *all = getenv("BOUNDS");

	(void)state;
	bounds_print("| ring | direction | copies | memory | ring full of | packets | instructions"
		     " | × ordinary | allowed |\n|---|---|---|---|---|---|---|---|---|\n");
	for (int kind = 0; kind < 8; kind++)
		for (int memory = BOUNDS_PLAIN; memory <= BOUNDS_IOMMU_SLOTS; memory++)
			if ((all && *all) || memory == (kind * 3 + 4) % 5)
				measure(kind & 1, kind & 2, kind & 4, (enum bounds_memory)memory);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(most_of_one_call),
};

int main(void)
{
	return bounds_main(tests, CONTROL_COUNT(tests));
}
