/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * hostile.md, Guest: "one queue that always has work: bounded work a call". The most instructions
 * of one call, beside what it is allowed: per ring format, direction, way of copying and kind of
 * memory.
 */
#include "bounds.h"

/** Instructions of a call that looks at a chain, at least; one that finds nothing takes 230. */
#define LOOKED 350

/** The row that cost most, of one call on one format. */
struct worst {
	const char *call, *shape;
	uint64_t cost, bound, most;
	unsigned int memory;
};

static uint64_t rows, failures;

static const char *format_of(const struct bounds_world *world)
{
	return world->packed ? "packed" : "split";
}

/** Whether the packets that can get through did; where none can, that the ring was looked at. */
static bool was_done(const struct bounds_cost *cost, const struct bounds_work *work)
{
	return cost->packets == work->packets && cost->call > LOOKED;
}

/** Whether a call took longer than it may: what a row is for. */
static bool is_beyond(uint64_t count, const struct bounds_work *work,
		      const struct bounds_work *any)
{
	/* A bound that is beyond what any ring may cost is no bound. */
	return count > bounds_allowed(work) || bounds_allowed(work) > bounds_allowed(any);
}

/** One row. */
static void row(const struct bounds_world *world, const struct bounds_shape *shape,
		const struct bounds_cost *cost, bool polls, struct worst *worst)
{
	struct bounds_work work = polls ? bounds_poll_of(world, shape)
		: bounds_work_of(world, shape);
	struct bounds_work any = bounds_most_of(world, polls);
	uint64_t count = polls ? cost->poll : cost->call;
	uint64_t bound = bounds_allowed(&work), most = bounds_allowed(&any);
	const char *call = bounds_call_name(world, polls);

	bounds_print("| %s | %s | %s | %u | %s | %u | %lu | %lu | %lu |%s\n", format_of(world),
		     call, bounds_memory_names[world->memory],
		     world->burst ? world->burst : BOUNDS_BURST, shape->name, cost->packets,
		     count, bound, most, is_beyond(count, &work, &any) ? " beyond"
		     : polls || was_done(cost, &work) ? "" : " not done");
	if (getenv("BOUNDS_WORK"))
		bounds_print("work,%s,%lu,%lu,%lu,%lu,%lu,%lu,%lu,%lu,%lu,%lu,%lu\n", call, count,
			     work.packets, work.chains, work.descriptors, work.lookups,
			     work.pieces, work.bytes, work.sums, work.used, work.slots,
			     work.marks);
	rows++;
	/* A call that found nothing to do is not the worst one. */
	if (is_beyond(count, &work, &any) || (!polls && !was_done(cost, &work)))
		failures++;
	if (count > worst->cost)
		*worst = (struct worst){ call, shape->name, count, bound, most, world->memory };
}

/**
 * Whether a row is one of those that are always run: all of them for 1 region, for 509, and for an
 * IOTLB over 509; some with an IOTLB over 1, which is less, and some with a log, where it is
 * written; and with other bursts three long chains.
 */
static bool is_chosen(const struct bounds_world *world, const struct bounds_shape *shape)
{
	const char *all = getenv("BOUNDS"), *only = getenv("BOUNDS_SHAPE");

	if (only && !strstr(shape->name, only))
		return false;
	if (all && *all)
		return true;
	if (world->burst != BOUNDS_BURST)
		return shape->entries == 1024 && shape->first == 12 && shape->rest == 1 &&
			(shape->ending == GOOD || shape->ending == NESTED);
	if (world->memory & BOUNDS_LOGGED)
		return shape->core && world->to_guest && shape->ending == GOOD;
	return shape->core || world->memory != BOUNDS_IOMMU;
}

/** All shapes for one call on one format with one kind of memory; those that leave traces last. */
static void measure(struct bounds_world *world, struct worst worst[2])
{
	for (size_t i = 0; i < 2 * bounds_shape_count; i++) {
		const struct bounds_shape *shape = &bounds_shapes[i % bounds_shape_count];
		struct bounds_cost cost;

		if (!bounds_fits(world, shape) || !is_chosen(world, shape) ||
		    bounds_leaves_traces(world, shape) != (i >= bounds_shape_count))
			continue;
		cost = bounds_measure(world, shape, world->burst);
		row(world, shape, &cost, false, &worst[0]);
		if (world->async && world->to_guest)
			row(world, shape, &cost, true, &worst[1]);
	}
	if (world->queue)
		bounds_close(world);
}

static struct bounds_world world_of(unsigned int kind, unsigned int memory)
{
	return (struct bounds_world){ .packed = kind & 1, .to_guest = kind & 2,
		.async = kind & 4, .memory = memory, .burst = BOUNDS_BURST };
}

/** A shape of which all calls take long. */
static const struct bounds_shape *planted(void)
{
	for (size_t i = 0; i < bounds_shape_count; i++)
		if (strcmp(bounds_shapes[i].name, "table of 1,024, 1 byte each") == 0)
			return &bounds_shapes[i];
	fail_msg("no such shape");
	return NULL;
}

static void most_of_one_call(void **state)
{
	struct worst worst[8][2] = { 0 };

	(void)state;
	rows = failures = 0;
	bounds_print("| ring | call | memory | burst | ring full of | packets | instructions | "
		     "allowed | allowed for any ring |\n|---|---|---|---|---|---|---|---|---|\n");
	for (unsigned int i = 0; i < 8 * BOUNDS_MEMORIES; i++) {
		struct bounds_world world = world_of(i / BOUNDS_MEMORIES, i % BOUNDS_MEMORIES);

		measure(&world, worst[i / BOUNDS_MEMORIES]);
	}
	bounds_print("\n| ring | call | memory | worst ring | instructions | allowed | "
		     "allowed for any ring |\n|---|---|---|---|---|---|---|\n");
	for (unsigned int i = 0; i < 16; i++) {
		const struct worst *at = &worst[i / 2][i % 2];

		if (at->cost)
			bounds_print("| %s | %s | %s | %s | %lu | %lu | %lu |\n",
				     i / 2 & 1 ? "packed" : "split", at->call,
				     bounds_memory_names[at->memory], at->shape, at->cost,
				     at->bound, at->most);
	}
	bounds_print("\n%lu of %lu rows within their bounds\n\n", rows - failures, rows);
	assert_int_equal(failures, 0);
}

/* The bound follows the packets of a call: for one, and for many. */
static void most_of_other_bursts(void **state)
{
	static const uint32_t bursts[] = { 1, BOUNDS_MOST_BURST };
	struct worst worst[2] = { 0 };

	(void)state;
	rows = failures = 0;
	bounds_print("| ring | call | memory | burst | ring full of | packets | instructions | "
		     "allowed | allowed for any ring |\n|---|---|---|---|---|---|---|---|---|\n");
	for (unsigned int i = 0; i < 8 * CONTROL_COUNT(bursts); i++) {
		struct bounds_world world = world_of(i / CONTROL_COUNT(bursts), 0);

		world.burst = bursts[i % CONTROL_COUNT(bursts)];
		measure(&world, worst);
	}
	bounds_print("\n%lu of %lu rows within their bounds\n\n", rows - failures, rows);
	assert_int_equal(failures, 0);
}

/*
 * A row can fail: calls for four times as many packets, held against the bound of those for 32, are
 * found one and all.
 */
static void a_longer_call_is_found(void **state)
{
	uint64_t found = 0;

	(void)state;
	bounds_print("| ring | call | burst | instructions | allowed for 32 | found |\n"
		     "|---|---|---|---|---|---|\n");
	for (unsigned int i = 0; i < 8; i++) {
		struct bounds_world world = world_of(i, 0);
		const struct bounds_shape *shape = planted();
		struct bounds_work work = bounds_work_of(&world, shape);
		struct bounds_work any = bounds_most_of(&world, false);
		struct bounds_cost cost = bounds_measure(&world, shape, BOUNDS_MOST_BURST);
		bool isFound = is_beyond(cost.call, &work, &any);

		bounds_print("| %s | %s | %u | %lu | %lu | %s |\n", format_of(&world),
			     bounds_call_name(&world, false), BOUNDS_MOST_BURST, cost.call,
			     bounds_allowed(&work), isFound ? "yes" : "no");
		found += isFound;
		bounds_close(&world);
	}
	bounds_print("\n%lu of 8 planted rows found\n", found);
	assert_int_equal(found, 8);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_longer_call_is_found),
	cmocka_unit_test(most_of_other_bursts),
	cmocka_unit_test(most_of_one_call),
};

int main(void)
{
	return bounds_main(tests, CONTROL_COUNT(tests));
}
