/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * Guest memory: memfd regions that both sides map, and what is cut out of them.
 *
 * Each region is mapped between two inaccessible guard pages, so that the guest itself cannot
 * stray outside, and so that a backend in the same process that follows an address past the end
 * of *this* mapping faults at once. (A backend normally maps the files anew and owns those
 * mappings.)
 */
#ifndef GUEST_MEMORY_H
#define GUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Most regions in one guest: what slots can carry (CONFIGURE_MEM_SLOTS). */
#define GUEST_MAX_REGIONS 509

/** Bytes kept free behind every buffer slot and watched for stray writes. */
#define GUEST_SLOT_GAP 64

/** Ends a list of slots. */
#define GUEST_NO_SLOT UINT32_MAX

/** Where a region lies; an array of these is a custom layout. */
struct guest_region_layout {
	uint64_t gpa;		/**< First guest-physical address. */
	uint64_t size;		/**< Bytes, a multiple of the page size. */
	uint64_t file_offset;	/**< Where the region starts in its file (page aligned). */
};

/** One region: a memfd, mapped between guard pages. */
struct guest_region {
	uint64_t gpa;		/**< First guest-physical address. */
	uint64_t size;		/**< Bytes. */
	uint64_t file_offset;	/**< Where the region starts in its file. */
	uint64_t taken;		/**< Bytes handed out by guest_memory_alloc(). */
	int fd;			/**< The memfd, or -1. */
	uint8_t *host;		/**< The mapping. */
	uint8_t *reserved;	/**< The address range around it, guard pages included. */
	size_t reserved_size;	/**< Bytes of that range. */
};

/** All memory of one guest. */
struct guest_memory {
	unsigned int count;	/**< Regions in use. */
	size_t page_size;	/**< Page size of the files: 4 KiB, or 2 MiB when huge. */
	struct guest_region regions[GUEST_MAX_REGIONS];
};

/** A piece of guest memory under both of its addresses. */
struct guest_area {
	uint8_t *host;		/**< Where the guest process sees it. */
	uint64_t gpa;		/**< Its guest-physical address. */
	uint64_t size;		/**< Bytes. */
};

/** Create and map the regions. @return 0 or a negative errno. */
int guest_memory_create(struct guest_memory *memory, const struct guest_region_layout *layout,
			unsigned int count, bool huge);

/** Unmap and close everything; safe on a zeroed or half-made object. */
void guest_memory_destroy(struct guest_memory *memory);

/**
 * Take @p size bytes out of one region, never to be given back.
 * @return 0, -EINVAL for an unknown region, or -ENOMEM when it is full.
 */
int guest_memory_alloc(struct guest_memory *memory, unsigned int region, uint64_t size,
		       uint64_t align, struct guest_area *area);

/** Host address of [gpa, gpa + size), or NULL when it is not inside one region. */
void *guest_memory_host(const struct guest_memory *memory, uint64_t gpa, uint64_t size);

/** Guest-physical address of a host pointer, or UINT64_MAX when it is not in guest memory. */
uint64_t guest_memory_gpa(const struct guest_memory *memory, const void *host);

/**
 * Copy into guest memory; the range may cross regions that are adjacent guest-physically.
 * @return 0, or -EFAULT when a byte is unmapped (bytes before it are written).
 */
int guest_memory_write(struct guest_memory *memory, uint64_t gpa, const void *data, size_t size);

/** Copy out of guest memory; see guest_memory_write(). */
int guest_memory_read(const struct guest_memory *memory, uint64_t gpa, void *data, size_t size);

/** One buffer: at most one descriptor points to it at any time. */
struct guest_slot {
	uint8_t *host;		/**< Where the guest process sees it. */
	uint64_t gpa;		/**< Its guest-physical address. */
	uint32_t length;	/**< Bytes of it that its descriptor describes. */
	uint32_t next;		/**< Next slot of the same chain, or of the free list. */
};

/** A pool of equal buffers, spread over all regions in turn. */
struct guest_slots {
	struct guest_slot *slots;	/**< The slots; bookkeeping is private to the guest. */
	uint32_t count;			/**< How many. */
	uint32_t buffer_size;		/**< Bytes of each. */
	uint32_t free_count;		/**< How many are free. */
	uint32_t free_head;		/**< First free slot. */
};

/** Guest memory that a slot of this size occupies, gap included. */
uint64_t guest_slot_stride(uint32_t buffer_size);

/** Cut @p count buffers of @p buffer_size bytes out of memory. @return 0 or a negative errno. */
int guest_slots_create(struct guest_slots *slots, struct guest_memory *memory, uint32_t count,
		       uint32_t buffer_size);

/** Forget the pool. */
void guest_slots_destroy(struct guest_slots *slots);

/** Make every slot free again. */
void guest_slots_reset(struct guest_slots *slots);

/** Take a slot. @return its index, or GUEST_NO_SLOT. */
uint32_t guest_slots_take(struct guest_slots *slots);

/** Give back a list of slots that starts with @p first. */
void guest_slots_give(struct guest_slots *slots, uint32_t first);

/** Make the gaps between buffers as they were: where the guest itself led others there. */
void guest_slots_mend(struct guest_slots *slots);

/** Count the gaps between buffers that someone has written to; 0 is right. */
uint32_t guest_slots_damaged(const struct guest_slots *slots);

#endif
