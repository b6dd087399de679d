/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#include "CRteVhost.h"

__thread uint32_t crte_thread_slot_plus_one __attribute__((tls_model("initial-exec")));
__thread const unsigned int *crte_lcore_id __attribute__((tls_model("initial-exec")));
void *crte_devices[1024];

struct crte_guard_range *crte_guard_chunks[CRTE_GUARD_CHUNKS];
uint32_t crte_guard_used;
bool crte_guard_faulted;
struct sigaction crte_guard_previous;
int crte_guard_event = -1;

void *crte_dma_channels[CRTE_DMA_CHANNELS];
