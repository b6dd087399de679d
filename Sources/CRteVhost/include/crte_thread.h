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
#include <stdbool.h>
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
		const unsigned int *found = (const unsigned int *)dlsym(
			RTLD_DEFAULT, "per_lcore__lcore_id");

		if (found == NULL)
			return UINT32_MAX;
		crte_lcore_id = found;
	}
	return *crte_lcore_id;
}

static inline void *crte_find_symbol(const char *name)
{
	return dlsym(RTLD_DEFAULT, name);
}

/** Whether a loaded library of this name has the symbol, and is not this one. */
static inline bool crte_is_loaded_besides(const char *library, const char *name)
{
	void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
	Dl_info theirs, ours;
	bool is_other = false;
	void *found;

	if (handle == NULL)
		return false;
	found = dlsym(handle, name);
	if (found != NULL && dladdr(found, &theirs) && dladdr(crte_devices, &ours))
		is_other = theirs.dli_fbase != ours.dli_fbase;
	dlclose(handle);
	return is_other;
}

/** A line for rte_log(), which takes a format and so cannot be called from Swift. */
static inline void crte_log_line(void *function, uint32_t level, uint32_t type,
				 const char *prefix, const char *text)
{
	((int (*)(uint32_t, uint32_t, const char *, ...))function)(level, type, "%s%s\n", prefix,
								   text);
}

#endif /* CRTE_THREAD_H */
