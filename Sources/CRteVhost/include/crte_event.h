/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef CRTE_EVENT_H
#define CRTE_EVENT_H

/* Linux AIO by system call: libc has no wrappers, and Swift sees no syscall(). */

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/** 1 when the kernel's name of an open file begins with `name`; 0 as well without /proc. */
static inline int crte_is_named(int fd, const char *name, size_t length)
{
	char path[32];
	char target[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, target, sizeof(target)) >= (ssize_t)length &&
		memcmp(target, name, length) == 0;
}

/** 1 for an eventfd, 0 for anything else or where /proc is not mounted. */
static inline int crte_is_eventfd(int fd)
{
	static const char name[] = "anon_inode:[eventfd]";

	return crte_is_named(fd, name, sizeof(name) - 1);
}

/** 1 for what the kernel alone keeps: eventfds, pipes and the like. */
static inline int crte_is_anonymous(int fd)
{
	return crte_is_named(fd, "anon_inode:", 11) || crte_is_named(fd, "pipe:", 5);
}

/** A file that is always at its end; -1 with errno set. */
static inline int crte_open_null(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/** A context for `count` operations at a time; 0 when the system gives none. */
static inline uint64_t crte_aio_setup(unsigned int count)
{
	aio_context_t context = 0;

	return syscall(SYS_io_setup, count, &context) == 0 ? (uint64_t)context : 0;
}

/**
 * Reads one byte of `file`, which is at its end, and has the kernel add one to `event` for it. 1,
 * or another number with errno set.
 */
static inline long crte_aio_signal(uint64_t context, int file, int event)
{
	struct iocb operation;
	struct iocb *list = &operation;
	char byte;

	memset(&operation, 0, sizeof(operation));
	operation.aio_lio_opcode = IOCB_CMD_PREAD;
	operation.aio_fildes = (uint32_t)file;
	operation.aio_buf = (uintptr_t)&byte;
	operation.aio_nbytes = 1;
	operation.aio_flags = IOCB_FLAG_RESFD;
	operation.aio_resfd = (uint32_t)event;
	return syscall(SYS_io_submit, (aio_context_t)context, 1L, &list);
}

/** Makes room in the context: forgets operations that are done. */
static inline void crte_aio_reap(uint64_t context)
{
	struct io_event events[64];
	struct timespec none = { 0, 0 };

	while (syscall(SYS_io_getevents, (aio_context_t)context, 0L, 64L, events, &none) == 64)
		;
}

#endif /* CRTE_EVENT_H */
