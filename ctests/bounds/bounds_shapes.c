/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Rings full of chains, each kind of which is the worst for something. */
#include "bounds.h"

#include "guest_packed.h"

#define PAGE 4096u

/** An address that no guest here has. */
#define NOWHERE (1ULL << 50)

/** Pages that one descriptor names in vain: one more, and the list of misses is full. */
#define PAGES_IN_VAIN 31

const struct bounds_shape bounds_shapes[] = {
	{ "64 bytes", 1, false, 76, 0, GOOD, 64, .where = ANYWHERE },
	{ "64 bytes, table of 1", 1, true, 76, 0, GOOD, 64, .where = ANYWHERE },
	{ "1,500 bytes", 1, false, 1512, 0, GOOD, 1500, .where = ANYWHERE },
	{ "65,557 bytes, in one buffer", 1, false, 65569, 0, GOOD, 65557, .where = ANYWHERE,
	  .core = true },
	{ "65,557 bytes to sum up", 1, false, 65569, 0, GOOD, 65557, .where = FROM_GUEST,
	  .sums = true },
	{ "chain of 1,024, 1 byte each", 1024, false, 12, 1, GOOD, 1023, .where = ANYWHERE },
	{ "table of 1,024, 1 byte each", 1024, true, 12, 1, GOOD, 1023, .where = ANYWHERE },
	{ "table of 1,024, header in 12 pieces", 1024, true, 1, 1, GOOD, 1012,
	  .where = ANYWHERE },
	{ "table of 1,024, 63 bytes each", 1024, true, 12, 63, GOOD, 64449, .where = ANYWHERE,
	  .core = true },
	{ "table of 1,024, crossing", 1024, true, 12, 63, GOOD, 64449, true, .where = ANYWHERE,
	  .core = true },
	{ "table of 516 in 3 regions, crossing", 516, true, 12, 63, GOOD, 32445, true,
	  .where = WITH_SLOTS, .scattered = true },
	{ "table of 1,024 in 4 regions, 1 byte each", 1024, true, 12, 1, GOOD, 1023,
	  .where = WITH_SLOTS, .scattered = true },
	{ "table of 1,024 in 4 regions, last is a table", 1024, true, 12, 1, NESTED, 1023,
	  .where = WITH_SLOTS, .scattered = true },
	{ "table of 1,024, empty but for 2", 1024, true, 76, 0, GOOD, 64, .where = ANYWHERE },
	{ "table of 1,024, last unmapped", 1024, true, 12, 1, UNMAPPED, 1023, .where = ANYWHERE,
	  .core = true },
	{ "chain of 1,024, last unmapped", 1024, false, 12, 1, UNMAPPED, 1023,
	  .where = ANYWHERE },
	{ "table of 1,024, crossing, last unmapped", 1024, true, 12, 63, UNMAPPED, 64449, true,
	  .where = ANYWHERE },
	{ "table of 1,024, last is a table", 1024, true, 12, 1, NESTED, 1023, .where = ANYWHERE },
	{ "table of 1,024, crossing, last is a table", 1024, true, 12, 63, NESTED, 1023, true,
	  .where = ANYWHERE,
	  .core = true },
	{ "table of 516 in 3 regions, crossing, last is a table", 516, true, 12, 63, NESTED,
	  1023, true, .where = WITH_SLOTS, .scattered = true },
	{ "table of 1,024, last the wrong way", 1024, true, 12, 1, WRONG_WAY, 1023,
	  .where = ANYWHERE },
	{ "table of 1,024, a loop", 1024, true, 12, 1, ENDLESS, 1023, .where = ON_SPLIT },
	{ "table of 1,024, each the same 31 unknown pages", 1024, true, PAGES_IN_VAIN * PAGE,
	  PAGES_IN_VAIN * PAGE, UNKNOWN, 1023, .where = WITH_IOMMU },
	{ "chain of 1,024, each the same 31 unknown pages", 1024, false, PAGES_IN_VAIN * PAGE,
	  PAGES_IN_VAIN * PAGE, UNKNOWN, 1023, .where = WITH_IOMMU,
	  .core = true },
	{ "chain of 8, each the same 31 unknown pages", 8, false, PAGES_IN_VAIN * PAGE,
	  PAGES_IN_VAIN * PAGE, UNKNOWN, 1023, .where = WITH_IOMMU },
	{ "1 descriptor, 4 GiB of unknown pages", 1, false, UINT32_MAX, 0, UNKNOWN, 64,
	  .where = WITH_IOMMU,
	  .core = true },
	{ "1 descriptor, unmapped", 1, false, 76, 0, UNMAPPED, 64, .where = ANYWHERE },
	{ "header alone", 1, false, 12, 0, GOOD, 64, .where = FROM_GUEST },
	{ "header cut", 1, false, 11, 0, GOOD, 64, .where = ANYWHERE },
	{ "table of 1,025", 1025, true, 12, 1, GOOD, 1024, .where = ANYWHERE },
	{ "chain of 32,768", 32768, false, 12, 1, GOOD, 1023, .where = ANYWHERE },
	{ "chain of 32,768, first unmapped", 32768, false, 12, 1, UNMAPPED_FIRST, 1023,
	  .where = ON_PACKED },
	{ "chain that never ends", 32768, false, 12, 1, ENDLESS, 1023, .where = ANYWHERE },
	{ "chain that never ends, ring of 256", 256, false, 12, 1, ENDLESS, 255, false, 256,
	  .where = ANYWHERE },
	{ "buffers of 13 bytes", 1, false, 13, 0, GOOD, 12000, .where = TO_GUEST,
	  .core = true },
	{ "buffers of 13 bytes, never enough", 1, false, 13, 0, GOOD, 65000, .where = TO_GUEST },
	{ "buffers of 13 bytes, one in 1,000 unmapped", 1, false, 13, 0, RARE, 65000,
	  .where = TO_GUEST },
	{ "index ahead by the ring and 1", 1, false, 76, 0, JUMP, 64, .where = ON_SPLIT },
};

const size_t bounds_shape_count = CONTROL_COUNT(bounds_shapes);

bool bounds_fits(const struct bounds_world *world, const struct bounds_shape *shape)
{
	unsigned int where = shape->where, memory = world->memory;

	return !((where & ON_SPLIT && world->packed) || (where & ON_PACKED && !world->packed) ||
		 (where & FROM_GUEST && world->to_guest) ||
		 (where & TO_GUEST && !world->to_guest) ||
		 (where & WITH_IOMMU && !(memory & BOUNDS_IOMMU)) ||
		 (where & WITH_SLOTS && (memory & BOUNDS_IOMMU || !(memory & BOUNDS_SLOTS))));
}

static uint16_t flags_of(const struct bounds_world *world, const struct bounds_shape *shape,
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

static uint64_t address_of(const struct bounds_world *world, const struct bounds_shape *shape,
			   uint32_t entry)
{
	/* 701 and the pages' number have no factor in common: far from one another. */
	uint64_t page = world->pages[entry * 701 % (BOUNDS_PAGES - 1)];
	bool isLast = entry == shape->entries - 1;

	if ((isLast && shape->ending == UNMAPPED) || shape->ending == UNKNOWN ||
	    (entry == 0 && shape->ending == UNMAPPED_FIRST))
		return NOWHERE;
	if (shape->first > PAGE)
		return world->data.gpa;
	return shape->crosses ? page + PAGE - 20 : page + 128;
}

/** The indirect table of all chains. @return where the guest has it. */
static uint64_t fill_table(struct bounds_world *world, const struct bounds_shape *shape)
{
	const struct guest_area *area = shape->scattered ? &world->slots : &world->table;

	for (uint32_t i = 0; shape->indirect && i < shape->entries; i++) {
		uint64_t addr = address_of(world, shape, i);
		uint32_t length = i == 0 ? shape->first : shape->rest;
		uint16_t flags = flags_of(world, shape, i);
		uint16_t next = (uint16_t)((i + 1) % shape->entries);

		if (world->packed)
			((struct vring_packed_desc *)area->host)[i] =
				(struct vring_packed_desc){ addr, length, 0, flags };
		else
			((struct vring_desc *)area->host)[i] =
				(struct vring_desc){ addr, length, flags, next };
	}
	return area->gpa;
}

/** Write the ring's descriptor so many slots behind @p start; packed: @p next is its id. */
static void descriptor(struct bounds_world *world, uint16_t start, uint32_t offset,
		       struct vring_desc desc)
{
	struct guest_queue *queue = world->queue;
	uint32_t slot = (start & 0x7fff) + offset;
	bool lap = start >> 15;

	if (!world->packed) {
		queue->ring.split.descriptors[offset] = desc;
		return;
	}
	if (slot >= queue->size) {
		slot -= queue->size;
		lap = !lap;
	}
	queue->ring.packed.descriptors[slot] = (struct vring_packed_desc){ desc.addr, desc.len,
		desc.next, (uint16_t)(desc.flags |
				      (lap ? GUEST_PACKED_AVAIL : GUEST_PACKED_USED)) };
}

/** One chain into the ring. */
static void fill_chain(struct bounds_world *world, const struct bounds_shape *shape,
		       uint16_t start, uint32_t slot, uint64_t table)
{
	uint16_t way = world->to_guest ? VRING_DESC_F_WRITE : 0;

	if (shape->indirect) {
		descriptor(world, start, slot, (struct vring_desc){ table, shape->entries * 16,
			   VRING_DESC_F_INDIRECT | way, (uint16_t)slot });
		return;
	}
	for (uint32_t i = 0; i < shape->entries; i++) {
		bool isRare = shape->ending == RARE && slot % 1000 == 999;

		descriptor(world, start, slot + i, (struct vring_desc){
			isRare ? NOWHERE : address_of(world, shape, i),
			i == 0 ? shape->first : shape->rest, flags_of(world, shape, i),
			world->packed ? (uint16_t)slot : (uint16_t)((i + 1) % shape->entries) });
	}
}

/** A header with NEEDS_CSUM and a packet of a protocol whose checksum no flag names. */
static void fill_header(uint8_t *bytes)
{
	bytes[0] = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	bytes[6] = 14;
	bytes += 12;
	bytes[12] = 0x08;
	bytes[14] = 0x45;
	bytes[23] = 253;
}

void bounds_fill(struct bounds_world *world, const struct bounds_shape *shape)
{
	uint32_t size = world->queue->size, length = shape->indirect ? 1 : shape->entries;
	uint64_t table = fill_table(world, shape);
	struct vring_avail *available = world->queue->ring.split.available;
	uint16_t start, used;

	assert_int_equal(rte_vhost_get_vring_base(world->iommu.device.vid,
						  (uint16_t)world->queue->index, &start, &used),
			 0);
	/* Nothing is on its way. */
	assert_int_equal(start, used);
	if (shape->sums)
		fill_header(world->data.host);
	if (world->packed) {
		assert_int_equal(size % length, 0);
		for (uint32_t slot = 0; slot < size; slot += length)
			fill_chain(world, shape, start, slot, table);
		return;
	}
	/* Split: all heads name one chain, or two. */
	fill_chain(world, shape, 0, 0, table);
	if (shape->ending == RARE)
		fill_chain(world, shape, 0, 999, table);
	for (uint32_t i = 0; i < size; i++)
		available->ring[(start + i) % size] =
			shape->ending == RARE && i % 1000 == 999 ? 999 : 0;
	__atomic_store_n(&available->idx,
			 (uint16_t)(start + size + (shape->ending == JUMP ? 1 : 0)),
			 __ATOMIC_RELEASE);
}
