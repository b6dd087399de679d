/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * A DMA device whose pace and answers the input decides, under the names by which the library looks
 * for DPDK's.
 */
#ifndef RIG_DEVICE_H
#define RIG_DEVICE_H

#include "rig.h"

/** Device numbers: one that copies, one that says it does not, one that lacks functions. */
#define RIG_DEVICE 0
#define RIG_DEVICE_FILL_ONLY 1
#define RIG_DEVICE_BARE 2
#define RIG_DEVICES 3

/** Whose copies come next: a queue's, or nobody's. */
void rig_device_begin(uint16_t queue);

/** All that the device was given it was also told to begin. */
void rig_device_end(void);

/** The device is there again, and works. */
void rig_device_mend(void);

/** Forgets what was copied; what was not is a finding. */
void rig_device_reset(void);

/** What the library asks DPDK for, and finds by name. */
bool rte_dma_is_valid(int16_t device);
int rte_dma_info_get(int16_t device, void *info);
int rte_dma_stats_get(int16_t device, uint16_t channel, void *statistics);

#endif
