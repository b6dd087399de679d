/* SPDX-License-Identifier: BSD-3-Clause */

/* libc's functions as the library finds them. Declared here: the headers' attributes differ. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "faults_calls.h"

#define CALLER __builtin_return_address(0)

/** What comes after this program: the sanitizer's function, where it is built with one. */
#define REAL(name) __extension__ ({ \
	extern __typeof__(name) __interceptor_##name __attribute__((weak)); \
	static __typeof__(&name) real; \
	if (!real) \
		real = &__interceptor_##name ? &__interceptor_##name : \
		       (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
	real; })

/** The same where dlsym() allocates memory itself. */
#define REAL_MEMORY(name) __extension__ ({ \
	extern __typeof__(__libc_##name) __interceptor_##name __attribute__((weak)); \
	&__interceptor_##name ? &__interceptor_##name : &__libc_##name; })

/** A function that returns -1 with errno. */
#define PLAIN(type, name, parameters, ...) \
	type name parameters \
	{ \
		if (faults_next(FAULT_##name, CALLER) > 0) \
			return -1; \
		return REAL(name)(__VA_ARGS__); \
	}

/** One that returns its error. */
#define POSIX(name, parameters, ...) \
	int name parameters \
	{ \
		int error = faults_next(FAULT_##name, CALLER); \
		return error > 0 ? error : REAL(name)(__VA_ARGS__); \
	}

/** One that does its work whatever it says. */
#define STUBBORN(name, parameters, ...) \
	int name parameters \
	{ \
		int error = faults_next(FAULT_##name, CALLER); \
		int result = REAL(name)(__VA_ARGS__); \
		if (error > 0) { \
			errno = error; \
			return -1; \
		} \
		return result; \
	}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

PLAIN(int, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags), fd, address,
      size, flags)
PLAIN(int, bind, (int fd, const struct sockaddr *address, socklen_t size), fd, address, size)
STUBBORN(close, (int fd), fd)
PLAIN(int, connect, (int fd, const struct sockaddr *address, socklen_t size), fd, address, size)
PLAIN(int, epoll_create1, (int flags), flags)
PLAIN(int, epoll_ctl, (int fd, int operation, int other, struct epoll_event *event), fd,
      operation, other, event)
PLAIN(int, epoll_wait, (int fd, struct epoll_event *events, int most, int ms), fd, events, most,
      ms)
PLAIN(int, eventfd, (unsigned int value, int flags), value, flags)
PLAIN(int, eventfd_read, (int fd, eventfd_t *value), fd, value)
PLAIN(int, eventfd_write, (int fd, eventfd_t value), fd, value)
PLAIN(int, fstat, (int fd, struct stat *status), fd, status)
PLAIN(int, ftruncate, (int fd, off_t size), fd, size)
PLAIN(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *size), fd, level,
      name, value, size)
PLAIN(int, listen, (int fd, int backlog), fd, backlog)
PLAIN(int, lstat, (const char *path, struct stat *status), path, status)
PLAIN(int, memfd_create, (const char *name, unsigned int flags), name, flags)
PLAIN(int, nanosleep, (const struct timespec *time, struct timespec *rest), time, rest)
PLAIN(int, poll, (struct pollfd *entries, nfds_t count, int ms), entries, count, ms)
POSIX(pthread_create, (pthread_t *thread, const pthread_attr_t *attributes,
		       void *(*start)(void *), void *argument), thread, attributes, start,
      argument)
POSIX(pthread_key_create, (pthread_key_t *key, void (*destructor)(void *)), key, destructor)
POSIX(pthread_setspecific, (pthread_key_t key, const void *value), key, value)
PLAIN(ssize_t, readlink, (const char *path, char *text, size_t size), path, text, size)
PLAIN(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t size), fd,
      level, name, value, size)
STUBBORN(shutdown, (int fd, int how), fd, how)
PLAIN(int, sigaction, (int number, const struct sigaction *action, struct sigaction *old), number,
      action, old)
PLAIN(int, socket, (int domain, int type, int protocol), domain, type, protocol)
PLAIN(int, unlink, (const char *path), path)
PLAIN(ssize_t, write, (int fd, const void *bytes, size_t count), fd, bytes, count)

int fcntl(int fd, int command, ...)
{
	va_list rest;
	long value;

	va_start(rest, command);
	value = va_arg(rest, long);
	va_end(rest);
	return faults_next(FAULT_fcntl, CALLER) > 0 ? -1 : REAL(fcntl)(fd, command, value);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list rest;
	void *value;

	va_start(rest, request);
	value = va_arg(rest, void *);
	va_end(rest);
	return faults_next(FAULT_ioctl, CALLER) > 0 ? -1 : REAL(ioctl)(fd, request, value);
}

int open(const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = va_arg(rest, mode_t);
	va_end(rest);
	return faults_next(FAULT_open, CALLER) > 0 ? -1 : REAL(open)(path, flags, mode);
}

long syscall(long number, ...)
{
	long values[6];
	va_list rest;

	va_start(rest, number);
	for (int i = 0; i < 6; i++)
		values[i] = va_arg(rest, long);
	va_end(rest);
	if (faults_next(FAULT_syscall, CALLER) > 0)
		return -1;
	return REAL(syscall)(number, values[0], values[1], values[2], values[3], values[4],
			     values[5]);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	bool is_library = faults_is_library(CALLER);
	void *result;

	if (faults_next(FAULT_mmap, CALLER) > 0)
		return MAP_FAILED;
	result = REAL(mmap)(address, size, protection, flags, fd, offset);
	if (is_library && result != MAP_FAILED && !(flags & MAP_FIXED))
		faults_book_map(1);
	return result;
}

int munmap(void *address, size_t size)
{
	int error = faults_next(FAULT_munmap, CALLER);
	int result = REAL(munmap)(address, size);

	if (faults_is_library(CALLER))
		faults_book_map(-1);
	if (error > 0) {
		errno = error;
		return -1;
	}
	return result;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	int error = faults_next(FAULT_recvmsg, CALLER);
	ssize_t result;

	if (error > 0)
		return -1;
	if (error == FAULTS_SHORT && message->msg_iov[0].iov_len > 1)
		message->msg_iov[0].iov_len /= 2;
	if (error == FAULTS_NO_DESCRIPTORS)
		message->msg_controllen = 0;
	result = REAL(recvmsg)(fd, message, flags);
	return result;
}

ssize_t send(int fd, const void *bytes, size_t count, int flags)
{
	int error = faults_next(FAULT_send, CALLER);

	if (error > 0)
		return -1;
	return REAL(send)(fd, bytes, error == FAULTS_SHORT ? count / 2 : count, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	int error = faults_next(FAULT_sendmsg, CALLER);

	if (error > 0)
		return -1;
	if (error == FAULTS_SHORT)
		message->msg_iov[0].iov_len /= 2;
	return REAL(sendmsg)(fd, message, flags);
}

void *malloc(size_t size)
{
	void *block;

	if (faults_next(FAULT_malloc, CALLER) > 0)
		return NULL;
	block = REAL_MEMORY(malloc)(size);
	if (faults_is_library(CALLER))
		faults_book(block, size);
	return block;
}

void *calloc(size_t count, size_t size)
{
	void *block;

	if (faults_next(FAULT_calloc, CALLER) > 0)
		return NULL;
	block = REAL_MEMORY(calloc)(count, size);
	if (faults_is_library(CALLER))
		faults_book(block, count * size);
	return block;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	void *block;

	if (faults_next(FAULT_aligned_alloc, CALLER) > 0)
		return NULL;
	block = REAL_MEMORY(memalign)(alignment, size);
	if (faults_is_library(CALLER))
		faults_book(block, size);
	return block;
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
	if (faults_next(FAULT_posix_memalign, CALLER) > 0)
		return ENOMEM;
	*block = REAL_MEMORY(memalign)(alignment, size);
	if (faults_is_library(CALLER))
		faults_book(*block, size);
	return *block ? 0 : ENOMEM;
}

void free(void *block)
{
	faults_unbook(block);
	REAL_MEMORY(free)(block);
}
