/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * An IOMMU between a guest and its backend: pages of addresses, and where in the region's file
 * each of them lies.
 *
 * The driver goes on seeing its memory in a row: the pages of its mapping are moved, not what it
 * does. Addresses in rings and descriptors are those of the driver; the memory table describes the
 * file in its own order. A backend that takes an address without translating it finds other bytes.
 */
#ifndef GUEST_IOTLB_H
#define GUEST_IOTLB_H

#include <linux/vhost_types.h>
#include <stdbool.h>
#include <stdint.h>

#include "guest.h"

/** Bytes of a page. */
#define GUEST_IOTLB_PAGE 4096

/** Pages at the region's end that nobody uses and that stay in a row. */
#define GUEST_IOTLB_SPARE 16

/** An IOMMU over the first region of a guest. */
struct guest_iotlb {
	struct guest *guest;
	uint32_t pages;		/**< Pages of the region. */
	uint32_t *place;	/**< By page of addresses: page of the file. */
	uint8_t *permission;	/**< By page: VHOST_ACCESS_*, 0 for one that is not mapped. */
	bool silent;		/**< Misses are counted and not answered. */
	uint64_t misses;	/**< That came. */
	uint64_t answers;	/**< That were given. */
	struct vhost_iotlb_msg last; /**< The last miss. */
	/** Not NULL: gets each miss in place of an answer. */
	void (*asked)(void *context, const struct vhost_iotlb_msg *miss);
	void *context;
};

/**
 * Put an IOMMU before a guest that is not connected. Pages are shuffled, other than those of each
 * ring and the spare ones, which stay in a row; with seed 0 all stay where they are.
 * @return 0 or a negative errno.
 */
int guest_iotlb_create(struct guest_iotlb *iotlb, struct guest *guest, uint64_t seed);

/** Take it away. */
void guest_iotlb_destroy(struct guest_iotlb *iotlb);

/** Page of an address of the guest. */
uint32_t guest_iotlb_page(const struct guest_iotlb *iotlb, uint64_t address);

/** First page of a queue's ring, and how many the ring lies in. */
uint32_t guest_iotlb_ring(const struct guest_iotlb *iotlb, uint32_t queue, uint32_t *count);

/** Exchange the places of pages and keep what the driver sees in them. Invalidate them first. */
int guest_iotlb_swap(struct guest_iotlb *iotlb, uint32_t first, uint32_t second, uint32_t count);

/**
 * Move a ring to spare pages, or back. The backend forgets it first; it may ask at once.
 * @return 0 or a negative errno.
 */
int guest_iotlb_move_ring(struct guest_iotlb *iotlb, uint32_t queue);

/** Tell the backend where one page is. @return as guest_command(). */
int guest_iotlb_tell(struct guest_iotlb *iotlb, uint32_t page);

/** Tell the backend to forget pages. @return as guest_command(). */
int guest_iotlb_forget(struct guest_iotlb *iotlb, uint32_t page, uint32_t count);

/** Answer a miss, unless the page is not mapped or the IOMMU is silent. */
int guest_iotlb_answer(struct guest_iotlb *iotlb, const struct vhost_iotlb_msg *miss);

#endif
