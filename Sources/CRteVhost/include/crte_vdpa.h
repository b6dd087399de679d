/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef CRTE_VDPA_H
#define CRTE_VDPA_H

/* What is needed of DPDK's opaque structures, and of rings that hardware shares with a driver. */

#include <linux/virtio_ring.h>
#include <stdint.h>
#include <string.h>

struct rte_device;

/** Name of a device: behind the two pointers of its list entry, in every release since 17.05. */
static inline const char *crte_device_name(const struct rte_device *device)
{
	const char *name;

	memcpy(&name, (const char *)device + 2 * sizeof(void *), sizeof(name));
	return name;
}

/** `used->idx` of a driver's ring, which its device writes. */
static inline uint16_t crte_ring_used_index(const struct vring *ring)
{
	return __atomic_load_n(&ring->used->idx, __ATOMIC_ACQUIRE);
}

/** Used element `slot` of the ring, in one read. */
static inline uint64_t crte_ring_used_element(const struct vring *ring, uint16_t slot)
{
	uint64_t element;

	memcpy(&element, (const char *)ring->used + 4 + 8 * (size_t)slot, sizeof(element));
	return element;
}

/** Sets the used_event field: from which used entry on the driver wants interrupts. */
static inline void crte_ring_set_used_event(const struct vring *ring, uint16_t index)
{
	__atomic_store_n((uint16_t *)&ring->avail->ring[ring->num], index, __ATOMIC_RELEASE);
}

#endif /* CRTE_VDPA_H */
