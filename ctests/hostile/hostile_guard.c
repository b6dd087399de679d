/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * The library maps the guest's files with this program's mmap(), which puts each between pages
 * that fault: an access of the library just outside of a region ends the program.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "hostile.h"

#define PLACES 4096
#define SMALL_PAGE 4096UL

/** A mapping, and the reservation that it lies in. */
struct place {
	uint8_t *start, *reserved;
	size_t size, reserved_size;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct place places[PLACES];
static uint32_t count;

static void *map(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
}

/** The page size of a guest's memory file; 0 for any other. */
static size_t guest_page(int fd)
{
	char link[32], target[64];
	struct stat status;
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, target, sizeof(target) - 1);
	if (length <= 0 || fstat(fd, &status) < 0)
		return 0;
	target[length] = 0;
	if (strncmp(target, "/memfd:guest", 12) != 0)
		return 0;
	return status.st_blksize > (long)SMALL_PAGE ? (size_t)status.st_blksize : SMALL_PAGE;
}

/** The mapping's end is where the file's is, as far as it is mapped: the guard page is next. */
static void *map_guarded(size_t size, int protection, int flags, int fd, off_t offset, size_t page)
{
	size_t whole = (size + page - 1) / page * page, reserved_size = whole + 3 * page;
	uint8_t *reserved = map(NULL, reserved_size, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *start;
	void *made;

	if (reserved == MAP_FAILED)
		return MAP_FAILED;
	start = (uint8_t *)(((uintptr_t)reserved + 2 * page - 1) / page * page);
	made = map(start, size, protection, flags | MAP_FIXED, fd, offset);
	pthread_mutex_lock(&lock);
	for (int i = 0; i < PLACES && made != MAP_FAILED; i++)
		if (!places[i].start) {
			places[i] = (struct place){ start, reserved, size, reserved_size };
			count++;
			pthread_mutex_unlock(&lock);
			return made;
		}
	pthread_mutex_unlock(&lock);
	syscall(SYS_munmap, reserved, reserved_size);
	return MAP_FAILED;
}

/* Called from a signal handler too, with MAP_FIXED: that way leads straight to the kernel. */
void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	size_t page = 0;

	if (fd >= 0 && !address && (flags & MAP_SHARED) && !(flags & MAP_FIXED))
		page = guest_page(fd);
	if (page)
		return map_guarded(size, protection, flags, fd, offset, page);
	return map(address, size, protection, flags, fd, offset);
}

int munmap(void *address, size_t size)
{
	struct place place = { 0 };

	pthread_mutex_lock(&lock);
	for (int i = 0; i < PLACES && count > 0 && !place.start; i++)
		if (places[i].start == address && places[i].size == size) {
			place = places[i];
			memset(&places[i], 0, sizeof(places[i]));
			count--;
		}
	pthread_mutex_unlock(&lock);
	if (place.start)
		return (int)syscall(SYS_munmap, place.reserved, place.reserved_size);
	return (int)syscall(SYS_munmap, address, size);
}

uint32_t hostile_guarded(void)
{
	uint32_t now;

	pthread_mutex_lock(&lock);
	now = count;
	pthread_mutex_unlock(&lock);
	return now;
}

bool hostile_is_readable(const void *at)
{
	char byte;
	struct iovec to = { &byte, 1 }, from = { (void *)(uintptr_t)at, 1 };

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1;
}
