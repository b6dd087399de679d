/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef CRTE_DMADEV_H
#define CRTE_DMADEV_H

/*
 * What DPDK's librte_dmadev (21.11 to 22.11 at least) shows to its users. The library is not linked
 * to it: functions and data are found by name, and these types say how they look.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A device's functions: an entry of the array that the pointer rte_dma_fp_objs leads to. */
struct crte_dma_functions {
	void *device;
	int (*copy)(void *device, uint16_t channel, uint64_t source, uint64_t destination,
		    uint32_t length, uint64_t flags);
	void *copy_list;
	void *fill;
	int (*submit)(void *device, uint16_t channel);
	uint16_t (*completed)(void *device, uint16_t channel, uint16_t limit, uint16_t *last,
			      bool *has_error);
	uint16_t (*completed_status)(void *device, uint16_t channel, uint16_t limit,
				     uint16_t *last, uint32_t *statuses);
	uint16_t (*burst_capacity)(const void *device, uint16_t channel);
	void *later[8];
};

_Static_assert(sizeof(struct crte_dma_functions) == 128, "DPDK: an entry has 128 bytes");

/** What rte_dma_info_get() fills; later releases append to it. */
struct crte_dma_info {
	const char *name;
	uint64_t capabilities;
	uint16_t max_channels;
	uint16_t max_copies;
	uint16_t min_copies;
	uint16_t max_list;
	int16_t node;
	uint16_t channels;
	uint64_t later[8];
};

_Static_assert(offsetof(struct crte_dma_info, channels) == 26, "DPDK: nb_vchans");

/** What rte_dma_stats_get() fills. */
struct crte_dma_statistics {
	uint64_t submitted, completed, errors;
	uint64_t later[5];
};

/** Entries of the table of channels, a power of two. */
#define CRTE_DMA_CHANNELS 512

/** Cells of channels: zero until one is put there, never reset. */
extern void *crte_dma_channels[CRTE_DMA_CHANNELS];

/** Cell at an index below CRTE_DMA_CHANNELS, or NULL. */
static inline void *crte_dma_channel(uint32_t index)
{
	return __atomic_load_n(&crte_dma_channels[index], __ATOMIC_ACQUIRE);
}

static inline void crte_set_dma_channel(uint32_t index, void *cell)
{
	__atomic_store_n(&crte_dma_channels[index], cell, __ATOMIC_RELEASE);
}

#endif /* CRTE_DMADEV_H */
