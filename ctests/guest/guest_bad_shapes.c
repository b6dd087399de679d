/* SPDX-License-Identifier: BSD-3-Clause */

/* Chains and indirect tables that no driver may build (virtio 1.2, 2.7.5 and 2.8). */
#include <errno.h>

#include "guest_bad.h"

/** Change where an entry leads. */
static void lead(struct guest_bad_request *request, uint32_t entry, uint32_t next)
{
	request->draft.entries[entry].flags |= VRING_DESC_F_NEXT;
	request->draft.entries[entry].next = next;
}

static int loop(struct guest_bad_request *request)
{
	int ret = guest_bad_packet(request);

	lead(request, 1, 0);
	return ret;
}

static int loop_self(struct guest_bad_request *request)
{
	int ret = guest_bad_rest(request, 0);

	lead(request, 0, 0);
	return ret;
}

static int next_range(struct guest_bad_request *request)
{
	int ret = guest_bad_packet(request);

	lead(request, 1, GUEST_DRAFT_RAW + request->draft.queue->size);
	return ret;
}

static int next_max(struct guest_bad_request *request)
{
	int ret = guest_bad_packet(request);

	lead(request, 1, GUEST_DRAFT_RAW + 0xffff);
	return ret;
}

static int chain_open(struct guest_bad_request *request)
{
	request->draft.open = true;
	return guest_bad_packet(request);
}

static int chain_endless(struct guest_bad_request *request)
{
	int ret = chain_open(request);

	if (request->draft.queue->size > GUEST_DRAFT_MAX)
		return -EINVAL;
	while (ret == 0 && request->draft.count < request->draft.queue->size)
		guest_draft_add(&request->draft, request->draft.entries[1].addr, 1,
				request->draft.direction);
	return ret;
}

static int chain_ids(struct guest_bad_request *request)
{
	request->draft.foreign_ids = true;
	return guest_bad_packet(request);
}

static int table_nested(struct guest_bad_request *request)
{
	int ret = guest_bad_packet(request);

	guest_draft_into_table(&request->draft);
	/* The inner table is the second buffer: 16 readable bytes are all it takes. */
	request->draft.entries[1].flags |= VRING_DESC_F_INDIRECT;
	request->draft.entries[1].length = sizeof(struct vring_desc);
	return ret;
}

static int table_and_next(struct guest_bad_request *request)
{
	int ret = guest_bad_packet(request);

	guest_draft_into_table(&request->draft);
	request->draft.table_flags |= VRING_DESC_F_NEXT;
	return ret;
}

static int table_of(struct guest_bad_request *request, uint32_t bytes)
{
	int ret = guest_bad_packet(request);

	guest_draft_into_table(&request->draft);
	request->draft.table_size = bytes;
	return ret;
}

static int table_empty(struct guest_bad_request *request)
{
	return table_of(request, 0);
}

static int table_odd(struct guest_bad_request *request)
{
	return table_of(request, 17);
}

static int table_huge(struct guest_bad_request *request)
{
	return table_of(request, 0xfffffff0u);
}

static int table_loop(struct guest_bad_request *request)
{
	int ret = loop(request);

	guest_draft_into_table(&request->draft);
	return ret;
}

static int table_next_range(struct guest_bad_request *request)
{
	int ret = guest_bad_packet(request);

	lead(request, 1, 2);
	guest_draft_into_table(&request->draft);
	return ret;
}

static int table_unmapped(struct guest_bad_request *request)
{
	int ret = guest_bad_packet(request);

	guest_draft_into_table(&request->draft);
	request->draft.table_addr = guest_bad_unmapped(request);
	return ret;
}

static int table_crossing(struct guest_bad_request *request)
{
	int ret = table_unmapped(request);

	request->draft.table_addr = guest_bad_near_end(request, sizeof(struct vring_desc));
	return ret;
}

static int table_long(struct guest_bad_request *request)
{
	uint32_t wanted = request->draft.queue->size + 1;
	int ret = guest_bad_packet(request);

	if (wanted > GUEST_DRAFT_MAX)
		return -EINVAL;
	while (ret == 0 && request->draft.count < wanted)
		guest_draft_add(&request->draft, request->draft.entries[1].addr, 1,
				request->draft.direction);
	guest_draft_into_table(&request->draft);
	return ret;
}

const struct guest_bad_kind guest_bad_shapes[GUEST_BAD_COUNT] = {
	[GUEST_BAD_LOOP] = { "loop", loop },
	[GUEST_BAD_LOOP_SELF] = { "loop-self", loop_self },
	[GUEST_BAD_NEXT_RANGE] = { "next-range", next_range },
	[GUEST_BAD_NEXT_MAX] = { "next-max", next_max },
	[GUEST_BAD_CHAIN_OPEN] = { "chain-open", chain_open },
	[GUEST_BAD_CHAIN_ENDLESS] = { "chain-endless", chain_endless },
	[GUEST_ODD_CHAIN_IDS] = { "chain-ids", chain_ids },
	[GUEST_BAD_TABLE_NESTED] = { "table-nested", table_nested },
	[GUEST_BAD_TABLE_AND_NEXT] = { "table-and-next", table_and_next },
	[GUEST_BAD_TABLE_EMPTY] = { "table-empty", table_empty },
	[GUEST_BAD_TABLE_ODD] = { "table-odd", table_odd },
	[GUEST_BAD_TABLE_HUGE] = { "table-huge", table_huge },
	[GUEST_BAD_TABLE_LOOP] = { "table-loop", table_loop },
	[GUEST_BAD_TABLE_NEXT_RANGE] = { "table-next-range", table_next_range },
	[GUEST_BAD_TABLE_UNMAPPED] = { "table-unmapped", table_unmapped },
	[GUEST_BAD_TABLE_CROSSING] = { "table-crossing", table_crossing },
	[GUEST_BAD_TABLE_LONG] = { "table-long", table_long },
};
