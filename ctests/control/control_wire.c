/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control.h"

#include <linux/virtio_config.h>

#include <poll.h>
#include <sys/socket.h>

#define LARGEST 8192

int control_send(int socket, uint32_t request, uint32_t flags, const void *payload,
		 uint32_t size, const int *fds, unsigned int fd_count)
{
	uint32_t header[3] = { request, flags, size };
	uint8_t bytes[GUEST_WIRE_HEADER + LARGEST];
	int ret;

	memcpy(bytes, header, sizeof(header));
	if (size > LARGEST)
		size = LARGEST;
	if (payload)
		memcpy(bytes + sizeof(header), payload, size);
	else
		memset(bytes + sizeof(header), 0, size);
	ret = guest_send_raw(socket, bytes, sizeof(header) + size, fds, fd_count);
	return ret < 0 ? ret : 0;
}

bool control_hangs_up(int socket)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	char bytes[4096];

	while (control_now_ms() < deadline) {
		struct pollfd poller = { .fd = socket, .events = POLLIN };
		ssize_t got;

		if (poll(&poller, 1, 100) <= 0)
			continue;
		got = recv(socket, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return true;
	}
	return false;
}

void control_finish(int socket)
{
	/* Closed with answers unread, the messages still on their way would be lost with it. */
	shutdown(socket, SHUT_WR);
	assert_true(control_hangs_up(socket));
	close(socket);
}

int control_reply(int socket, uint64_t *value)
{
	struct guest_message message;
	int ret = guest_receive(socket, &message, CONTROL_PATIENCE_MS);

	if (ret < 0)
		return ret;
	guest_message_close(&message);
	*value = message.payload.u64;
	return message.size == 8 ? 0 : -EPROTO;
}

int control_ask(int socket, uint32_t request, const void *payload, uint32_t size, int fd)
{
	uint64_t value = 0;
	int ret = control_send(socket, request, GUEST_FLAG_VERSION | GUEST_FLAG_NEED_REPLY, payload,
			       size, &fd, fd >= 0);

	if (ret == 0)
		ret = control_reply(socket, &value);
	if (ret < 0)
		return ret;
	return value != 0;
}

int control_negotiate(const struct control_device *device)
{
	uint64_t features = GUEST_DEFAULT_FEATURES;
	uint64_t protocol = GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) | GUEST_BIT(GUEST_PROTOCOL_MQ);
	int socket = control_connect(device);

	if (control_is_packed())
		features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
	assert_int_equal(control_send(socket, GUEST_SET_PROTOCOL_FEATURES, GUEST_FLAG_VERSION,
				      &protocol, 8, NULL, 0), 0);
	assert_int_equal(control_ask(socket, GUEST_SET_FEATURES, &features, 8, -1), 0);
	return socket;
}
