/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "guest_snapshot.h"

#include "guest_iotlb.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096

/* What the signal handler looks at. */
static struct guest_snapshot *watched;
static struct sigaction previous;

/** The guest writes to a protected page: note it, and let it. */
static void on_write(int number, siginfo_t *info, void *context)
{
	struct guest_snapshot *snapshot = __atomic_load_n(&watched, __ATOMIC_ACQUIRE);
	uint8_t *address = info->si_addr;

	(void)context;
	for (unsigned int i = 0; snapshot && i < snapshot->guest->memory.count; i++) {
		const struct guest_region *region = &snapshot->guest->memory.regions[i];
		uint64_t page;

		if (address < region->host || address >= region->host + region->size)
			continue;
		page = (uint64_t)(address - region->host) / PAGE;
		__atomic_store_n(&snapshot->written[i][page], 1, __ATOMIC_RELEASE);
		mprotect(region->host + page * PAGE, PAGE, PROT_READ | PROT_WRITE);
		return;
	}
	/* No page of ours: as if nobody had looked. */
	sigaction(number, &previous, NULL);
}

int guest_snapshot_begin(struct guest_snapshot *snapshot, struct guest *guest)
{
	struct sigaction action;

	memset(snapshot, 0, sizeof(*snapshot));
	memset(&action, 0, sizeof(action));
	snapshot->guest = guest;
	for (unsigned int i = 0; i < guest->memory.count; i++) {
		const struct guest_region *region = &guest->memory.regions[i];

		snapshot->pages[i] = malloc(region->size);
		snapshot->written[i] = malloc(region->size / PAGE);
		if (!snapshot->pages[i] || !snapshot->written[i])
			return -ENOMEM;
		memset(snapshot->written[i], 1, region->size / PAGE);
	}
	action.sa_sigaction = on_write;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	if (sigaction(SIGSEGV, &action, &previous) < 0)
		return -errno;
	__atomic_store_n(&watched, snapshot, __ATOMIC_RELEASE);
	return 0;
}

/** Where the log has a page of the driver's: an IOMMU puts it elsewhere. */
static uint64_t logged_address(const struct guest_snapshot *snapshot, unsigned int index,
			       uint64_t page)
{
	const struct guest *guest = snapshot->guest;

	if (guest->iotlb && index == 0)
		page = guest->iotlb->place[page];
	return guest->memory.regions[index].gpa + page * PAGE;
}

/** Whether a page was written since it was asked last. */
static bool take_page(struct guest_snapshot *snapshot, unsigned int index, uint64_t page,
		      struct guest_log *log)
{
	const struct guest_region *region = &snapshot->guest->memory.regions[index];
	bool dirty = guest_log_take_page(log, logged_address(snapshot, index, page));

	if (__atomic_load_n(&snapshot->written[index][page], __ATOMIC_ACQUIRE)) {
		mprotect(region->host + page * PAGE, PAGE, PROT_READ);
		__atomic_store_n(&snapshot->written[index][page], 0, __ATOMIC_RELEASE);
		dirty = true;
	}
	return dirty;
}

void guest_snapshot_round(struct guest_snapshot *snapshot, struct guest_log *log)
{
	for (unsigned int i = 0; i < snapshot->guest->memory.count; i++) {
		const struct guest_region *region = &snapshot->guest->memory.regions[i];

		for (uint64_t page = 0; page < region->size / PAGE; page++) {
			if (!take_page(snapshot, i, page, log))
				continue;
			memcpy(snapshot->pages[i] + page * PAGE, region->host + page * PAGE, PAGE);
			snapshot->copied++;
		}
	}
}

uint64_t guest_snapshot_differs(const struct guest_snapshot *snapshot, uint64_t *gpa)
{
	uint64_t count = 0;

	for (unsigned int i = 0; i < snapshot->guest->memory.count; i++) {
		const struct guest_region *region = &snapshot->guest->memory.regions[i];

		for (uint64_t page = 0; page < region->size / PAGE; page++) {
			if (memcmp(snapshot->pages[i] + page * PAGE, region->host + page * PAGE,
				   PAGE) == 0)
				continue;
			if (count++ == 0 && gpa)
				*gpa = region->gpa + page * PAGE;
		}
	}
	return count;
}

void guest_snapshot_end(struct guest_snapshot *snapshot)
{
	if (!snapshot->guest)
		return;
	for (unsigned int i = 0; i < snapshot->guest->memory.count; i++) {
		const struct guest_region *region = &snapshot->guest->memory.regions[i];

		mprotect(region->host, region->size, PROT_READ | PROT_WRITE);
	}
	if (__atomic_load_n(&watched, __ATOMIC_ACQUIRE) == snapshot) {
		__atomic_store_n(&watched, NULL, __ATOMIC_RELEASE);
		sigaction(SIGSEGV, &previous, NULL);
	}
	for (unsigned int i = 0; i < GUEST_MAX_REGIONS; i++) {
		free(snapshot->pages[i]);
		free(snapshot->written[i]);
	}
	memset(snapshot, 0, sizeof(*snapshot));
}
