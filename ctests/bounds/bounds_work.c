/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * What a call has to do at most, counted from what the library limits: packets of a call, chains
 * and descriptors of a packet, borders that buffers may cross, slots of the ring. Instructions
 * follow from it. docs/bounds.md has the same in words.
 */
#include "bounds.h"

#define PAGE 4096u

/** To the guest: bad chains that are given back beside the packets of a call. */
#define PATIENCE 64

/** Chains that one packet may take, and entries of an indirect table. */
#define MOST_CHAINS 1024

/** Descriptors that are looked at for one packet: the longest list, and as many as 8 regions. */
#define MOST_DESCRIPTORS 1032

/** Borders of pages that buffers of one packet may cross behind an IOMMU. */
#define MOST_CROSSINGS 1024

/** A look for more misses: descriptors but for the last chain's, chains, pages noted. */
#define LOOK_DESCRIPTORS 256
#define LOOK_CHAINS 32
#define LOOK_PAGES 32

/** Bytes of the longest packet, and of the header. */
#define MOST_BYTES 65557
#define HEADER 12

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t burst_of(const struct bounds_world *world)
{
	return world->burst ? world->burst : BOUNDS_BURST;
}

static uint64_t ring_of(const struct bounds_shape *shape)
{
	return shape->ring ? shape->ring : BOUNDS_RING;
}

/** Bytes that one chain has. */
static uint64_t room_of(const struct bounds_shape *shape)
{
	return shape->first + (shape->entries - 1) * (uint64_t)shape->rest;
}

/** Chains of one turn, whether it ends well or not. */
static uint64_t chains_of(const struct bounds_world *world, const struct bounds_shape *shape)
{
	if (!world->to_guest || (shape->ending != GOOD && shape->ending != RARE))
		return 1;
	return least((shape->packet + HEADER + room_of(shape) - 1) / room_of(shape), MOST_CHAINS);
}

/** Whether an answer of the IOMMU has to be waited for. */
static bool waits(const struct bounds_world *world, const struct bounds_shape *shape)
{
	return world->memory & BOUNDS_IOMMU &&
		(shape->ending == UNMAPPED || shape->ending == UNMAPPED_FIRST ||
		 shape->ending == UNKNOWN);
}

/** Pieces of memory that the buffers of one packet may lie in. */
static uint64_t most_pieces(const struct bounds_world *world)
{
	return MOST_DESCRIPTORS + (world->memory & BOUNDS_IOMMU ? MOST_CROSSINGS : 0);
}

/** Pieces that so many descriptors name, and are looked for one by one. */
static uint64_t pieces_of(const struct bounds_world *world, const struct bounds_shape *shape,
			  uint64_t descriptors)
{
	bool isTranslated = world->memory & BOUNDS_IOMMU;
	bool isCut = shape->crosses && world->memory & (BOUNDS_IOMMU | BOUNDS_SLOTS);
	uint64_t pages = isTranslated ? shape->first / PAGE : 0;

	/* Pages that are not known are no pieces, and passed as long as misses are noted. */
	if (shape->ending == UNKNOWN)
		return descriptors * LOOK_PAGES;
	return least(descriptors * (1 + (uint64_t)isCut + pages), most_pieces(world) + 1);
}

/** Translations for chains of so many descriptors: tables, entries of those in pieces, buffers. */
static uint64_t lookups_of(const struct bounds_world *world, const struct bounds_shape *shape,
			   uint64_t chains, uint64_t descriptors)
{
	bool isScattered = shape->indirect && shape->entries > PAGE / 16 &&
		(shape->scattered || world->memory & BOUNDS_IOMMU);

	if (!(world->memory & (BOUNDS_IOMMU | BOUNDS_SLOTS)))
		return 0;
	return (shape->indirect ? chains : 0) + (isScattered ? descriptors : 0) +
		pieces_of(world, shape, descriptors);
}

/** Whether packets get through. */
static bool is_usable(const struct bounds_world *world, const struct bounds_shape *shape)
{
	uint64_t entries = shape->entries, chains = chains_of(world, shape);
	bool isGood = shape->ending == GOOD ||
		(shape->ending == WRONG_WAY && world->packed && !world->to_guest);

	return isGood && entries <= (shape->indirect ? MOST_CHAINS : MOST_DESCRIPTORS) &&
		pieces_of(world, shape, entries) <= most_pieces(world) &&
		room_of(shape) > HEADER &&
		(!world->to_guest || chains * room_of(shape) >= shape->packet + HEADER);
}

/** Packets or bad chains of a call; one, where an answer of the IOMMU is to be waited for. */
static uint64_t turns_of(const struct bounds_world *world, const struct bounds_shape *shape)
{
	uint64_t most = burst_of(world), available = ring_of(shape) / chains_of(world, shape);

	if (world->packed && !shape->indirect)
		available /= shape->entries;
	if (waits(world, shape))
		return 1;
	if (world->to_guest && !is_usable(world, shape))
		most += PATIENCE;
	return least(most, available ? available : 1);
}

/** A look for what else will be missing. */
static void add_look(const struct bounds_world *world, const struct bounds_shape *shape,
		     uint64_t entries, struct bounds_work *work)
{
	uint64_t descriptors = least(LOOK_DESCRIPTORS + entries, LOOK_CHAINS * entries);

	work->chains += LOOK_CHAINS;
	work->descriptors += descriptors;
	work->lookups += lookups_of(world, shape, LOOK_CHAINS, descriptors) + LOOK_DESCRIPTORS +
		2 * LOOK_PAGES;
}

struct bounds_work bounds_work_of(const struct bounds_world *world,
				  const struct bounds_shape *shape)
{
	uint64_t entries = least(shape->entries, MOST_DESCRIPTORS), ring = ring_of(shape);
	uint64_t turns = turns_of(world, shape), chains = chains_of(world, shape), each;
	uint64_t walked = shape->indirect ? 1 : shape->entries;
	struct bounds_work work = { .chains = turns * chains, .used = turns * chains };

	/* What is too long for a table is not looked at. */
	if (shape->indirect && shape->entries > MOST_CHAINS)
		entries = 1;
	each = least(chains * entries, MOST_DESCRIPTORS + chains);
	work.descriptors = turns * each;
	work.lookups = turns * lookups_of(world, shape, chains, each);
	if (world->packed)
		work.slots = (world->to_guest ? 0 : least(ring, burst_of(world) * walked)) +
			2 * least(ring, work.chains * walked);
	if (waits(world, shape))
		add_look(world, shape, entries, &work);
	if (!is_usable(world, shape))
		return work;
	work.packets = turns;
	work.pieces = turns * (shape->packet / 2048 + 1 + pieces_of(world, shape, each));
	work.bytes = turns * (world->to_guest ? shape->packet + HEADER : room_of(shape));
	work.sums = shape->sums ? work.bytes : 0;
	if (world->memory & BOUNDS_LOGGED && world->to_guest)
		work.marks = turns * pieces_of(world, shape, each) + 4;
	return work;
}

struct bounds_work bounds_poll_of(const struct bounds_world *world,
				  const struct bounds_shape *shape)
{
	struct bounds_work work = bounds_work_of(world, shape);

	return (struct bounds_work){ .packets = work.packets, .used = work.used,
		.marks = work.marks };
}

struct bounds_work bounds_most_of(const struct bounds_world *world, bool polls)
{
	uint64_t burst = burst_of(world), chains = world->to_guest ? MOST_CHAINS : 1;
	uint64_t turns = burst + (world->to_guest ? PATIENCE : 0);
	uint64_t pieces = most_pieces(world);
	bool isSearched = world->memory & (BOUNDS_IOMMU | BOUNDS_SLOTS);
	struct bounds_work work = { .packets = burst,
		.chains = least(turns * chains, BOUNDS_RING) };

	work.used = work.chains;
	if (world->memory & BOUNDS_LOGGED && world->to_guest)
		work.marks = burst * pieces + 4;
	if (polls)
		return (struct bounds_work){ .packets = burst, .used = BOUNDS_RING,
			.marks = work.marks };
	if (world->async && !world->to_guest)
		work.used = BOUNDS_RING;
	work.descriptors = turns * (MOST_DESCRIPTORS + 1);
	/* A table's entries, their buffers, and the borders that these cross. */
	if (isSearched)
		work.lookups = turns * (1 + MOST_CHAINS + pieces + 1);
	if (world->memory & BOUNDS_IOMMU) {
		/* The packet before it once more, and a look from there on. */
		work.chains += LOOK_CHAINS + chains;
		work.descriptors += LOOK_DESCRIPTORS + 2 * MOST_DESCRIPTORS;
		work.lookups += (LOOK_DESCRIPTORS + MOST_DESCRIPTORS) * (1 + LOOK_PAGES) +
			MOST_CHAINS + pieces + 2 * LOOK_PAGES;
	}
	work.pieces = burst * (pieces + MOST_BYTES / 2048 + 1);
	work.bytes = burst * (MOST_BYTES + HEADER);
	work.sums = world->to_guest ? 0 : burst * MOST_BYTES;
	/* A look ahead, and the end of a bad chain and what is used of it. */
	if (world->packed)
		work.slots = (world->to_guest ? 2 : 3) * BOUNDS_RING;
	return work;
}

uint64_t bounds_allowed(const struct bounds_work *work)
{
	return 20000 + work->packets * 700 + work->chains * 300 + work->descriptors * 120 +
		work->lookups * 500 + work->pieces * 150 + work->bytes + work->sums * 12 +
		work->used * 250 + work->slots * 40 + work->marks * 300;
}
