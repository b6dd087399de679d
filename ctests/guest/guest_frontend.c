/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "guest_frontend.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define RETRY_MS 20

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void guest_frontend_init(struct guest_frontend *frontend, int timeout_ms)
{
	frontend->listener = -1;
	frontend->socket = -1;
	frontend->backend_channel = -1;
	frontend->timeout_ms = timeout_ms;
	frontend->reply_ack = false;
}

static int fill_address(struct sockaddr_un *address, const char *path)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	return 0;
}

static int open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int guest_frontend_connect(struct guest_frontend *frontend, const char *path)
{
	int64_t deadline = now_ms() + frontend->timeout_ms;
	struct sockaddr_un address;
	int ret = fill_address(&address, path);

	if (ret < 0)
		return ret;
	for (;;) {
		int fd = open_socket();

		if (fd < 0)
			return fd;
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
			frontend->socket = fd;
			return 0;
		}
		ret = -errno;
		close(fd);
		/* Not there yet, nobody listens yet, or its backlog is full for a moment. */
		if (ret != -ENOENT && ret != -ECONNREFUSED && ret != -EAGAIN)
			return ret;
		if (now_ms() >= deadline)
			return ret;
		poll(NULL, 0, RETRY_MS);
	}
}

int guest_frontend_listen(struct guest_frontend *frontend, const char *path)
{
	struct sockaddr_un address;
	int fd, ret = fill_address(&address, path);

	if (ret < 0)
		return ret;
	fd = open_socket();
	if (fd < 0)
		return fd;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0) {
		ret = -errno;
		close(fd);
		return ret;
	}
	frontend->listener = fd;
	return 0;
}

/** Wait until @p fd is readable. @return 0, -ETIMEDOUT or another negative errno. */
static int wait_readable(int fd, int timeout_ms)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	int64_t deadline = now_ms() + timeout_ms;

	for (;;) {
		int64_t left = deadline - now_ms();
		int ret = poll(&poller, 1, left > 0 ? (int)left : 0);

		if (ret > 0)
			return 0;
		if (ret == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

int guest_frontend_accept(struct guest_frontend *frontend)
{
	int ret = wait_readable(frontend->listener, frontend->timeout_ms);

	if (ret < 0)
		return ret;
	frontend->socket = accept4(frontend->listener, NULL, NULL, SOCK_CLOEXEC);
	return frontend->socket < 0 ? -errno : 0;
}

void guest_frontend_close(struct guest_frontend *frontend)
{
	close_fd(&frontend->socket);
	close_fd(&frontend->backend_channel);
	frontend->reply_ack = false;
}

void guest_frontend_destroy(struct guest_frontend *frontend)
{
	guest_frontend_close(frontend);
	close_fd(&frontend->listener);
}

bool guest_frontend_alive(const struct guest_frontend *frontend)
{
	struct pollfd poller = { .fd = frontend->socket, .events = POLLRDHUP };

	if (frontend->socket < 0)
		return false;
	return poll(&poller, 1, 0) == 0;
}

/** Put @p count file descriptors into the control part of a message header. */
static void attach_fds(struct msghdr *header, char *control, const int *fds, unsigned int count)
{
	struct cmsghdr *cmsg;

	if (count == 0)
		return;
	header->msg_control = control;
	header->msg_controllen = CMSG_SPACE(count * sizeof(int));
	cmsg = CMSG_FIRSTHDR(header);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
}

int guest_send_raw(int socket, const void *bytes, size_t size, const int *fds,
		   unsigned int fd_count)
{
	/* SCM_MAX_FD of Linux is 253; hostile tests want more than the protocol's eight. */
	char control[CMSG_SPACE(253 * sizeof(int))] __attribute__((aligned(8)));
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	size_t sent = 0;

	if (fd_count > 253)
		return -EINVAL;
	memset(control, 0, sizeof(control));
	attach_fds(&header, control, fds, fd_count);
	while (sent < size) {
		ssize_t ret = sendmsg(socket, &header, MSG_NOSIGNAL);

		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return -errno;
		sent += (size_t)ret;
		part.iov_base = (char *)part.iov_base + ret;
		part.iov_len -= (size_t)ret;
		header.msg_control = NULL;
		header.msg_controllen = 0;
	}
	return (int)sent;
}

int guest_send(int socket, const struct guest_message *message)
{
	uint8_t bytes[GUEST_WIRE_HEADER + GUEST_WIRE_PAYLOAD];
	int ret;

	if (message->size > GUEST_WIRE_PAYLOAD)
		return -EMSGSIZE;
	memcpy(bytes, message, GUEST_WIRE_HEADER);
	memcpy(bytes + GUEST_WIRE_HEADER, &message->payload, message->size);
	ret = guest_send_raw(socket, bytes, GUEST_WIRE_HEADER + message->size, message->fds,
			     message->fd_count);
	return ret < 0 ? ret : 0;
}

/** Append the file descriptors of one recvmsg() to the message; close what has no room. */
static void collect_fds(struct msghdr *header, struct guest_message *message)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(header); cmsg; cmsg = CMSG_NXTHDR(header, cmsg)) {
		size_t count;

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
			if (message->fd_count < GUEST_WIRE_FDS)
				message->fds[message->fd_count++] = fd;
			else
				close(fd);
		}
	}
}

/** Receive exactly @p size bytes; the stream may deliver them in several parts. */
static int receive_bytes(int socket, void *bytes, size_t size, struct guest_message *message,
			 int timeout_ms)
{
	size_t done = 0;

	while (done < size) {
		char control[CMSG_SPACE(GUEST_WIRE_FDS * sizeof(int))] __attribute__((aligned(8)));
		struct iovec part = { .iov_base = (char *)bytes + done, .iov_len = size - done };
		struct msghdr header = {
			.msg_iov = &part, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};
		ssize_t got;
		int ret = wait_readable(socket, timeout_ms);

		if (ret < 0)
			return ret;
		got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ECONNRESET;
		collect_fds(&header, message);
		done += (size_t)got;
	}
	return 0;
}

int guest_receive(int socket, struct guest_message *message, int timeout_ms)
{
	int ret;

	message->fd_count = 0;
	ret = receive_bytes(socket, message, GUEST_WIRE_HEADER, message, timeout_ms);
	if (ret == 0 && message->size > GUEST_WIRE_PAYLOAD)
		ret = -EPROTO;
	if (ret == 0)
		ret = receive_bytes(socket, &message->payload, message->size, message,
				    timeout_ms);
	if (ret < 0)
		guest_message_close(message);
	return ret;
}

void guest_message_close(struct guest_message *message)
{
	for (unsigned int i = 0; i < message->fd_count; i++)
		close(message->fds[i]);
	message->fd_count = 0;
}
