/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "guest_iotlb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE GUEST_IOTLB_PAGE

static struct guest_region *region_of(const struct guest_iotlb *iotlb)
{
	return &iotlb->guest->memory.regions[0];
}

uint32_t guest_iotlb_page(const struct guest_iotlb *iotlb, uint64_t address)
{
	return (uint32_t)((address - region_of(iotlb)->gpa) / PAGE);
}

uint32_t guest_iotlb_ring(const struct guest_iotlb *iotlb, uint32_t index, uint32_t *count)
{
	const struct guest_area *areas = iotlb->guest->queues[index].areas;
	uint32_t first = guest_iotlb_page(iotlb, areas[0].gpa);
	uint32_t last = guest_iotlb_page(iotlb, areas[2].gpa + areas[2].size - 1);

	*count = last - first + 1;
	return first;
}

/** Move pages of the driver's mapping to their places in the file. */
static int map_pages(struct guest_iotlb *iotlb, uint32_t first, uint32_t count)
{
	struct guest_region *region = region_of(iotlb);

	for (uint32_t page = first; page < first + count; page++) {
		off_t offset = (off_t)(region->file_offset + (uint64_t)iotlb->place[page] * PAGE);
		void *wanted = region->host + (uint64_t)page * PAGE;

		if (mmap(wanted, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, region->fd,
			 offset) == MAP_FAILED)
			return -errno;
	}
	return 0;
}

static uint32_t random_below(uint64_t *seed, uint32_t limit)
{
	*seed = *seed * 0x5851f42d4c957f2dULL + 0x14057b7ef767814fULL;
	return (uint32_t)(*seed >> 33) % limit;
}

/** Shuffle runs of pages; a run ends before each page that is not glued to the one before it. */
static int shuffle(struct guest_iotlb *iotlb, const bool *glued, uint64_t seed)
{
	uint32_t *starts = calloc(iotlb->pages, sizeof(*starts));
	uint32_t runs = 0, place = 0;

	if (!starts)
		return -ENOMEM;
	for (uint32_t page = 0; page < iotlb->pages; page++)
		if (!glued[page])
			starts[runs++] = page;
	for (uint32_t i = runs - 1; seed && i > 0; i--) {
		uint32_t other = random_below(&seed, i + 1), kept = starts[i];

		starts[i] = starts[other];
		starts[other] = kept;
	}
	for (uint32_t i = 0; i < runs; i++) {
		uint32_t page = starts[i];

		do
			iotlb->place[page++] = place++;
		while (page < iotlb->pages && glued[page]);
	}
	free(starts);
	return 0;
}

/** Give all pages new places and keep what the driver sees. */
static int scatter(struct guest_iotlb *iotlb, uint64_t seed)
{
	struct guest_region *region = region_of(iotlb);
	bool *glued = calloc(iotlb->pages, sizeof(*glued));
	uint8_t *kept = malloc(region->size);
	int ret = glued && kept ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < iotlb->guest->queue_count && ret == 0; i++) {
		uint32_t count, first = guest_iotlb_ring(iotlb, i, &count);

		for (uint32_t page = first + 1; page < first + count; page++)
			glued[page] = true;
	}
	for (uint32_t i = 1; i < GUEST_IOTLB_SPARE && ret == 0; i++)
		glued[iotlb->pages - i] = true;
	if (ret == 0)
		ret = shuffle(iotlb, glued, seed);
	if (ret == 0) {
		memcpy(kept, region->host, region->size);
		ret = map_pages(iotlb, 0, iotlb->pages);
	}
	if (ret == 0)
		memcpy(region->host, kept, region->size);
	free(kept);
	free(glued);
	return ret;
}

int guest_iotlb_create(struct guest_iotlb *iotlb, struct guest *guest, uint64_t seed)
{
	int ret;

	memset(iotlb, 0, sizeof(*iotlb));
	iotlb->guest = guest;
	iotlb->pages = (uint32_t)(guest->memory.regions[0].size / PAGE);
	iotlb->place = calloc(iotlb->pages, sizeof(*iotlb->place));
	iotlb->permission = malloc(iotlb->pages);
	if (!iotlb->place || !iotlb->permission) {
		guest_iotlb_destroy(iotlb);
		return -ENOMEM;
	}
	memset(iotlb->permission, VHOST_ACCESS_RW, iotlb->pages);
	ret = scatter(iotlb, seed);
	if (ret < 0)
		guest_iotlb_destroy(iotlb);
	else
		guest->iotlb = iotlb;
	return ret;
}

void guest_iotlb_destroy(struct guest_iotlb *iotlb)
{
	free(iotlb->place);
	free(iotlb->permission);
	iotlb->place = NULL;
	iotlb->permission = NULL;
	if (iotlb->guest)
		iotlb->guest->iotlb = NULL;
	iotlb->guest = NULL;
}

int guest_iotlb_swap(struct guest_iotlb *iotlb, uint32_t first, uint32_t second, uint32_t count)
{
	uint8_t *host = region_of(iotlb)->host;
	uint64_t size = (uint64_t)count * PAGE;
	uint8_t *kept = malloc(2 * size);
	int ret;

	if (!kept)
		return -ENOMEM;
	memcpy(kept, host + (uint64_t)first * PAGE, size);
	memcpy(kept + size, host + (uint64_t)second * PAGE, size);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t place = iotlb->place[first + i];

		iotlb->place[first + i] = iotlb->place[second + i];
		iotlb->place[second + i] = place;
	}
	ret = map_pages(iotlb, first, count);
	if (ret == 0)
		ret = map_pages(iotlb, second, count);
	memcpy(host + (uint64_t)first * PAGE, kept, size);
	memcpy(host + (uint64_t)second * PAGE, kept + size, size);
	free(kept);
	return ret;
}

int guest_iotlb_move_ring(struct guest_iotlb *iotlb, uint32_t queue)
{
	uint32_t count, first = guest_iotlb_ring(iotlb, queue, &count);
	uint32_t spare = iotlb->pages - GUEST_IOTLB_SPARE + queue * (GUEST_IOTLB_SPARE / 2);
	bool was_silent = iotlb->silent;
	int ret;

	if (queue > 1 || count > GUEST_IOTLB_SPARE / 2)
		return -EINVAL;
	/* What the backend asks now must not be answered with the old place. */
	iotlb->silent = true;
	ret = guest_iotlb_forget(iotlb, first, count);
	if (ret == 0)
		ret = guest_iotlb_swap(iotlb, first, spare, count);
	iotlb->silent = was_silent;
	for (uint32_t i = 0; i < count && ret == 0 && !was_silent; i++)
		ret = guest_iotlb_tell(iotlb, first + i);
	return ret;
}

int guest_iotlb_tell(struct guest_iotlb *iotlb, uint32_t page)
{
	const struct guest_region *region = region_of(iotlb);
	struct vhost_iotlb_msg update = {
		.iova = region->gpa + (uint64_t)page * PAGE,
		.size = PAGE,
		.uaddr = (uintptr_t)region->host + (uint64_t)iotlb->place[page] * PAGE,
		.perm = iotlb->permission[page],
		.type = VHOST_IOTLB_UPDATE,
	};

	return guest_iotlb(&iotlb->guest->frontend, &update);
}

int guest_iotlb_forget(struct guest_iotlb *iotlb, uint32_t page, uint32_t count)
{
	struct vhost_iotlb_msg invalidation = {
		.iova = region_of(iotlb)->gpa + (uint64_t)page * PAGE,
		.size = (uint64_t)count * PAGE,
		.type = VHOST_IOTLB_INVALIDATE,
	};

	return guest_iotlb(&iotlb->guest->frontend, &invalidation);
}

int guest_iotlb_answer(struct guest_iotlb *iotlb, const struct vhost_iotlb_msg *miss)
{
	const struct guest_region *region = region_of(iotlb);
	uint32_t page = guest_iotlb_page(iotlb, miss->iova);

	iotlb->misses++;
	iotlb->last = *miss;
	if (iotlb->asked)
		iotlb->asked(iotlb->context, miss);
	if (iotlb->asked || iotlb->silent || miss->iova - region->gpa >= region->size ||
	    !iotlb->permission[page])
		return 0;
	iotlb->answers++;
	return guest_iotlb_tell(iotlb, page);
}
