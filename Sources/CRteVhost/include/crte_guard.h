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
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/** Ranges come in chunks, which are never freed: a handler may look at one at any time. */
#define CRTE_GUARD_CHUNK 4096
/** 524,288 ranges: 1,024 devices of 511 regions and a log. */
#define CRTE_GUARD_CHUNKS 128

/** A watched mapping; not in use while `end` is 0. While `sequence` is odd it is being changed. */
struct crte_guard_range {
	uint32_t sequence;
	uint32_t broken;
	uintptr_t start;
	uintptr_t end;
	/** Of a range that is not in use: the next such one, plus one; 0 for none. */
	uint32_t next_free;
};

extern struct crte_guard_range *crte_guard_chunks[CRTE_GUARD_CHUNKS];
/** Ranges that were ever in use; their chunks are there. */
extern uint32_t crte_guard_used;
/** There was a fault that the event thread has not seen yet. */
extern bool crte_guard_faulted;
/** What SIGBUS did before. */
extern struct sigaction crte_guard_previous;
/** Eventfd that is told of a fault; -1 for none. */
extern int crte_guard_event;

/** A range below crte_guard_get_used(), or one whose chunk was just made. */
static inline struct crte_guard_range *crte_guard_at(uint32_t index)
{
	struct crte_guard_range *chunk = __atomic_load_n(
		&crte_guard_chunks[index / CRTE_GUARD_CHUNK], __ATOMIC_ACQUIRE);

	return &chunk[index % CRTE_GUARD_CHUNK];
}

static inline uint32_t crte_guard_get_used(void)
{
	return __atomic_load_n(&crte_guard_used, __ATOMIC_ACQUIRE);
}

static inline void crte_guard_set_used(uint32_t count)
{
	__atomic_store_n(&crte_guard_used, count, __ATOMIC_RELEASE);
}

/** Makes the chunk of a range unless it is there; false without memory. One thread at a time. */
static inline bool crte_guard_make_chunk(uint32_t index)
{
	struct crte_guard_range **chunk = &crte_guard_chunks[index / CRTE_GUARD_CHUNK];
	void *fresh;

	if (*chunk != NULL)
		return true;
	fresh = calloc(CRTE_GUARD_CHUNK, sizeof(**chunk));
	__atomic_store_n(chunk, (struct crte_guard_range *)fresh, __ATOMIC_RELEASE);
	return fresh != NULL;
}

static inline uint32_t crte_guard_next_free(uint32_t index)
{
	return crte_guard_at(index)->next_free;
}

static inline void crte_guard_set_next_free(uint32_t index, uint32_t next)
{
	crte_guard_at(index)->next_free = next;
}

/** Has the event thread look at its devices, as after a fault. */
static inline void crte_guard_note_fault(void)
{
	__atomic_store_n(&crte_guard_faulted, true, __ATOMIC_RELEASE);
}

/** True once after a fault. */
static inline bool crte_guard_take_fault(void)
{
	return __atomic_exchange_n(&crte_guard_faulted, false, __ATOMIC_ACQ_REL);
}

/** Start and end as they were together; false while they are being changed. */
static inline bool crte_guard_get(uint32_t index, uintptr_t *start, uintptr_t *end)
{
	const struct crte_guard_range *range = crte_guard_at(index);
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
	struct crte_guard_range *range = crte_guard_at(index);
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
	__atomic_store_n(&crte_guard_at(index)->broken, 1, __ATOMIC_RELEASE);
	__atomic_store_n(&crte_guard_faulted, true, __ATOMIC_RELEASE);
}

static inline bool crte_guard_is_broken(uint32_t index)
{
	return __atomic_load_n(&crte_guard_at(index)->broken, __ATOMIC_ACQUIRE) != 0;
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

/** Whether an access raised the signal; if somebody sent it there is no address in it. */
static inline bool crte_guard_is_fault(const siginfo_t *info)
{
	return info->si_code > 0;
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
		bool is_fault = crte_guard_is_fault(info);

		/* Sent by somebody, it can be ignored; a fault cannot. */
		if (!is_fault && crte_guard_previous.sa_handler == SIG_IGN)
			return;
		/* The access is tried again and ends the process, as it would have without us... */
		signal(SIGBUS, SIG_DFL);
		/* ...and so does the signal, once this handler is left. */
		if (!is_fault)
			raise(SIGBUS);
	} else {
		crte_guard_previous.sa_handler(number);
	}
}

#endif /* CRTE_GUARD_H */
