/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * A chain under construction, descriptor by descriptor: what guest_misbehave.c writes and a
 * ring format then puts into its ring. Private to the guest.
 */
#ifndef GUEST_DRAFT_H
#define GUEST_DRAFT_H

#include "guest_queue.h"

/** Descriptors one draft can hold. */
#define GUEST_DRAFT_MAX 1040

/** Added to next: take the number as it is, instead of as a position in the draft. */
#define GUEST_DRAFT_RAW 0x10000u

/** One descriptor. */
struct guest_draft_entry {
	uint64_t addr;
	uint32_t length;
	uint16_t flags;
	/** Split: position in the draft, or GUEST_DRAFT_RAW + any 16 bits. Packed: ignored. */
	uint32_t next;
};

/** One chain. */
struct guest_draft {
	struct guest_queue *queue;
	uint16_t direction;	/**< VRING_DESC_F_WRITE on receive queues, else 0. */
	uint32_t count;
	uint32_t slots;		/**< Buffers that belong to it: the first... */
	uint32_t last_slot;	/**< ...and the last. */
	uint32_t elsewhere;	/**< Device-writable bytes outside of these buffers. */
	uint32_t table_size;	/**< Bytes of its indirect table, as the head will say. */
	uint64_t table_addr;	/**< Where the head says it is; 0: where it really is. */
	uint16_t table_flags;	/**< Flags of the head that points to the table. */
	bool indirect;		/**< Goes into a table. */
	bool foreign_ids;	/**< Packed: all descriptors but the last have an id of 65535. */
	bool open;		/**< NEXT is set in the last descriptor as well. */
	struct guest_draft_entry entries[GUEST_DRAFT_MAX];
};

/** Append a descriptor linked to its predecessor. */
void guest_draft_add(struct guest_draft *draft, uint64_t addr, uint32_t length, uint16_t flags);

/** Append one that describes @p length bytes of a new buffer, filled with @p data. */
int guest_draft_add_buffer(struct guest_draft *draft, const void *data, uint32_t length);

/** Make the draft a table with an honest head. */
void guest_draft_into_table(struct guest_draft *draft);

/** Put a draft into its ring. @return its head or -ENOSPC or -EINVAL. */
int guest_draft_offer(struct guest_draft *draft);

#endif
