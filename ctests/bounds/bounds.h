/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * How many instructions one call takes with the worst ring that a guest can write, and one message
 * with the worst that a frontend can send. Under callgrind (make bounds), which counts: nothing
 * depends on the clock. docs/bounds.md says what follows from it.
 */
#ifndef BOUNDS_H
#define BOUNDS_H

#include "control.h"
#include "control_iommu.h"
#include "guest_log.h"

#include <rte_vhost_async.h>

/** Packets of one call, where nothing else is said... */
#define BOUNDS_BURST 32

/** ...and the most that are tried. */
#define BOUNDS_MOST_BURST 128

/** Entries of a ring, where nothing else is said: the most that there can be. */
#define BOUNDS_RING 32768

/** Regions of guest memory by ADD_MEM_REG: the most that there can be. */
#define BOUNDS_REGIONS 509

/** Pages that chains lie in, each a region or an entry of the IOTLB of its own. */
#define BOUNDS_PAGES 1800

/** What a device has besides a ring: any of these, or none. */
enum bounds_memory {
	BOUNDS_SLOTS = 1,	/**< 509 regions and not one. */
	BOUNDS_IOMMU = 2,	/**< An IOTLB with as many entries as it takes. */
	BOUNDS_LOGGED = 4,	/**< A dirty log. */
	BOUNDS_MEMORIES = 8,
};

extern const char *const bounds_memory_names[BOUNDS_MEMORIES];

/** How the chains of a ring end. */
enum bounds_ending {
	GOOD,
	UNMAPPED,	/**< The last descriptor is outside of memory. */
	UNMAPPED_FIRST,	/**< The first one is. */
	UNKNOWN,	/**< All are, and name the same pages. */
	NESTED,		/**< The last one names a table. */
	WRONG_WAY,	/**< The last one is not for the device to write, or to read. */
	ENDLESS,	/**< The last one has a successor. */
	RARE,		/**< One chain in 1,000 is outside of memory. */
	JUMP,		/**< The index of the available ring is too far ahead. */
};

/** Where a shape makes sense; nothing: everywhere. */
enum bounds_where {
	ANYWHERE = 0,
	ON_SPLIT = 1,
	ON_PACKED = 2,
	FROM_GUEST = 4,
	TO_GUEST = 8,
	WITH_IOMMU = 16,
	WITH_SLOTS = 32,	/**< 509 regions, and addresses are not translated. */
};

/** All chains of a ring. */
struct bounds_shape {
	const char *name;
	uint32_t entries;	/**< Descriptors of a chain. */
	bool indirect;
	uint32_t first, rest;	/**< Bytes of the first one, and of each of the others. */
	enum bounds_ending ending;
	uint32_t packet;	/**< To the guest: bytes of each packet. */
	bool crosses;		/**< Each descriptor crosses a border of pages. */
	uint32_t ring;		/**< Entries of the ring, 0 for the most. */
	unsigned int where;	/**< Of enum bounds_where. */
	bool sums;		/**< The header wants a checksum. */
	bool scattered;		/**< The table lies in several regions. */
	bool core;		/**< Always run, whatever memory the device has. */
};

extern const struct bounds_shape bounds_shapes[];
extern const size_t bounds_shape_count;

/** A device whose rings the test writes by itself. */
struct bounds_world {
	bool packed, async, to_guest;
	unsigned int memory;		/**< Of enum bounds_memory. */
	uint32_t burst;			/**< Packets of a call; 0: BOUNDS_BURST. */
	bool relaxed;			/**< The engine completes in any order. */
	struct control_iommu iommu;	/**< Its device is the one device. */
	struct guest_queue *queue;	/**< NULL: not open. */
	struct guest_area data;		/**< Pages for buffers. */
	struct guest_area table;	/**< An indirect table, or longer than that. */
	struct guest_area slots;	/**< Memory of all regions but the guest's own. */
	uint64_t pages[BOUNDS_PAGES];	/**< Addresses of pages, far from one another. */
	struct guest_log log;
};

/** What there is to do in a call, counted: see bounds_work.c. */
struct bounds_work {
	uint64_t packets, chains, descriptors, lookups, pieces, bytes, sums, used, slots, marks;
};

/** What one call took. */
struct bounds_cost {
	uint64_t call, poll;	/**< Instructions; of the call that asks the engine, or 0. */
	uint32_t packets;	/**< That the call moved. */
};

/** The engine keeps what it is given until this is false. */
extern bool bounds_engine_holds;

/**
 * From here on instructions are counted: the library's, and libc's for it; not those of the test
 * around it, nor of what the library calls in the test.
 */
void bounds_count_begin(void);
/** Up to here. @return how many, by this thread; 0 when it is not known. */
uint64_t bounds_count_end(void);
/** The same for the event thread, which has messages to handle in between. */
void bounds_message_begin(void);
uint64_t bounds_message_end(void);

/** Make a device; ring_size entries in each of two rings. */
void bounds_open(struct bounds_world *world, uint32_t ring_size);
void bounds_close(struct bounds_world *world);
/**
 * 509 regions: the guest's own and pages of a file; their frontend addresses in the order of the
 * guest's, or in the opposite one.
 */
void bounds_add_slots(struct bounds_world *world, bool reversed);

/** Whether a shape makes sense in a world. */
bool bounds_fits(const struct bounds_world *world, const struct bounds_shape *shape);
/** Fill the ring with chains of a shape from where the device is, whatever was in it. */
void bounds_fill(struct bounds_world *world, const struct bounds_shape *shape);

/** One call for @p burst packets on a full ring. */
struct bounds_cost bounds_give(struct bounds_world *world, uint32_t packet, uint32_t burst);
struct bounds_cost bounds_take(struct bounds_world *world, uint32_t burst);
/** Whether a device is another one afterwards: misses that are waited for, a ring that broke. */
bool bounds_leaves_traces(const struct bounds_world *world, const struct bounds_shape *shape);
/**
 * The worst of some calls on a ring full of chains, each of them on what the one before left. Opens
 * the world unless it is open, and closes it where there are traces.
 */
struct bounds_cost bounds_measure(struct bounds_world *world, const struct bounds_shape *shape,
				  uint32_t burst);
/** Name of the call; @p polls: of the one that asks the engine. */
const char *bounds_call_name(const struct bounds_world *world, bool polls);

/** What a call has to do for a shape at most; the one that asks the engine; any ring's. */
struct bounds_work bounds_work_of(const struct bounds_world *world,
				  const struct bounds_shape *shape);
struct bounds_work bounds_poll_of(const struct bounds_world *world,
				  const struct bounds_shape *shape);
struct bounds_work bounds_most_of(const struct bounds_world *world, bool polls);
/** Instructions that so much may take. */
uint64_t bounds_allowed(const struct bounds_work *work);

/** Print a row of the table, to standard output and to the file that BOUNDS_TABLE names. */
void bounds_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Main of all programs. */
int bounds_main(const struct CMUnitTest *tests, size_t count);

#endif
