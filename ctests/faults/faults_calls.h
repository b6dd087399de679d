/* SPDX-License-Identifier: BSD-3-Clause */

/** @file What the library imports from libc and what can go wrong with it (manual pages). */
#ifndef FAULTS_CALLS_H
#define FAULTS_CALLS_H

#include <stddef.h>

#include "faults_inject.h"

/*
 * EAGAIN of eventfd_write() is left out too: the event is full then, so whoever waits for it wakes.
 * Of the errors that a manual page allows, those after which the library may act differently.
 * Left out: what cannot fail (memcpy, clock_gettime, getpid), and the dynamic linker, whose "not
 * found" is the answer in every process without DPDK.
 */
#define FAULTS_ALL(X) \
	X(accept4, FAULTS_FILES, false, EMFILE, ECONNABORTED, EINTR, EAGAIN) \
	X(aligned_alloc, FAULTS_MEMORY, false, ENOMEM) \
	X(bind, FAULTS_NONE, false, ENOMEM, EACCES, EADDRINUSE) \
	X(calloc, FAULTS_MEMORY, false, ENOMEM) \
	X(close, FAULTS_NONE, true, EINTR, EIO) \
	X(connect, FAULTS_NONE, false, EAGAIN, ECONNREFUSED, ENOENT, EINTR) \
	X(epoll_create1, FAULTS_FILES, false, EMFILE, ENOMEM) \
	X(epoll_ctl, FAULTS_NONE, false, ENOMEM, ENOSPC) \
	X(epoll_wait, FAULTS_NONE, true, EINTR) \
	X(eventfd, FAULTS_FILES, false, EMFILE, ENOMEM) \
	X(eventfd_read, FAULTS_NONE, true, EAGAIN, EINTR) \
	X(eventfd_write, FAULTS_NONE, true, EINTR) \
	X(fcntl, FAULTS_NONE, false, EMFILE, EINTR) \
	X(fstat, FAULTS_NONE, false, ENOMEM) \
	X(ftruncate, FAULTS_NONE, false, ENOMEM, EINTR) \
	X(getsockopt, FAULTS_NONE, false, ENOMEM) \
	X(ioctl, FAULTS_NONE, false, ENOMEM, EINVAL) \
	X(listen, FAULTS_NONE, false, EADDRINUSE) \
	X(lstat, FAULTS_NONE, false, ENOMEM, ENOENT) \
	X(malloc, FAULTS_MEMORY, false, ENOMEM) \
	X(memfd_create, FAULTS_FILES, false, EMFILE, ENOMEM) \
	X(mmap, FAULTS_MEMORY, false, ENOMEM, ENFILE) \
	X(munmap, FAULTS_NONE, true, EINVAL) \
	X(nanosleep, FAULTS_NONE, true, EINTR) \
	X(open, FAULTS_FILES, false, EMFILE, EINTR) \
	X(poll, FAULTS_NONE, true, EINTR, ENOMEM) \
	X(posix_memalign, FAULTS_MEMORY, false, ENOMEM) \
	X(pthread_create, FAULTS_MEMORY, false, EAGAIN) \
	X(pthread_key_create, FAULTS_NONE, true, EAGAIN) \
	X(pthread_setspecific, FAULTS_NONE, true, ENOMEM) \
	X(readlink, FAULTS_NONE, false, ENOMEM, EACCES) \
	X(recvmsg, FAULTS_FILES, false, EINTR, EAGAIN, ENOMEM, ECONNRESET, FAULTS_SHORT, \
	  FAULTS_NO_DESCRIPTORS) \
	X(send, FAULTS_NONE, false, EAGAIN, EINTR, ENOBUFS, EPIPE, FAULTS_SHORT) \
	X(sendmsg, FAULTS_NONE, false, EAGAIN, EINTR, ENOBUFS, EPIPE, FAULTS_SHORT) \
	X(setsockopt, FAULTS_NONE, true, ENOMEM) \
	X(shutdown, FAULTS_NONE, true, ENOTCONN) \
	X(sigaction, FAULTS_NONE, true, EINVAL) \
	X(socket, FAULTS_FILES, false, EMFILE, ENOBUFS) \
	X(syscall, FAULTS_NONE, true, EAGAIN, ENOMEM, EPERM) \
	X(unlink, FAULTS_NONE, true, EACCES) \
	X(write, FAULTS_NONE, true, EAGAIN, EIO)

enum {
#define FAULTS_INDEX(name, ...) FAULT_##name,
	FAULTS_ALL(FAULTS_INDEX)
	FAULTS_COUNT
};

/** Counts a call. @return 0, or what is to go wrong with it; an errno is set already. */
int faults_next(int function, const void *caller);
bool faults_is_library(const void *caller);
/** Note what the library has. */
void faults_book(void *block, size_t bytes);
void faults_unbook(void *block);
void faults_book_map(int count);

#endif
