/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * A driver that breaks the rules, one rule at a time.
 *
 * guest_bad_add() appends one chain of a named kind to a queue; guest_submit() shows it to the
 * backend. Chains that the driver can tell apart are booked like any other: if the device uses
 * them they come back through guest_tx_reap() or guest_rx(). Heads that no chain has are booked
 * as "ghosts". After GUEST_BAD_INDEX_* the ring's state is anybody's guess: guest_reset().
 *
 * Every kind works on transmit and on receive queues, and asks for the direction accordingly.
 * Some exist in one ring format only: guest_bad_suits(). In packed rings a head is a buffer id.
 */
#ifndef GUEST_MISBEHAVE_H
#define GUEST_MISBEHAVE_H

#include "guest_queue.h"

/** One broken rule. The text says what the chain looks like. */
enum guest_bad {
	/* Shape of the chain. */
	GUEST_BAD_LOOP,			/**< Split: two descriptors that name each other as next. */
	GUEST_BAD_LOOP_SELF,		/**< Split: one descriptor that names itself. */
	GUEST_BAD_HEAD_RANGE,		/**< Head equals the ring size. */
	GUEST_BAD_HEAD_MAX,		/**< Head 65535. */
	GUEST_BAD_NEXT_RANGE,		/**< Split: next equals the ring size. */
	GUEST_BAD_NEXT_MAX,		/**< Split: next 65535. */
	GUEST_BAD_HEAD_TWICE,		/**< The same head in two ring entries. */
	GUEST_BAD_CHAIN_OPEN,		/**< Packed: NEXT, and nothing available behind it. */
	GUEST_BAD_CHAIN_ENDLESS,	/**< Packed: NEXT in all descriptors of an empty ring. */
	GUEST_BAD_WRAP_COUNTER,		/**< Packed: available for the other lap, so not at all. */

	/* Indirect tables. */
	GUEST_BAD_TABLE_NESTED,		/**< INDIRECT inside of a table. */
	GUEST_BAD_TABLE_AND_NEXT,	/**< INDIRECT together with NEXT. */
	GUEST_BAD_TABLE_EMPTY,		/**< Table of 0 bytes. */
	GUEST_BAD_TABLE_ODD,		/**< Table of 17 bytes. */
	GUEST_BAD_TABLE_HUGE,		/**< Table of 4 GiB less 16 bytes. */
	GUEST_BAD_TABLE_LOOP,		/**< Split: loop inside of a table. */
	GUEST_BAD_TABLE_NEXT_RANGE,	/**< Split: next behind the table's end. */
	GUEST_BAD_TABLE_UNMAPPED,	/**< Table at an address without memory. */
	GUEST_BAD_TABLE_CROSSING,	/**< Table that begins in a region and ends outside. */
	GUEST_BAD_TABLE_LONG,		/**< Chain one longer than the ring. */

	/* Addresses and lengths. */
	GUEST_BAD_UNMAPPED,		/**< Data at an address without memory. */
	GUEST_BAD_UNMAPPED_LONE,	/**< The same in one descriptor, with the header. */
	GUEST_BAD_UNMAPPED_HEADER,	/**< Header at an address without memory. */
	GUEST_BAD_CROSSING,		/**< Data that begins in a region and ends outside. */
	GUEST_BAD_CROSSING_LONE,	/**< The same in one descriptor, with the header. */
	GUEST_BAD_WRAP,			/**< Address plus length beyond 64 bits. */
	GUEST_BAD_LENGTH_MAX,		/**< Length 0xffffffff. */
	GUEST_BAD_LENGTH_SUM,		/**< Lengths that add up to 2^32 plus a little. */
	GUEST_BAD_ALIASES,		/**< Up to 256 descriptors over one whole region each. */
	GUEST_BAD_TOO_LARGE,		/**< 68 KiB of good memory in 2 KiB pieces. */
	GUEST_BAD_ZERO,			/**< A single descriptor of 0 bytes. */
	GUEST_BAD_ZERO_CHAIN,		/**< Three descriptors of 0 bytes. */
	GUEST_BAD_ZERO_MIXED,		/**< Empty descriptors around good ones. */
	GUEST_BAD_SHORT,		/**< @c argument bytes in all, in one descriptor. */
	GUEST_BAD_SHORT_CHAIN,		/**< @c argument bytes in all, one per descriptor. */
	GUEST_BAD_HEADER_ONLY,		/**< A header and nothing else. */

	/* Directions. */
	GUEST_BAD_DIRECTION,		/**< Every descriptor the wrong way. */
	GUEST_BAD_DIRECTION_MIXED,	/**< Good header, the data the wrong way. */

	/* Unusual, but a backend must take them. */
	GUEST_ODD_LAST_BYTE,		/**< Data that ends with the last byte of memory. */
	GUEST_ODD_HEADER_CUT,		/**< Header in two, cut after @c argument bytes. */
	GUEST_ODD_HEADER_BYTES,		/**< Every byte of the header in a descriptor of its own. */
	GUEST_ODD_CHAIN_IDS,		/**< Packed: ids that differ; the last one counts. */

	/* Split: the available index. */
	GUEST_BAD_INDEX_JUMP,		/**< Ahead by the ring size and one more. */
	GUEST_BAD_INDEX_BACK,		/**< Back by one. */
	GUEST_BAD_INDEX_FAR,		/**< Ahead by 32768. */

	GUEST_BAD_COUNT
};

/** A kind's name, for test reports. */
const char *guest_bad_name(enum guest_bad kind);

/** Whether a backend must treat the chain as a good packet or buffer. */
bool guest_bad_is_legal(enum guest_bad kind);

/** Whether the kind exists in a queue's ring format. */
bool guest_bad_suits(const struct guest_queue *queue, enum guest_bad kind);

/** Whether the kind needs INDIRECT_DESC. */
bool guest_bad_needs_indirect(enum guest_bad kind);

/**
 * Append one chain of this kind. Index kinds take effect at once, all others with
 * guest_submit().
 * @param frame data for kinds that have good data (transmit queues), or NULL.
 * @param argument what the kind's text says, else ignored.
 * @return 0, or -ENOSPC, -ENOBUFS, -EINVAL (kind impossible in this ring) with nothing added;
 *         GUEST_BAD_WRAP_COUNTER adds nothing at all.
 */
int guest_bad_add(struct guest_queue *queue, enum guest_bad kind, const void *frame,
		  uint32_t size, uint32_t argument);

/** One senseless virtio-net header. */
enum guest_bad_header {
	GUEST_HEADER_CSUM_LAST,		/**< csum_start on the last byte. */
	GUEST_HEADER_CSUM_END,		/**< csum_start equals the frame's length. */
	GUEST_HEADER_CSUM_BEYOND,	/**< csum_start one beyond that. */
	GUEST_HEADER_CSUM_MAX,		/**< csum_start 65535. */
	GUEST_HEADER_CSUM_OFFSET_MAX,	/**< csum_offset 65535. */
	GUEST_HEADER_CSUM_BOTH_MAX,	/**< Both. */
	GUEST_HEADER_GSO_SIZE_ZERO,	/**< TCPv4 segmentation into pieces of 0 bytes. */
	GUEST_HEADER_GSO_SIZE_MAX,	/**< ...of 65535 bytes. */
	GUEST_HEADER_GSO_UNKNOWN,	/**< gso_type 0x7f. */
	GUEST_HEADER_GSO_UDP,		/**< UFO, seldom negotiated. */
	GUEST_HEADER_HDR_LEN_BEYOND,	/**< hdr_len one beyond the frame. */
	GUEST_HEADER_HDR_LEN_MAX,	/**< hdr_len 65535. */
	GUEST_HEADER_FLAGS_ALL,		/**< flags 0xff. */
	GUEST_HEADER_NUM_BUFFERS,	/**< num_buffers 65535 on transmit. */
	GUEST_HEADER_ONES,		/**< All bytes 0xff. */
	GUEST_HEADER_COUNT
};

/** Fill a header for a frame of @p size bytes; use it with guest_tx_header(). */
void guest_bad_header_fill(enum guest_bad_header kind, uint32_t size,
			   struct virtio_net_hdr_v1 *header);

const char *guest_bad_header_name(enum guest_bad_header kind);

#endif
