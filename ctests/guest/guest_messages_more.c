/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Messages beyond what a device needs to run: migration, in-flight log, configuration space,
 * the backend's own channel. The everyday ones are in guest_messages.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest_frontend.h"

/** Take the reply's only file descriptor, or -1; any other is closed. */
static int take_fd(struct guest_message *message)
{
	int fd = -1;

	if (message->fd_count > 0) {
		fd = message->fds[--message->fd_count];
		guest_message_close(message);
	}
	return fd;
}

int guest_set_log_base(struct guest_frontend *frontend, uint64_t size, uint64_t offset, int fd)
{
	struct guest_message message;
	int ret;

	guest_message_begin(&message, GUEST_SET_LOG_BASE, sizeof(message.payload.log));
	message.payload.log.size = size;
	message.payload.log.offset = offset;
	message.fds[message.fd_count++] = fd;
	ret = guest_query(frontend, &message);
	if (ret == 0)
		guest_message_close(&message);
	return ret;
}

int guest_set_log_fd(struct guest_frontend *frontend, int fd)
{
	struct guest_message message;

	guest_message_begin(&message, GUEST_SET_LOG_FD, 0);
	message.fds[message.fd_count++] = fd;
	return guest_command(frontend, &message);
}

int guest_send_rarp(struct guest_frontend *frontend, const uint8_t mac[6])
{
	struct guest_message message;

	guest_message_begin(&message, GUEST_SEND_RARP, sizeof(uint64_t));
	memcpy(&message.payload, mac, 6);
	return guest_command(frontend, &message);
}

int guest_net_set_mtu(struct guest_frontend *frontend, uint64_t mtu)
{
	struct guest_message message;

	guest_message_begin(&message, GUEST_NET_SET_MTU, sizeof(uint64_t));
	message.payload.u64 = mtu;
	return guest_command(frontend, &message);
}

/** GET_CONFIG and SET_CONFIG carry a 12-byte prefix and only the bytes asked for. */
static uint32_t config_bytes(const struct guest_config_space *space)
{
	return (uint32_t)offsetof(struct guest_config_space, bytes) + space->size;
}

int guest_get_config(struct guest_frontend *frontend, struct guest_config_space *space)
{
	struct guest_message message;
	int ret;

	if (space->size > sizeof(space->bytes))
		return -EINVAL;
	guest_message_begin(&message, GUEST_GET_CONFIG, config_bytes(space));
	memcpy(&message.payload, space, message.size);
	ret = guest_query(frontend, &message);
	if (ret < 0)
		return ret;
	guest_message_close(&message);
	/* An error is a reply without a payload. */
	if (message.size == 0)
		return -EREMOTEIO;
	if (message.size > sizeof(*space))
		return -EPROTO;
	memcpy(space, &message.payload, message.size);
	return 0;
}

int guest_set_config(struct guest_frontend *frontend, const struct guest_config_space *space)
{
	struct guest_message message;

	if (space->size > sizeof(space->bytes))
		return -EINVAL;
	guest_message_begin(&message, GUEST_SET_CONFIG, config_bytes(space));
	memcpy(&message.payload, space, message.size);
	return guest_command(frontend, &message);
}

int guest_get_inflight_fd(struct guest_frontend *frontend, struct guest_inflight_area *area,
			  int *fd)
{
	struct guest_message message;
	int ret;

	guest_message_begin(&message, GUEST_GET_INFLIGHT_FD, sizeof(*area));
	message.payload.inflight = *area;
	ret = guest_query(frontend, &message);
	if (ret < 0)
		return ret;
	*fd = take_fd(&message);
	*area = message.payload.inflight;
	return *fd < 0 ? -EREMOTEIO : 0;
}

int guest_set_inflight_fd(struct guest_frontend *frontend,
			  const struct guest_inflight_area *area, int fd)
{
	struct guest_message message;

	guest_message_begin(&message, GUEST_SET_INFLIGHT_FD, sizeof(*area));
	message.payload.inflight = *area;
	message.fds[message.fd_count++] = fd;
	return guest_command(frontend, &message);
}

int guest_postcopy_advise(struct guest_frontend *frontend, int *fd)
{
	struct guest_message message;
	int ret;

	guest_message_begin(&message, GUEST_POSTCOPY_ADVISE, 0);
	ret = guest_query(frontend, &message);
	if (ret == 0)
		*fd = take_fd(&message);
	return ret;
}

int guest_postcopy_listen(struct guest_frontend *frontend)
{
	struct guest_message message;

	guest_message_begin(&message, GUEST_POSTCOPY_LISTEN, 0);
	return guest_command(frontend, &message);
}

int guest_postcopy_end(struct guest_frontend *frontend, uint64_t *status)
{
	struct guest_message message;
	int ret;

	guest_message_begin(&message, GUEST_POSTCOPY_END, 0);
	ret = guest_query(frontend, &message);
	if (ret < 0)
		return ret;
	guest_message_close(&message);
	*status = message.payload.u64;
	return 0;
}

int guest_set_backend_req_fd(struct guest_frontend *frontend)
{
	struct guest_message message;
	int pair[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	guest_message_begin(&message, GUEST_SET_BACKEND_REQ_FD, 0);
	message.fds[message.fd_count++] = pair[1];
	ret = guest_command(frontend, &message);
	close(pair[1]);
	if (ret < 0) {
		close(pair[0]);
		return ret;
	}
	if (frontend->backend_channel >= 0)
		close(frontend->backend_channel);
	frontend->backend_channel = pair[0];
	return 0;
}

int guest_iotlb(struct guest_frontend *frontend, const struct vhost_iotlb_msg *iotlb)
{
	struct guest_message message;

	guest_message_begin(&message, GUEST_IOTLB_MSG, sizeof(*iotlb));
	message.payload.iotlb = *iotlb;
	return guest_command(frontend, &message);
}

int guest_backend_ack(struct guest_frontend *frontend, const struct guest_message *request,
		      uint64_t result)
{
	struct guest_message reply;

	if (!(request->flags & GUEST_FLAG_NEED_REPLY))
		return 0;
	guest_message_begin(&reply, request->request, sizeof(uint64_t));
	reply.flags |= GUEST_FLAG_REPLY;
	reply.payload.u64 = result;
	return guest_send(frontend->backend_channel, &reply);
}
