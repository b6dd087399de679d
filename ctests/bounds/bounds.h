/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * How many instructions one call takes with the worst ring that a guest can write, and one message
 * with the worst that a frontend can send. Under callgrind (make bounds), which counts: nothing
 * depends on the clock.
 */
#ifndef BOUNDS_H
#define BOUNDS_H

#include "control.h"
#include "control_iommu.h"
#include "guest_log.h"

#include <rte_vhost_async.h>

/** Packets of one call. */
#define BOUNDS_BURST 32

/** Regions of guest memory by ADD_MEM_REG: the most that there can be. */
#define BOUNDS_REGIONS 509

/** Pages that chains lie in, each a region or an entry of the IOTLB of its own. */
#define BOUNDS_PAGES 1800

/** What a device has besides a ring. */
enum bounds_memory {
	BOUNDS_PLAIN,		/**< One region. */
	BOUNDS_SLOTS,		/**< 509 regions. */
	BOUNDS_LOGGED,		/**< One region, and a dirty log. */
	BOUNDS_IOMMU,		/**< An IOTLB with as many entries as it takes. */
	BOUNDS_IOMMU_SLOTS,	/**< The same over 509 regions. */
};

extern const char *const bounds_memory_names[];

/** A device whose rings the test writes by itself. */
struct bounds_world {
	bool packed, async, to_guest;
	enum bounds_memory memory;
	struct control_iommu iommu;	/**< Its device is the one device. */
	struct guest_queue *queue;
	struct guest_area data;		/**< Pages for buffers. */
	struct guest_area table;	/**< An indirect table, or longer than that. */
	uint64_t pages[BOUNDS_PAGES];	/**< Addresses of pages, far from one another. */
	struct guest_log log;
};

/** From here on instructions are counted... */
void bounds_count_begin(void);
/** ...up to here. @return how many, by this thread; 0 when it is not known. */
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

/** Write a descriptor of the ring; packed: @p next is its id. */
void bounds_descriptor(struct bounds_world *world, uint32_t slot, uint64_t addr, uint32_t length,
		       uint16_t flags, uint16_t next);
/** Make the first @p count entries of the split available ring visible. */
void bounds_publish(struct bounds_world *world, uint32_t count);

/** Print a row of the table, to standard output and to the file that BOUNDS_TABLE names. */
void bounds_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** Main of both programs. */
int bounds_main(const struct CMUnitTest *tests, size_t count);

#endif
