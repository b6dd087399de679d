/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef CRTE_THREAD_H
#define CRTE_THREAD_H

/*
 * Thread-local storage, which Swift cannot declare, and what must have one address in the process.
 */

#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

/** Slot of the calling thread in per-thread pool caches, plus one; 0 while it has none. */
extern __thread uint32_t crte_thread_slot_plus_one __attribute__((tls_model("initial-exec")));

/** Address of DPDK's per_lcore__lcore_id for the calling thread; NULL before it was looked for. */
extern __thread const unsigned int *crte_lcore_id __attribute__((tls_model("initial-exec")));

/** Device cells by vid: zero until a vid is used for the first time, never reset. */
extern void *crte_devices[1024];

/** Cell of a vid below 1024, or NULL. */
static inline void *crte_device_cell(uint32_t vid)
{
	return __atomic_load_n(&crte_devices[vid], __ATOMIC_ACQUIRE);
}

static inline void crte_set_device_cell(uint32_t vid, void *cell)
{
	__atomic_store_n(&crte_devices[vid], cell, __ATOMIC_RELEASE);
}

static inline uint32_t crte_get_thread_slot_plus_one(void)
{
	return crte_thread_slot_plus_one;
}

static inline void crte_set_thread_slot_plus_one(uint32_t value)
{
	crte_thread_slot_plus_one = value;
}

/**
 * lcore id of the calling thread, UINT32_MAX when it has none or there is no DPDK. dlsym() of a
 * thread-local symbol gives the caller's copy, so its result is kept per thread.
 */
static inline uint32_t crte_current_lcore(void)
{
	if (__builtin_expect(crte_lcore_id == NULL, 0)) {
		static const unsigned int none = UINT32_MAX;
		const unsigned int *found = (const unsigned int *)dlsym(
			RTLD_DEFAULT, "per_lcore__lcore_id");

		crte_lcore_id = found != NULL ? found : &none;
	}
	return *crte_lcore_id;
}

static inline void *crte_find_symbol(const char *name)
{
	return dlsym(RTLD_DEFAULT, name);
}

#endif /* CRTE_THREAD_H */
