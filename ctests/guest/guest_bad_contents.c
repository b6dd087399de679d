/* SPDX-License-Identifier: BSD-3-Clause */

/* Chains whose descriptors point to the wrong places, and some that only look as if they did. */
#include <errno.h>

#include "guest_bad.h"

#define PIECE 60
#define MANY 256
#define LARGE_PIECES 34
#define LARGE_PIECE 2048

static const struct guest_region *first_region(const struct guest_bad_request *request)
{
	return &request->draft.queue->guest->memory.regions[0];
}

static int data_at(struct guest_bad_request *request, uint64_t addr, uint32_t length)
{
	int ret = guest_bad_header_piece(request);

	guest_draft_add(&request->draft, addr, length, request->draft.direction);
	return ret;
}

static int data_unmapped(struct guest_bad_request *request)
{
	return data_at(request, guest_bad_unmapped(request), PIECE);
}

static int lone_unmapped(struct guest_bad_request *request)
{
	guest_draft_add(&request->draft, guest_bad_unmapped(request),
			request->draft.queue->header_size + PIECE, request->draft.direction);
	return 0;
}

static int header_unmapped(struct guest_bad_request *request)
{
	guest_draft_add(&request->draft, guest_bad_unmapped(request),
			request->draft.queue->header_size, request->draft.direction);
	return guest_bad_rest(request, request->draft.queue->header_size);
}

static int data_crossing(struct guest_bad_request *request)
{
	return data_at(request, guest_bad_near_end(request, 16), 1024);
}

static int lone_crossing(struct guest_bad_request *request)
{
	/* As much inside as a header and a frame take, so that a cut would look like a packet. */
	guest_draft_add(&request->draft, guest_bad_near_end(request, 128), 1024,
			request->draft.direction);
	return 0;
}

static int data_wrap(struct guest_bad_request *request)
{
	return data_at(request, UINT64_MAX - 15, 64);
}

static int length_max(struct guest_bad_request *request)
{
	return data_at(request, first_region(request)->gpa, 0xffffffffu);
}

static int length_sum(struct guest_bad_request *request)
{
	int ret = guest_bad_header_piece(request);

	for (int i = 0; i < 2; i++)
		guest_draft_add(&request->draft, first_region(request)->gpa, 0x80000020u,
				request->draft.direction);
	return ret;
}

static int aliases(struct guest_bad_request *request)
{
	const struct guest_region *region = first_region(request);
	const struct guest_queue *queue = request->draft.queue;
	uint32_t length = region->size > UINT32_MAX ? UINT32_MAX : (uint32_t)region->size;
	uint32_t count = queue->size < MANY ? queue->size : MANY;
	int ret = guest_bad_header_piece(request);

	while (ret == 0 && request->draft.count < count)
		guest_draft_add(&request->draft, region->gpa, length, request->draft.direction);
	return ret;
}

static int too_large(struct guest_bad_request *request)
{
	int ret = guest_bad_header_piece(request);

	for (int i = 0; i < LARGE_PIECES && ret == 0; i++)
		ret = guest_draft_add_buffer(&request->draft, NULL, LARGE_PIECE);
	return ret;
}

static int zero(struct guest_bad_request *request)
{
	return guest_draft_add_buffer(&request->draft, NULL, 0);
}

static int zero_chain(struct guest_bad_request *request)
{
	int ret = 0;

	for (int i = 0; i < 3 && ret == 0; i++)
		ret = guest_draft_add_buffer(&request->draft, NULL, 0);
	return ret;
}

static int zero_mixed(struct guest_bad_request *request)
{
	int ret = guest_draft_add_buffer(&request->draft, NULL, 0);

	if (ret == 0)
		ret = guest_bad_header_piece(request);
	if (ret == 0)
		ret = guest_draft_add_buffer(&request->draft, NULL, 0);
	if (ret == 0)
		ret = guest_bad_rest(request, request->draft.queue->header_size);
	return ret ? ret : guest_draft_add_buffer(&request->draft, NULL, 0);
}

static int too_short(struct guest_bad_request *request)
{
	return guest_bad_good(request, 0, request->argument);
}

static int too_short_chain(struct guest_bad_request *request)
{
	int ret = 0;

	for (uint32_t i = 0; i < request->argument && ret == 0; i++)
		ret = guest_bad_good(request, i, 1);
	return ret;
}

static int header_only(struct guest_bad_request *request)
{
	return guest_bad_header_piece(request);
}

static int direction(struct guest_bad_request *request)
{
	request->draft.direction ^= VRING_DESC_F_WRITE;
	return guest_bad_packet(request);
}

static int direction_mixed(struct guest_bad_request *request)
{
	int ret = guest_bad_packet(request);

	request->draft.entries[1].flags ^= VRING_DESC_F_WRITE;
	return ret;
}

/** The frame's last byte is the last byte of memory; nothing else may live there. */
static int last_byte(struct guest_bad_request *request)
{
	const struct guest_queue *queue = request->draft.queue;
	struct guest_memory *memory = &queue->guest->memory;
	uint64_t addr = guest_bad_near_end(request, request->size);

	for (unsigned int i = 0; i < memory->count; i++) {
		const struct guest_region *region = &memory->regions[i];

		if (addr - region->gpa < region->taken)
			return -EINVAL;
	}
	if (request->draft.direction)
		request->draft.elsewhere = request->size;
	else if (guest_memory_write(memory, addr, request->packet + queue->header_size,
				    request->size) < 0)
		return -EINVAL;
	return data_at(request, addr, request->size);
}

static int header_cut(struct guest_bad_request *request)
{
	uint32_t header = request->draft.queue->header_size;
	int ret;

	if (request->argument == 0 || request->argument >= header)
		return -EINVAL;
	ret = guest_bad_good(request, 0, request->argument);
	if (ret == 0)
		ret = guest_bad_good(request, request->argument, header - request->argument);
	return ret ? ret : guest_bad_rest(request, header);
}

static int header_bytes(struct guest_bad_request *request)
{
	uint32_t header = request->draft.queue->header_size;
	int ret = 0;

	for (uint32_t i = 0; i < header && ret == 0; i++)
		ret = guest_bad_good(request, i, 1);
	return ret ? ret : guest_bad_rest(request, header);
}

const struct guest_bad_kind guest_bad_contents[GUEST_BAD_COUNT] = {
	[GUEST_BAD_UNMAPPED] = { "unmapped", data_unmapped },
	[GUEST_BAD_UNMAPPED_LONE] = { "unmapped-lone", lone_unmapped },
	[GUEST_BAD_UNMAPPED_HEADER] = { "unmapped-header", header_unmapped },
	[GUEST_BAD_CROSSING] = { "crossing", data_crossing },
	[GUEST_BAD_CROSSING_LONE] = { "crossing-lone", lone_crossing },
	[GUEST_BAD_WRAP] = { "wrap", data_wrap },
	[GUEST_BAD_LENGTH_MAX] = { "length-max", length_max },
	[GUEST_BAD_LENGTH_SUM] = { "length-sum", length_sum },
	[GUEST_BAD_ALIASES] = { "aliases", aliases },
	[GUEST_BAD_TOO_LARGE] = { "too-large", too_large },
	[GUEST_BAD_ZERO] = { "zero", zero },
	[GUEST_BAD_ZERO_CHAIN] = { "zero-chain", zero_chain },
	[GUEST_BAD_ZERO_MIXED] = { "zero-mixed", zero_mixed },
	[GUEST_BAD_SHORT] = { "short", too_short },
	[GUEST_BAD_SHORT_CHAIN] = { "short-chain", too_short_chain },
	[GUEST_BAD_HEADER_ONLY] = { "header-only", header_only },
	[GUEST_BAD_DIRECTION] = { "direction", direction },
	[GUEST_BAD_DIRECTION_MIXED] = { "direction-mixed", direction_mixed },
	[GUEST_ODD_LAST_BYTE] = { "last-byte", last_byte },
	[GUEST_ODD_HEADER_CUT] = { "header-cut", header_cut },
	[GUEST_ODD_HEADER_BYTES] = { "header-bytes", header_bytes },
};
