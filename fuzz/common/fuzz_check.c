/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#include "fuzz_check.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Numbers that are looked at; a leak shows long before it comes to more. */
#define DESCRIPTORS 1024
/* Bytes in front of and behind a mapping. */
#define GUARD ((size_t)4096)
/* Memory maps and blocks are counted by the linker's --wrap, which fuzz.mk asks for. */
static long mappings, mapped_bytes, blocks, block_bytes;
static struct fuzz_usage usual;
static bool was_open[DESCRIPTORS];
static unsigned int failing_after;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *block);
void *__real_mmap(void *where, size_t size, int protection, int flags, int file, off_t offset);
int __real_munmap(void *where, size_t size);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *block);
void *__wrap_mmap(void *where, size_t size, int protection, int flags, int file, off_t offset);
int __wrap_munmap(void *where, size_t size);

void fuzz_fail(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "finding: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
	abort();
}

/*
 * Blocks that are alive are kept in a ring of the latest, so that a leak can be named; counting is
 * exact without it.
 */
#define LATEST 512
static struct {
	void *block;
	void *caller;
	size_t size;
} latest[LATEST];
static unsigned int latest_next;

static bool fails(void)
{
	unsigned int left = __atomic_load_n(&failing_after, __ATOMIC_RELAXED);

	if (left == 0)
		return false;
	if (left == 1)
		return true;
	__atomic_store_n(&failing_after, left - 1, __ATOMIC_RELAXED);
	return false;
}

static void *count_block(void *block, void *caller)
{
	unsigned int place;

	if (block == NULL)
		return NULL;
	__atomic_add_fetch(&blocks, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&block_bytes, (long)malloc_usable_size(block), __ATOMIC_RELAXED);
	place = __atomic_fetch_add(&latest_next, 1, __ATOMIC_RELAXED) % LATEST;
	latest[place].block = block;
	latest[place].caller = caller;
	latest[place].size = malloc_usable_size(block);
	return block;
}

static void forget_block(void *block)
{
	unsigned int next, back, place;

	if (block == NULL)
		return;
	__atomic_sub_fetch(&blocks, 1, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&block_bytes, (long)malloc_usable_size(block), __ATOMIC_RELAXED);
	next = __atomic_load_n(&latest_next, __ATOMIC_RELAXED);
	for (back = 1; back <= LATEST; back++) {
		place = (next - back) % LATEST;
		if (latest[place].block == block) {
			latest[place].block = NULL;
			break;
		}
	}
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : count_block(__real_malloc(size), __builtin_return_address(0));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : count_block(__real_calloc(count, size),
		__builtin_return_address(0));
}

void *__wrap_realloc(void *old, size_t size)
{
	if (fails())
		return NULL;
	forget_block(old);
	return count_block(__real_realloc(old, size), __builtin_return_address(0));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : count_block(__real_aligned_alloc(alignment, size),
		__builtin_return_address(0));
}

void __wrap_free(void *block)
{
	forget_block(block);
	__real_free(block);
}

/* Pages that nobody may touch lie around each mapping: what reaches over its end is found. */
static size_t with_guards(size_t size)
{
	return ((size + GUARD - 1) & ~(GUARD - 1)) + 2 * GUARD;
}

/* Counts what was mapped; MAP_FIXED takes the place of what was there. */
static void *counted(void *result, size_t size, int flags)
{
	if (result != MAP_FAILED && (flags & MAP_FIXED) == 0) {
		__atomic_add_fetch(&mappings, 1, __ATOMIC_RELAXED);
		__atomic_add_fetch(&mapped_bytes, (long)size, __ATOMIC_RELAXED);
	}
	return result;
}

void *__wrap_mmap(void *where, size_t size, int protection, int flags, int file, off_t offset)
{
	uint8_t *reserved;
	void *result;

	if (fuzz_map != NULL)
		return counted(fuzz_map(where, size, protection, flags, file, offset), size, flags);
	/* MAP_FIXED takes the place of what was there. */
	if ((flags & MAP_FIXED) != 0 || size == 0)
		return __real_mmap(where, size, protection, flags, file, offset);
	reserved = __real_mmap(NULL, with_guards(size), PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (reserved == MAP_FAILED)
		return MAP_FAILED;
	result = __real_mmap(reserved + GUARD, size, protection, flags | MAP_FIXED, file, offset);
	if (result == MAP_FAILED) {
		int error = errno;

		__real_munmap(reserved, with_guards(size));
		errno = error;
		return MAP_FAILED;
	}
	return counted(result, size, flags);
}

int __wrap_munmap(void *where, size_t size)
{
	int result = fuzz_unmap != NULL ? fuzz_unmap(where, size) :
		__real_munmap((uint8_t *)where - GUARD, with_guards(size));

	if (result != 0)
		fuzz_fail("munmap(%p, %zu) failed", where, size);
	__atomic_sub_fetch(&mappings, 1, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&mapped_bytes, (long)size, __ATOMIC_RELAXED);
	return result;
}

void fuzz_fail_allocations(unsigned int after)
{
	__atomic_store_n(&failing_after, after, __ATOMIC_RELAXED);
}

struct fuzz_usage fuzz_usage(void)
{
	struct fuzz_usage usage = {
		__atomic_load_n(&mappings, __ATOMIC_RELAXED),
		__atomic_load_n(&mapped_bytes, __ATOMIC_RELAXED),
		__atomic_load_n(&blocks, __ATOMIC_RELAXED),
		__atomic_load_n(&block_bytes, __ATOMIC_RELAXED),
	};

	return usage;
}

void fuzz_print_blocks(void)
{
	unsigned int next = __atomic_load_n(&latest_next, __ATOMIC_RELAXED);
	unsigned int back, place;

	for (back = 1; back <= LATEST; back++) {
		place = (next - back) % LATEST;
		if (latest[place].block != NULL)
			fprintf(stderr, "  %zu bytes at %p, asked for at %p\n",
				latest[place].size, latest[place].block, latest[place].caller);
	}
}

/* One system call tells of a thousand numbers which are open. */
static void look(bool open[DESCRIPTORS])
{
	struct pollfd polled[DESCRIPTORS];
	int index;

	for (index = 0; index < DESCRIPTORS; index++)
		polled[index] = (struct pollfd){ .fd = index };
	if (poll(polled, DESCRIPTORS, 0) < 0)
		fuzz_fail("poll of %d descriptors", DESCRIPTORS);
	for (index = 0; index < DESCRIPTORS; index++)
		open[index] = (polled[index].revents & POLLNVAL) == 0;
}

int fuzz_fresh_descriptors(int *first)
{
	bool open[DESCRIPTORS];
	int count = 0, index;

	look(open);
	for (index = DESCRIPTORS - 1; index >= 0; index--) {
		if (open[index] && !was_open[index]) {
			count++;
			*first = index;
		}
		if (was_open[index] && !open[index])
			fuzz_fail("descriptor %d was closed, which is none of its business", index);
	}
	return count;
}

void fuzz_baseline(void)
{
	look(was_open);
	memset(latest, 0, sizeof(latest));
	usual = fuzz_usage();
}

/* glibc gives what is at hand: only AddressSanitizer's sizes are those asked for. */
#if __has_feature(address_sanitizer)
#define SAME_BYTES(one, other) ((one) == (other))
#else
#define SAME_BYTES(one, other) true
#endif

/* Blocks that may yet be kept for good, and the bytes of each. */
static long kept_blocks, kept_bytes;

void fuzz_may_keep(long blocks, long bytes)
{
	kept_blocks = blocks;
	kept_bytes = bytes;
}

/* Blocks that may be kept are usual from the first time on that they are there. */
static void keep(const struct fuzz_usage *now)
{
	long blocks = now->blocks - usual.blocks;

	if (blocks <= 0 || blocks > kept_blocks ||
	    !SAME_BYTES(now->block_bytes - usual.block_bytes, blocks * kept_bytes))
		return;
	kept_blocks -= blocks;
	usual.blocks = now->blocks;
	usual.block_bytes = now->block_bytes;
}

static bool is_usual(const struct fuzz_usage *now)
{
	return now->mappings == usual.mappings && now->mapped_bytes == usual.mapped_bytes &&
		now->blocks == usual.blocks && SAME_BYTES(now->block_bytes, usual.block_bytes);
}

void fuzz_check_baseline(void)
{
	struct fuzz_usage now = fuzz_usage();
	char link[64], target[256] = "";
	int first = -1, fresh = fuzz_fresh_descriptors(&first), tries;

	/*
	 * The library closes some files on threads of its own: a moment later all are closed. A
	 * busy machine makes several milliseconds of each turn, and less than -timeout of all.
	 */
	for (tries = 0; tries < 1000 && (fresh > 0 || !is_usual(&now)); tries++) {
		usleep(1000);
		fresh = fuzz_fresh_descriptors(&first);
		now = fuzz_usage();
	}
	keep(&now);
	if (fresh > 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", first);
		if (readlink(link, target, sizeof(target) - 1) < 0)
			target[0] = 0;
		fuzz_fail("%d descriptors leaked, the first is %d: %s", fresh, first, target);
	}
	if (now.mappings != usual.mappings || now.mapped_bytes != usual.mapped_bytes)
		fuzz_fail("mappings leaked: %ld, %ld bytes", now.mappings - usual.mappings,
			now.mapped_bytes - usual.mapped_bytes);
	if (now.blocks != usual.blocks || !SAME_BYTES(now.block_bytes, usual.block_bytes)) {
		fuzz_print_blocks();
		fuzz_fail("memory leaked: %ld blocks, %ld bytes", now.blocks - usual.blocks,
			now.block_bytes - usual.block_bytes);
	}
}
