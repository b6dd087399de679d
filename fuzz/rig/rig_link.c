/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The frontend's end of a socket: it never waits, rounds of the event loop are run instead. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "guest_wire.h"
#include "rig.h"

static int noted = -1;

void rig_note_connection(int vid)
{
	noted = vid;
}

void rig_settle(void)
{
	for (unsigned int round = 0; round < 4; round++)
		(void)rig_turn();
}

bool rig_connect(struct rig_link *link, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	link->backend = -1;
	link->vid = -1;
	link->batches = false;
	link->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	FUZZ_CHECK(link->socket >= 0);
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (connect(link->socket, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(link->socket);
		link->socket = -1;
		return false;
	}
	noted = -1;
	(void)rig_turn();
	link->vid = noted;
	return link->vid >= 0;
}

void rig_send(struct rig_link *link, uint32_t request, uint32_t flags, const void *payload,
	size_t size, const int *files, unsigned int count)
{
	uint32_t header[3] = { request, flags, (uint32_t)size };
	struct iovec parts[2] = {
		{ .iov_base = header, .iov_len = sizeof(header) },
		{ .iov_base = (void *)(uintptr_t)payload, .iov_len = size },
	};
	char control[CMSG_SPACE(16 * sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = size > 0 ? 2 : 1 };

	if (link->socket < 0)
		return;
	if (count > 0) {
		struct cmsghdr *part;

		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		part = CMSG_FIRSTHDR(&message);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(part), files, count * sizeof(int));
	}
	(void)sendmsg(link->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void close_received(struct msghdr *message)
{
	struct cmsghdr *part;

	for (part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
		size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t index = 0; index < count; index++) {
			int file;

			memcpy(&file, CMSG_DATA(part) + index * sizeof(int), sizeof(int));
			close(file);
		}
	}
}

ssize_t rig_receive(int socket, uint32_t *request, void *payload, size_t size)
{
	uint32_t header[3];
	char control[CMSG_SPACE(16 * sizeof(int))];
	struct iovec part = { .iov_base = header, .iov_len = sizeof(header) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};

	if (socket < 0 || recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) !=
	    (ssize_t)sizeof(header))
		return -1;
	close_received(&message);
	FUZZ_CHECK(header[2] <= size);
	if (header[2] > 0)
		FUZZ_CHECK(recv(socket, payload, header[2], MSG_DONTWAIT) == (ssize_t)header[2]);
	*request = header[0];
	return (ssize_t)header[2];
}

bool rig_ask(struct rig_link *link, uint32_t request, const void *payload, size_t size,
	const int *files, unsigned int count)
{
	union guest_payload answer = { 0 };
	uint32_t answered;
	ssize_t length;

	if (link->batches) {
		rig_send(link, request, GUEST_FLAG_VERSION, payload, size, files, count);
		return true;
	}
	/* What nobody read. */
	while (rig_receive(link->socket, &answered, &answer, sizeof(answer)) >= 0)
		continue;
	rig_send(link, request, GUEST_FLAG_VERSION | GUEST_FLAG_NEED_REPLY, payload, size, files,
		count);
	(void)rig_turn();
	length = rig_receive(link->socket, &answered, &answer, sizeof(answer));
	return length >= 8 && answered == request &&
		(answer.u64 == 0 || request == GUEST_GET_VRING_BASE);
}

void rig_hang_up(struct rig_link *link)
{
	if (link->socket >= 0)
		close(link->socket);
	if (link->backend >= 0)
		close(link->backend);
	link->socket = -1;
	link->backend = -1;
}
