/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "guest_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SMALL_PAGE 4096UL
#define HUGE_PAGE (2UL << 20)

static uint64_t round_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) / align * align;
}

/**
 * Map the region's file in the middle of a larger inaccessible reservation: one page in front,
 * one behind, one more so that a huge page can be aligned.
 */
static int region_map(struct guest_region *region, size_t page)
{
	void *start, *mapped;

	region->reserved_size = region->size + 3 * page;
	start = mmap(NULL, region->reserved_size, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (start == MAP_FAILED)
		return -errno;
	region->reserved = start;

	start = (void *)round_up((uintptr_t)start + page, page);
	mapped = mmap(start, region->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		      region->fd, (off_t)region->file_offset);
	if (mapped == MAP_FAILED)
		return -errno;
	region->host = mapped;
	return 0;
}

static int region_create(struct guest_region *region, const struct guest_region_layout *layout,
			 size_t page)
{
	if (layout->size == 0 || layout->size % page || layout->file_offset % page)
		return -EINVAL;
	region->gpa = layout->gpa;
	region->size = layout->size;
	region->file_offset = layout->file_offset;
	region->fd = memfd_create("guest", MFD_CLOEXEC | (page == HUGE_PAGE ? MFD_HUGETLB : 0));
	if (region->fd < 0)
		return -errno;
	if (ftruncate(region->fd, (off_t)(layout->file_offset + layout->size)) < 0)
		return -errno;
	return region_map(region, page);
}

int guest_memory_create(struct guest_memory *memory, const struct guest_region_layout *layout,
			unsigned int count, bool huge)
{
	memset(memory, 0, sizeof(*memory));
	for (unsigned int i = 0; i < GUEST_MAX_REGIONS; i++)
		memory->regions[i].fd = -1;
	if (count == 0 || count > GUEST_MAX_REGIONS)
		return -EINVAL;

	memory->page_size = huge ? HUGE_PAGE : SMALL_PAGE;
	for (unsigned int i = 0; i < count; i++) {
		int ret = region_create(&memory->regions[i], &layout[i], memory->page_size);

		memory->count = i + 1;
		if (ret < 0) {
			guest_memory_destroy(memory);
			return ret;
		}
	}
	return 0;
}

void guest_memory_destroy(struct guest_memory *memory)
{
	for (unsigned int i = 0; i < memory->count; i++) {
		struct guest_region *region = &memory->regions[i];

		if (region->reserved)
			munmap(region->reserved, region->reserved_size);
		if (region->fd >= 0)
			close(region->fd);
		memset(region, 0, sizeof(*region));
		region->fd = -1;
	}
	memory->count = 0;
}

int guest_memory_alloc(struct guest_memory *memory, unsigned int region, uint64_t size,
		       uint64_t align, struct guest_area *area)
{
	struct guest_region *from;
	uint64_t offset;

	if (region >= memory->count || align == 0)
		return -EINVAL;
	from = &memory->regions[region];
	offset = round_up(from->taken, align);
	if (offset > from->size || size > from->size - offset)
		return -ENOMEM;
	from->taken = offset + size;
	area->host = from->host + offset;
	area->gpa = from->gpa + offset;
	area->size = size;
	return 0;
}

/** The region that holds @p gpa, or NULL. */
static const struct guest_region *region_of(const struct guest_memory *memory, uint64_t gpa)
{
	for (unsigned int i = 0; i < memory->count; i++) {
		const struct guest_region *region = &memory->regions[i];

		if (gpa >= region->gpa && gpa - region->gpa < region->size)
			return region;
	}
	return NULL;
}

void *guest_memory_host(const struct guest_memory *memory, uint64_t gpa, uint64_t size)
{
	const struct guest_region *region = region_of(memory, gpa);

	if (!region || size > region->size - (gpa - region->gpa))
		return NULL;
	return region->host + (gpa - region->gpa);
}

uint64_t guest_memory_gpa(const struct guest_memory *memory, const void *host)
{
	for (unsigned int i = 0; i < memory->count; i++) {
		const struct guest_region *region = &memory->regions[i];
		uintptr_t offset = (uintptr_t)host - (uintptr_t)region->host;

		if (offset < region->size)
			return region->gpa + offset;
	}
	return UINT64_MAX;
}

/** The bytes from @p gpa to the end of its region, at most @p size; 0 when it is unmapped. */
static size_t contiguous(const struct guest_memory *memory, uint64_t gpa, size_t size,
			 uint8_t **host)
{
	const struct guest_region *region = region_of(memory, gpa);
	uint64_t left;

	if (!region)
		return 0;
	left = region->size - (gpa - region->gpa);
	*host = region->host + (gpa - region->gpa);
	return left < size ? left : size;
}

int guest_memory_write(struct guest_memory *memory, uint64_t gpa, const void *data, size_t size)
{
	const uint8_t *from = data;

	while (size > 0) {
		uint8_t *host;
		size_t part = contiguous(memory, gpa, size, &host);

		if (part == 0)
			return -EFAULT;
		memcpy(host, from, part);
		from += part;
		gpa += part;
		size -= part;
	}
	return 0;
}

int guest_memory_read(const struct guest_memory *memory, uint64_t gpa, void *data, size_t size)
{
	uint8_t *to = data;

	while (size > 0) {
		uint8_t *host;
		size_t part = contiguous(memory, gpa, size, &host);

		if (part == 0)
			return -EFAULT;
		memcpy(to, host, part);
		to += part;
		gpa += part;
		size -= part;
	}
	return 0;
}
