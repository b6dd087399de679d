/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * The linker's --wrap gives us the library's calls of these functions: a clock that is the same in
 * each run, sleep that costs nothing, no event thread, and guard pages around each shared mapping.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fuzz_check.h"
#include "rig.h"

#define MAPPINGS 256
#define PAGE 4096UL

static struct {
	uint8_t *start;
	size_t size;
} mapped[MAPPINGS];
static unsigned int mapped_count;
/* libFuzzer has a thread, and a clock, of its own. */
static bool is_begun, is_quiet;
static pthread_t owner;
static uint64_t now = 1000000000;
/* What the event thread would have been given: no leak. */
static void *unused;

void *__real_mmap(void *where, size_t size, int protection, int flags, int file, off_t offset);
int __real_munmap(void *where, size_t size);
int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __real_nanosleep(const struct timespec *time, struct timespec *rest);
ssize_t __real_write(int file, const void *bytes, size_t size);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
	void *(*body)(void *), void *argument);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_nanosleep(const struct timespec *time, struct timespec *rest);
ssize_t __wrap_write(int file, const void *bytes, size_t size);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
	void *(*body)(void *), void *argument);

void rig_begin(void)
{
	is_begun = true;
	is_quiet = getenv("RIG_LOG") == NULL;
	owner = pthread_self();
}

void rig_end(void)
{
	is_begun = false;
	is_quiet = false;
}

static bool is_ours(void)
{
	return is_begun && pthread_equal(owner, pthread_self());
}

void rig_pass(uint64_t nanoseconds)
{
	now += nanoseconds;
}

unsigned int rig_mappings(void)
{
	return mapped_count;
}

bool rig_is_mapped(const void *start, size_t size)
{
	const uint8_t *first = start;

	for (unsigned int index = 0; index < mapped_count; index++) {
		if (first >= mapped[index].start && size <= mapped[index].size &&
		    (size_t)(first - mapped[index].start) <= mapped[index].size - size)
			return true;
	}
	return false;
}

void *fuzz_map(void *where, size_t size, int protection, int flags, int file, off_t offset)
{
	size_t whole = (size + PAGE - 1) & ~(PAGE - 1);
	uint8_t *around, *result;

	if (!is_ours() || where != NULL || file < 0 || (flags & MAP_SHARED) == 0 ||
	    mapped_count == MAPPINGS)
		return __real_mmap(where, size, protection, flags, file, offset);
	around = __real_mmap(NULL, whole + 2 * PAGE, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (around == MAP_FAILED)
		return MAP_FAILED;
	result = __real_mmap(around + PAGE, size, protection, flags | MAP_FIXED, file, offset);
	if (result == MAP_FAILED) {
		__real_munmap(around, whole + 2 * PAGE);
		return MAP_FAILED;
	}
	mapped[mapped_count].start = result;
	mapped[mapped_count].size = size;
	mapped_count++;
	return result;
}

int fuzz_unmap(void *where, size_t size)
{
	size_t whole = (size + PAGE - 1) & ~(PAGE - 1);

	for (unsigned int index = 0; index < mapped_count; index++) {
		if (mapped[index].start != where)
			continue;
		FUZZ_CHECK(mapped[index].size == size);
		mapped_count--;
		mapped[index] = mapped[mapped_count];
		return __real_munmap((uint8_t *)where - PAGE, whole + 2 * PAGE);
	}
	return __real_munmap(where, size);
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	if (!is_ours() || clock != CLOCK_MONOTONIC)
		return __real_clock_gettime(clock, time);
	time->tv_sec = (time_t)(now / 1000000000);
	time->tv_nsec = (long)(now % 1000000000);
	return 0;
}

/* Who sleeps waits for somebody: for the event thread, or the engine. Its patience ends soon. */
int __wrap_nanosleep(const struct timespec *time, struct timespec *rest)
{
	if (!is_ours())
		return __real_nanosleep(time, rest);
	now += (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_nsec + 300000000;
	(void)rig_turn();
	return 0;
}

ssize_t __wrap_write(int file, const void *bytes, size_t size)
{
	return file == STDERR_FILENO && is_quiet ? (ssize_t)size : __real_write(file, bytes, size);
}

static void *idle(void *argument)
{
	return argument;
}

/* libFuzzer has threads of its own; the library starts just one, which rig_turn() stands for. */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
	void *(*body)(void *), void *argument)
{
	if (!is_ours())
		return __real_pthread_create(thread, attributes, body, argument);
	unused = argument;
	return __real_pthread_create(thread, attributes, idle, NULL);
}
