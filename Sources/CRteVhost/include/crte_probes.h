/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef CRTE_PROBES_H
#define CRTE_PROBES_H

/*
 * Probes for bpftrace, perf and gdb: docs/tracing.md. Each has a word that whoever traces counts
 * up, so that one that nobody looks at is a test. A library that was built without <sys/sdt.h> has
 * the words and no probes.
 */

#include <stdbool.h>
#include <stdint.h>

#define CRTE_PROBE(name) \
	extern volatile unsigned short rtevhostswift_##name##_semaphore \
		__attribute__((visibility("hidden"))); \
	static inline bool crte_traces_##name(void) \
	{ \
		return __builtin_expect(rtevhostswift_##name##_semaphore != 0, 0); \
	}

CRTE_PROBE(burst)
CRTE_PROBE(submit)
CRTE_PROBE(complete)
CRTE_PROBE(drop)
CRTE_PROBE(message)
CRTE_PROBE(state)

/** A call that takes or gives packets is done: packets wanted, and packets moved. */
void crte_probe_burst(int32_t vid, uint32_t queue, uint32_t wanted, uint32_t count);
/** An engine was given packets: those that it took, and those that it did not. */
void crte_probe_submit(int32_t vid, uint32_t queue, uint32_t accepted, uint32_t refused);
/** Packets of an engine were handed out, and others were lost. */
void crte_probe_complete(int32_t vid, uint32_t queue, uint32_t count, uint32_t lost);
/** A chain went back to the guest unused; reason is one of ChainFault's. */
void crte_probe_drop(int32_t vid, uint32_t queue, uint32_t reason);
/** A message of the frontend was handled: 0, or refused: an errno. */
void crte_probe_message(int32_t vid, uint32_t request, uint32_t byte_count, int32_t error);
/** A ring, or with queue -1 the device, begins or ends to work. */
void crte_probe_state(int32_t vid, int32_t queue, uint32_t is_running);

#endif
