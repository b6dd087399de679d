/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef CRTE_FAULT_H
#define CRTE_FAULT_H

/* userfaultfd by system call and ioctl: libc has no wrappers, and the requests are macros. */

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/** A userfaultfd of which nothing is known yet; -1 with errno set. */
static inline int crte_userfault_open(void)
{
	return (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
}

/** Agrees on the interface; 0 or -1 with errno set. */
static inline int crte_userfault_agree(int fd)
{
	struct uffdio_api api;

	memset(&api, 0, sizeof(api));
	api.api = UFFD_API;
	return ioctl(fd, UFFDIO_API, &api);
}

/** Faults of missing pages go to the descriptor from here on; 0 or -1 with errno set. */
static inline int crte_userfault_register(int fd, uintptr_t start, size_t count)
{
	struct uffdio_register request;

	memset(&request, 0, sizeof(request));
	request.range.start = start;
	request.range.len = count;
	request.mode = UFFDIO_REGISTER_MODE_MISSING;
	return ioctl(fd, UFFDIO_REGISTER, &request);
}

/** No longer; threads that wait for a page are woken and get zeroes. */
static inline int crte_userfault_unregister(int fd, uintptr_t start, size_t count)
{
	struct uffdio_range range = { start, count };

	return ioctl(fd, UFFDIO_UNREGISTER, &range);
}

#endif /* CRTE_FAULT_H */
