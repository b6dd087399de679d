/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * How the kinds of guest_misbehave.h are built. Private to the guest.
 */
#ifndef GUEST_BAD_H
#define GUEST_BAD_H

#include "guest.h"
#include "guest_draft.h"
#include "guest_misbehave.h"

/** What a builder gets. */
struct guest_bad_request {
	struct guest_draft draft;
	uint32_t size;			/**< Bytes of the frame. */
	uint32_t argument;
	uint8_t packet[GUEST_MAX_FRAME + 64]; /**< Header and frame, zeroes when there is none. */
};

/** One kind: writes the draft. @return 0 or a negative errno. */
struct guest_bad_kind {
	const char *name;
	int (*build)(struct guest_bad_request *request);
};

/** Broken chains and tables; entries of other kinds have no name. */
extern const struct guest_bad_kind guest_bad_shapes[GUEST_BAD_COUNT];

/** Broken addresses, lengths and directions. */
extern const struct guest_bad_kind guest_bad_contents[GUEST_BAD_COUNT];

/** Append a buffer with @p length bytes of the packet from @p from on. */
int guest_bad_good(struct guest_bad_request *request, uint32_t from, uint32_t length);

/** Append the packet's header in a descriptor of its own. */
int guest_bad_header_piece(struct guest_bad_request *request);

/** Append the packet from @p from to its end in one descriptor. */
int guest_bad_rest(struct guest_bad_request *request, uint32_t from);

/** Append a good header and a good frame: entries 0 and 1. */
int guest_bad_packet(struct guest_bad_request *request);

/** An address that no region contains. */
uint64_t guest_bad_unmapped(const struct guest_bad_request *request);

/** The address of the last @p count bytes of the region with the highest end. */
uint64_t guest_bad_near_end(const struct guest_bad_request *request, uint64_t count);

#endif
