/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "faults_inject.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <string.h>

#include "faults_calls.h"

#define SLOTS 65536

const struct faults_function faults_functions[] = {
#define FAULTS_ENTRY(name, group, silent, ...) { #name, silent, group, { __VA_ARGS__ } },
	FAULTS_ALL(FAULTS_ENTRY)
	{ NULL, false, FAULTS_NONE, { 0 } },
};

static struct {
	uintptr_t start, end;		/* The library's code. */
	int function, kind;
	uint32_t number;
	bool was_hit;
	uint32_t counts[FAULTS_COUNT];
	enum faults_group group;
	uint32_t group_counts[FAULTS_MEMORY + 1];
} state = { .function = -1 };

static struct {
	bool lock;
	void *blocks[SLOTS];
	uint32_t bytes[SLOTS];
	struct faults_held held;
} ledger;

static int find_code(struct dl_phdr_info *info, size_t size, void *argument)
{
	(void)size;
	(void)argument;
	/* By the name of either flavour. */
	if (!strstr(info->dlpi_name, "librtevhostswift") &&
	    !strstr(info->dlpi_name, "librte_vhost.so"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
			continue;
		state.end = info->dlpi_addr + part->p_vaddr + part->p_memsz;
		__atomic_store_n(&state.start, info->dlpi_addr + part->p_vaddr, __ATOMIC_RELEASE);
	}
	return 1;
}

bool faults_is_library(const void *caller)
{
	uintptr_t start = __atomic_load_n(&state.start, __ATOMIC_ACQUIRE);

	return start != 0 && (uintptr_t)caller >= start && (uintptr_t)caller < state.end;
}

/** Whether a group has come to its end. */
static bool is_exhausted(int function)
{
	enum faults_group group = faults_functions[function].group;
	uint32_t count = __atomic_add_fetch(&state.group_counts[group], 1, __ATOMIC_ACQ_REL);

	return group != FAULTS_NONE && count >= state.number &&
	       __atomic_load_n(&state.group, __ATOMIC_ACQUIRE) == group;
}

int faults_next(int function, const void *caller)
{
	uint32_t number;

	if (!faults_is_library(caller))
		return 0;
	if (is_exhausted(function)) {
		__atomic_store_n(&state.was_hit, true, __ATOMIC_RELEASE);
		errno = faults_functions[function].group == FAULTS_FILES ? EMFILE : ENOMEM;
		return function == FAULT_recvmsg ? FAULTS_NO_DESCRIPTORS : errno;
	}
	number = __atomic_add_fetch(&state.counts[function], 1, __ATOMIC_ACQ_REL);
	if (__atomic_load_n(&state.function, __ATOMIC_ACQUIRE) != function ||
	    number != state.number)
		return 0;
	__atomic_store_n(&state.was_hit, true, __ATOMIC_RELEASE);
	errno = state.kind > 0 ? state.kind : 0;
	return state.kind;
}

void faults_arm(int function, uint32_t number, int kind)
{
	if (state.start == 0)
		dl_iterate_phdr(find_code, NULL);
	for (int i = 0; i < FAULTS_COUNT; i++)
		__atomic_store_n(&state.counts[i], 0, __ATOMIC_RELAXED);
	memset(state.group_counts, 0, sizeof(state.group_counts));
	state.number = number;
	state.kind = kind;
	state.was_hit = false;
	__atomic_store_n(&state.function, function, __ATOMIC_RELEASE);
}

void faults_arm_group(enum faults_group group, uint32_t number)
{
	faults_arm(-1, number, 0);
	__atomic_store_n(&state.group, group, __ATOMIC_RELEASE);
}

uint32_t faults_count_group(enum faults_group group)
{
	return __atomic_load_n(&state.group_counts[group], __ATOMIC_ACQUIRE);
}

bool faults_disarm(void)
{
	__atomic_store_n(&state.group, FAULTS_NONE, __ATOMIC_RELEASE);
	__atomic_store_n(&state.function, -1, __ATOMIC_RELEASE);
	return __atomic_load_n(&state.was_hit, __ATOMIC_ACQUIRE);
}

uint32_t faults_count(int function)
{
	return __atomic_load_n(&state.counts[function], __ATOMIC_ACQUIRE);
}

int faults_find(const char *name)
{
	for (int i = 0; faults_functions[i].name; i++)
		if (strcmp(faults_functions[i].name, name) == 0)
			return i;
	return -1;
}

static void lock_ledger(void)
{
	while (__atomic_exchange_n(&ledger.lock, true, __ATOMIC_ACQUIRE))
		;
}

static void unlock_ledger(void)
{
	__atomic_store_n(&ledger.lock, false, __ATOMIC_RELEASE);
}

/** Where a block is noted, or would be. A slot that was freed is not empty: 1. */
static uint32_t find_slot(const void *block, bool is_new)
{
	uint32_t slot = (uint32_t)((uintptr_t)block >> 4) % SLOTS;

	while (ledger.blocks[slot] != NULL && ledger.blocks[slot] != block &&
	       !(is_new && ledger.blocks[slot] == (void *)1))
		slot = (slot + 1) % SLOTS;
	return slot;
}

void faults_book(void *block, size_t bytes)
{
	uint32_t slot;

	if (!block)
		return;
	lock_ledger();
	slot = find_slot(block, true);
	ledger.blocks[slot] = block;
	ledger.bytes[slot] = (uint32_t)bytes;
	ledger.held.blocks++;
	ledger.held.bytes += (long)bytes;
	unlock_ledger();
}

void faults_unbook(void *block)
{
	uint32_t slot;

	if (!block || state.start == 0)
		return;
	lock_ledger();
	slot = find_slot(block, false);
	if (ledger.blocks[slot] == block) {
		ledger.blocks[slot] = (void *)1;
		ledger.held.blocks--;
		ledger.held.bytes -= ledger.bytes[slot];
	}
	unlock_ledger();
}

void faults_book_map(int count)
{
	__atomic_add_fetch(&ledger.held.maps, count, __ATOMIC_RELAXED);
}

void faults_get_held(struct faults_held *held)
{
	lock_ledger();
	*held = ledger.held;
	unlock_ledger();
}
