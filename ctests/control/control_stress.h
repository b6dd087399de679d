/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * An application of many threads: one for each queue, one that asks, one that registers and
 * unregisters channels, one that does the same with the driver. None waits for another.
 */
#ifndef CONTROL_STRESS_H
#define CONTROL_STRESS_H

#include "control.h"

#define STRESS_PAIRS 3
#define STRESS_QUEUES (2 * STRESS_PAIRS)

/** Bytes of every frame; its stamp's sender is the queue. */
#define STRESS_FRAME 200

/** Memory that comes and goes. */
#define STRESS_HOT_GPA (1ULL << 40)

/** What is tried. */
struct stress_variant {
	bool packed, async, iommu;
};

extern const struct stress_variant *stress_variant;

/** The socket; it comes and goes. */
extern char stress_path[108];

/** Packets not as they were sent; devices; good answers; channels switched; drivers registered. */
extern uint64_t stress_damaged, stress_devices, stress_answers, stress_switched, stress_lives;

/** Add to one of these. */
void stress_count(uint64_t *counter, uint64_t more);

/** Start everything. */
void stress_begin(const struct stress_variant *what);
/** From here on only the data plane runs; the socket is there. */
void stress_calm(void);
/** Packets of a queue so far. */
uint64_t stress_packets(uint16_t queue);
/** End everything; no guest is connected. */
void stress_end(void);

#endif
