/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef CRTE_SOCKET_H
#define CRTE_SOCKET_H

/* Control messages and errno: macros that Swift does not see. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/** RENAME_NOREPLACE of Linux. */
#define CRTE_RENAME_NOREPLACE 1u

/** Most descriptors taken from one message; Linux itself never delivers more than 253. */
#define CRTE_MAX_DESCRIPTORS 16

/**
 * What one recvmsg() brought besides bytes. Descriptors beyond the room were closed by the kernel.
 */
struct crte_received {
	int fds[CRTE_MAX_DESCRIPTORS];
	uint32_t count;
	/** Not 0 when the kernel had to drop descriptors. */
	uint32_t truncated;
};

static inline int crte_errno(void)
{
	return errno;
}

static inline void crte_set_errno(int value)
{
	errno = value;
}

/**
 * recvmsg() without waiting; every descriptor that came is listed and close-on-exec. Result as
 * recvmsg().
 */
static inline ssize_t crte_receive(int fd, void *bytes, size_t count,
	struct crte_received *received)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * CRTE_MAX_DESCRIPTORS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { bytes, count };
	struct msghdr message;
	struct cmsghdr *header;
	ssize_t result;

	memset(&message, 0, sizeof(message));
	message.msg_iov = &iov;
	message.msg_iovlen = 1;
	message.msg_control = control.bytes;
	message.msg_controllen = sizeof(control.bytes);
	received->count = 0;
	received->truncated = 0;
	result = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (result < 0)
		return result;
	received->truncated = (message.msg_flags & MSG_CTRUNC) != 0;
	for (header = CMSG_FIRSTHDR(&message); header != NULL;
			header = CMSG_NXTHDR(&message, header)) {
		size_t length = header->cmsg_len - CMSG_LEN(0);

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(received->fds + received->count, CMSG_DATA(header), length);
		received->count += (uint32_t)(length / sizeof(int));
	}
	return result;
}

/*
 * The socket calls whose address argument is a transparent union in GNU C, which Swift does not
 * import.
 */

static inline int crte_bind(int fd, const struct sockaddr_un *address)
{
	return bind(fd, (const struct sockaddr *)address, sizeof(*address));
}

static inline int crte_connect(int fd, const struct sockaddr_un *address)
{
	return connect(fd, (const struct sockaddr *)address, sizeof(*address));
}

/** Renames a socket's file unless the new name is taken. */
static inline int crte_rename(const struct sockaddr_un *from, const struct sockaddr_un *to)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from->sun_path, AT_FDCWD, to->sun_path,
		CRTE_RENAME_NOREPLACE);
}

/** User at the other end of a connected Unix socket. 0, or -1 with errno. */
static inline int crte_peer_user(int fd, uint32_t *user)
{
	/* struct ucred, which glibc declares under _GNU_SOURCE only. */
	struct {
		pid_t process;
		uid_t user;
		gid_t group;
	} credentials = { 0, (uid_t)-1, (gid_t)-1 };
	socklen_t size = sizeof(credentials);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
		return -1;
	*user = credentials.user;
	return 0;
}

static inline int crte_accept(int fd)
{
	return accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CRTE_SEND_READS 1
/* The runtime's send() does not count as a read of what is sent. */
void __tsan_read_range(void *address, unsigned long size);
#endif
#endif

/** sendmsg() of bytes without descriptors, without waiting and without SIGPIPE. */
static inline ssize_t crte_send(int fd, const void *bytes, size_t count)
{
#ifdef CRTE_SEND_READS
	__tsan_read_range((void *)bytes, count);
#endif
	return send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/** The same with descriptors, whose numbers lie at any address. */
static inline ssize_t crte_send_descriptors(int fd, const void *bytes, size_t count,
	const void *descriptors, uint32_t descriptor_count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * CRTE_MAX_DESCRIPTORS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { (void *)bytes, count };
	struct msghdr message;
	size_t length = sizeof(int) * descriptor_count;

	memset(&message, 0, sizeof(message));
	message.msg_iov = &iov;
	message.msg_iovlen = 1;
	if (descriptor_count > 0 && descriptor_count <= CRTE_MAX_DESCRIPTORS) {
		memset(&control, 0, sizeof(control));
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(length);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(length);
		memcpy(CMSG_DATA(&control.align), descriptors, length);
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/** 1 for a Unix stream socket, 0 for anything else. */
static inline int crte_is_unix_stream(int fd)
{
	int domain = 0;
	int type = 0;
	socklen_t size = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
		getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/** Waits until bytes can be read or the peer is gone. Result as poll(). */
static inline int crte_wait_readable(int fd, int milliseconds)
{
	struct pollfd entry = { fd, POLLIN, 0 };

	return poll(&entry, 1, milliseconds);
}

static inline int crte_duplicate(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

/** 1 for a socket, which will not wait when it is closed for what it has not sent. */
static inline int crte_end_linger(int fd)
{
	struct linger none = { 0, 0 };

	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none)) == 0;
}

/** 1 for files in memory: memfd, tmpfs, hugetlbfs. Asks the kernel alone, and not who serves it. */
static inline int crte_is_memory(int fd)
{
	return fcntl(fd, F_GET_SEALS) >= 0;
}

/** Descriptors that the process may have, RLIMIT_NOFILE; 0 on error. */
static inline uint64_t crte_descriptor_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

/** Type of the file system of a file, 0 on error; whoever serves it is asked. */
static inline uint64_t crte_file_system(int fd)
{
	struct statfs status;

	return fstatfs(fd, &status) == 0 ? (uint64_t)status.f_type & UINT32_MAX : 0;
}

static inline int crte_fcntl_get_flags(int fd)
{
	return fcntl(fd, F_GETFL);
}

static inline int crte_fcntl_set_flags(int fd, int flags)
{
	return fcntl(fd, F_SETFL, flags);
}

/** A file of `size` zero bytes in memory that nobody can shorten; -1 on error. */
static inline int crte_shared_file(const char *name, off_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && (ftruncate(fd, size) < 0 ||
			fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

#endif /* CRTE_SOCKET_H */
