/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef CRTE_GUARD_H
#define CRTE_GUARD_H

/*
 * What a SIGBUS handler needs: storage that it reads without a lock, and signal structures whose
 * fields are macros. What it does with them is in MemoryGuard.swift.
 */

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

/** Ranges that can be watched: 1,024 devices of 8 regions and a log. */
#define CRTE_GUARD_RANGES 9216

/** A watched mapping; not in use while `end` is 0. While `sequence` is odd it is being changed. */
struct crte_guard_range {
	uint32_t sequence;
	uint32_t broken;
	uintptr_t start;
	uintptr_t end;
};

extern struct crte_guard_range crte_guard_ranges[CRTE_GUARD_RANGES];
/** What SIGBUS did before. */
extern struct sigaction crte_guard_previous;
/** Eventfd that is told of a fault; -1 for none. */
extern int crte_guard_event;

static inline uintptr_t crte_guard_end(uint32_t index)
{
	return __atomic_load_n(&crte_guard_ranges[index].end, __ATOMIC_ACQUIRE);
}

/** Start and end as they were together; false while they are being changed. */
static inline bool crte_guard_get(uint32_t index, uintptr_t *start, uintptr_t *end)
{
	const struct crte_guard_range *range = &crte_guard_ranges[index];
	uint32_t before = __atomic_load_n(&range->sequence, __ATOMIC_ACQUIRE);

	*start = __atomic_load_n(&range->start, __ATOMIC_RELAXED);
	*end = __atomic_load_n(&range->end, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return (before & 1) == 0 &&
		__atomic_load_n(&range->sequence, __ATOMIC_RELAXED) == before;
}

/** One thread at a time. */
static inline void crte_guard_set(uint32_t index, uintptr_t start, uintptr_t end)
{
	struct crte_guard_range *range = &crte_guard_ranges[index];
	uint32_t sequence = range->sequence;

	__atomic_store_n(&range->sequence, sequence + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&range->start, start, __ATOMIC_RELAXED);
	__atomic_store_n(&range->end, end, __ATOMIC_RELAXED);
	__atomic_store_n(&range->broken, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&range->sequence, sequence + 2, __ATOMIC_RELEASE);
}

static inline void crte_guard_break(uint32_t index)
{
	__atomic_store_n(&crte_guard_ranges[index].broken, 1, __ATOMIC_RELEASE);
}

static inline bool crte_guard_is_broken(uint32_t index)
{
	return __atomic_load_n(&crte_guard_ranges[index].broken, __ATOMIC_ACQUIRE) != 0;
}

static inline int crte_guard_get_event(void)
{
	return __atomic_load_n(&crte_guard_event, __ATOMIC_ACQUIRE);
}

static inline void crte_guard_set_event(int event)
{
	__atomic_store_n(&crte_guard_event, event, __ATOMIC_RELEASE);
}

static inline uintptr_t crte_guard_fault_address(const siginfo_t *info)
{
	return (uintptr_t)info->si_addr;
}

/** Puts private zero pages in the place of a mapping; true when it worked. */
static inline bool crte_guard_replace(uintptr_t start, uintptr_t end)
{
	return mmap((void *)start, end - start, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != MAP_FAILED;
}

static inline int crte_guard_install(void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = handler;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
	sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, &crte_guard_previous);
}

/** Does what the process did about SIGBUS before. */
static inline void crte_guard_chain(int number, siginfo_t *info, void *context)
{
	if ((crte_guard_previous.sa_flags & SA_SIGINFO) != 0) {
		crte_guard_previous.sa_sigaction(number, info, context);
	} else if (crte_guard_previous.sa_handler == SIG_DFL ||
			crte_guard_previous.sa_handler == SIG_IGN) {
		/* The access is tried again and ends the process, as it would have without us. */
		signal(SIGBUS, SIG_DFL);
	} else {
		crte_guard_previous.sa_handler(number);
	}
}

#endif /* CRTE_GUARD_H */
