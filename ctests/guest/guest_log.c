/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "guest_log.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOG_PAGE 4096

int guest_log_create(const struct guest *guest, struct guest_log *log)
{
	uint64_t end = 0;
	void *mapped;

	for (unsigned int i = 0; i < guest->memory.count; i++) {
		const struct guest_region *region = &guest->memory.regions[i];

		if (region->gpa + region->size > end)
			end = region->gpa + region->size;
	}
	/* Whole 64-bit words, whole pages. */
	log->size = (end / LOG_PAGE / 8 + LOG_PAGE) / LOG_PAGE * LOG_PAGE;
	log->bits = NULL;
	log->fd = memfd_create("guest-log", MFD_CLOEXEC);
	if (log->fd < 0)
		return -errno;
	if (ftruncate(log->fd, (off_t)log->size) < 0)
		return -errno;
	mapped = mmap(NULL, log->size, PROT_READ | PROT_WRITE, MAP_SHARED, log->fd, 0);
	if (mapped == MAP_FAILED)
		return -errno;
	log->bits = mapped;
	return 0;
}

int guest_log_switch(struct guest *guest, bool on)
{
	int ret;

	if (on)
		guest->features |= GUEST_BIT(GUEST_F_LOG_ALL);
	else
		guest->features &= ~GUEST_BIT(GUEST_F_LOG_ALL);
	ret = guest_set_features(&guest->frontend, guest->features);
	for (uint32_t i = 0; i < guest->queue_count && ret == 0; i++) {
		struct guest_vring_addr addr;

		guest_ring_addr(&guest->queues[i], &addr);
		ret = guest_set_vring_addr(&guest->frontend, &addr);
	}
	return ret;
}

int guest_log_start(struct guest *guest, struct guest_log *log)
{
	int ret;

	memset(log, 0, sizeof(*log));
	log->fd = -1;
	if (!(guest->protocol_features & GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD)) ||
	    !(guest->offered & GUEST_BIT(GUEST_F_LOG_ALL)))
		return -EOPNOTSUPP;
	ret = guest_log_create(guest, log);
	if (ret == 0)
		ret = guest_set_log_base(&guest->frontend, log->size, 0, log->fd);
	if (ret == 0)
		ret = guest_log_switch(guest, true);
	if (ret < 0)
		guest_log_destroy(log);
	return ret;
}

int guest_log_stop(struct guest *guest)
{
	return guest_log_switch(guest, false);
}

void guest_log_destroy(struct guest_log *log)
{
	if (log->bits)
		munmap(log->bits, log->size);
	if (log->fd >= 0)
		close(log->fd);
	log->bits = NULL;
	log->fd = -1;
}

bool guest_log_is_dirty(const struct guest_log *log, uint64_t gpa)
{
	uint64_t page = gpa / LOG_PAGE;

	if (page / 8 >= log->size)
		return false;
	return __atomic_load_n(&log->bits[page / 8], __ATOMIC_RELAXED) >> (page % 8) & 1;
}

bool guest_log_covers(const struct guest_log *log, uint64_t gpa, uint64_t size)
{
	for (uint64_t page = gpa / LOG_PAGE; page <= (gpa + size - 1) / LOG_PAGE; page++)
		if (!guest_log_is_dirty(log, page * LOG_PAGE))
			return false;
	return true;
}

bool guest_log_take_page(struct guest_log *log, uint64_t gpa)
{
	uint64_t page = gpa / LOG_PAGE;
	uint8_t bit = (uint8_t)(1 << (page % 8));

	if (page / 8 >= log->size)
		return false;
	return __atomic_fetch_and(&log->bits[page / 8], (uint8_t)~bit, __ATOMIC_ACQ_REL) & bit;
}

uint64_t guest_log_count(const struct guest_log *log)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i < log->size; i++)
		count += (uint64_t)__builtin_popcount(
			__atomic_load_n(&log->bits[i], __ATOMIC_RELAXED));
	return count;
}

uint64_t guest_log_take(struct guest_log *log)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i < log->size; i++) {
		uint8_t byte = __atomic_exchange_n(&log->bits[i], 0, __ATOMIC_RELAXED);

		count += (uint64_t)__builtin_popcount(byte);
	}
	return count;
}
