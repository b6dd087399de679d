/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef CRTE_INSPECT_H
#define CRTE_INSPECT_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/** Words of whatever type lies there. */
typedef uint64_t __attribute__((may_alias)) crte_word;

/**
 * Copies words that other threads may be changing: each of them is whole, being aligned and loaded
 * once; together they may be from different moments. ThreadSanitizer is right about the race, which
 * is meant; volatile and not atomic, because it watches atomic loads even here.
 */
__attribute__((noinline, no_sanitize("thread"))) static inline void crte_copy_words(
	void *to, const void *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		((crte_word *)to)[i] = ((const volatile crte_word *)from)[i];
}

/**
 * Copies bytes of this process that may be unmapped, or whose file may be cut short, meanwhile: the
 * kernel fails where a load would be a fault. Result as read().
 */
static inline ssize_t crte_peek(void *to, uintptr_t from, size_t count)
{
	struct iovec local = { to, count };
	struct iovec remote = { (void *)from, count };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
}

/** The mode of the file that a socket will be bound to, less the umask: unix(7). */
static inline int crte_set_socket_mode(int fd, unsigned int mode)
{
	return fchmod(fd, mode);
}

/** recv() without waiting. */
static inline ssize_t crte_receive_bytes(int fd, void *bytes, size_t count)
{
	return recv(fd, bytes, count, MSG_DONTWAIT);
}

#endif /* CRTE_INSPECT_H */
