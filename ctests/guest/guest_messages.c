/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest_frontend.h"

void guest_message_begin(struct guest_message *message, enum guest_request request,
			 uint32_t size)
{
	message->request = request;
	message->flags = GUEST_FLAG_VERSION;
	message->size = size;
	message->fd_count = 0;
	memset(&message->payload, 0, size);
}

/** Wait for the reply to @p request; any other message is a protocol error. */
static int await_reply(struct guest_frontend *frontend, struct guest_message *message)
{
	uint32_t request = message->request;
	int ret = guest_receive(frontend->socket, message, frontend->timeout_ms);

	if (ret < 0)
		return ret;
	if (message->request == request && (message->flags & GUEST_FLAG_REPLY))
		return 0;
	guest_message_close(message);
	return -EPROTO;
}

int guest_query(struct guest_frontend *frontend, struct guest_message *message)
{
	int ret = guest_send(frontend->socket, message);

	return ret < 0 ? ret : await_reply(frontend, message);
}

int guest_command(struct guest_frontend *frontend, struct guest_message *message)
{
	int ret;

	if (!frontend->reply_ack)
		return guest_send(frontend->socket, message);

	message->flags |= GUEST_FLAG_NEED_REPLY;
	ret = guest_query(frontend, message);
	if (ret < 0)
		return ret;
	guest_message_close(message);
	if (message->size != sizeof(uint64_t))
		return -EPROTO;
	return message->payload.u64 ? -EREMOTEIO : 0;
}

static int query_u64(struct guest_frontend *frontend, enum guest_request request, uint64_t *value)
{
	struct guest_message message;
	int ret;

	guest_message_begin(&message, request, 0);
	ret = guest_query(frontend, &message);
	if (ret < 0)
		return ret;
	guest_message_close(&message);
	if (message.size != sizeof(uint64_t))
		return -EPROTO;
	*value = message.payload.u64;
	return 0;
}

static int command_empty(struct guest_frontend *frontend, enum guest_request request)
{
	struct guest_message message;

	guest_message_begin(&message, request, 0);
	return guest_command(frontend, &message);
}

static int command_u64(struct guest_frontend *frontend, enum guest_request request,
		       uint64_t value)
{
	struct guest_message message;

	guest_message_begin(&message, request, sizeof(value));
	message.payload.u64 = value;
	return guest_command(frontend, &message);
}

static int command_state(struct guest_frontend *frontend, enum guest_request request,
			 uint32_t index, uint32_t number)
{
	struct guest_message message;

	guest_message_begin(&message, request, sizeof(message.payload.state));
	message.payload.state.index = index;
	message.payload.state.number = number;
	return guest_command(frontend, &message);
}

/** SET_VRING_KICK, _CALL, _ERR: the low byte is the ring, bit 8 says that no fd comes along. */
static int command_vring_fd(struct guest_frontend *frontend, enum guest_request request,
			    uint32_t index, int fd)
{
	struct guest_message message;

	guest_message_begin(&message, request, sizeof(uint64_t));
	message.payload.u64 = index | (fd < 0 ? GUEST_VRING_NOFD : 0);
	if (fd >= 0)
		message.fds[message.fd_count++] = fd;
	return guest_command(frontend, &message);
}

int guest_get_features(struct guest_frontend *frontend, uint64_t *features)
{
	return query_u64(frontend, GUEST_GET_FEATURES, features);
}

int guest_set_features(struct guest_frontend *frontend, uint64_t features)
{
	return command_u64(frontend, GUEST_SET_FEATURES, features);
}

int guest_get_protocol_features(struct guest_frontend *frontend, uint64_t *features)
{
	return query_u64(frontend, GUEST_GET_PROTOCOL_FEATURES, features);
}

int guest_set_protocol_features(struct guest_frontend *frontend, uint64_t features)
{
	return command_u64(frontend, GUEST_SET_PROTOCOL_FEATURES, features);
}

int guest_get_queue_num(struct guest_frontend *frontend, uint64_t *count)
{
	return query_u64(frontend, GUEST_GET_QUEUE_NUM, count);
}

int guest_set_owner(struct guest_frontend *frontend)
{
	return command_empty(frontend, GUEST_SET_OWNER);
}

int guest_reset_owner(struct guest_frontend *frontend)
{
	return command_empty(frontend, GUEST_RESET_OWNER);
}

int guest_reset_device(struct guest_frontend *frontend)
{
	return command_empty(frontend, GUEST_RESET_DEVICE);
}

int guest_set_status(struct guest_frontend *frontend, uint8_t status)
{
	return command_u64(frontend, GUEST_SET_STATUS, status);
}

int guest_get_status(struct guest_frontend *frontend, uint64_t *status)
{
	return query_u64(frontend, GUEST_GET_STATUS, status);
}

int guest_set_mem_table(struct guest_frontend *frontend, const struct guest_mem_table *table,
			const int *fds)
{
	struct guest_message message;

	if (table->count > GUEST_WIRE_REGIONS)
		return -EINVAL;
	guest_message_begin(&message, GUEST_SET_MEM_TABLE,
	      8 + table->count * (uint32_t)sizeof(struct guest_wire_region));
	memcpy(&message.payload, table, message.size);
	memcpy(message.fds, fds, table->count * sizeof(int));
	message.fd_count = table->count;
	return guest_command(frontend, &message);
}

int guest_get_max_mem_slots(struct guest_frontend *frontend, uint64_t *count)
{
	return query_u64(frontend, GUEST_GET_MAX_MEM_SLOTS, count);
}

int guest_add_mem_reg(struct guest_frontend *frontend, const struct guest_wire_region *region,
		      int fd)
{
	struct guest_message message;

	guest_message_begin(&message, GUEST_ADD_MEM_REG, sizeof(message.payload.single));
	message.payload.single.region = *region;
	message.fds[message.fd_count++] = fd;
	return guest_command(frontend, &message);
}

int guest_rem_mem_reg(struct guest_frontend *frontend, const struct guest_wire_region *region)
{
	struct guest_message message;

	guest_message_begin(&message, GUEST_REM_MEM_REG, sizeof(message.payload.single));
	message.payload.single.region = *region;
	return guest_command(frontend, &message);
}

int guest_set_vring_num(struct guest_frontend *frontend, uint32_t index, uint32_t size)
{
	return command_state(frontend, GUEST_SET_VRING_NUM, index, size);
}

int guest_set_vring_addr(struct guest_frontend *frontend, const struct guest_vring_addr *addr)
{
	struct guest_message message;

	guest_message_begin(&message, GUEST_SET_VRING_ADDR, sizeof(*addr));
	message.payload.addr = *addr;
	return guest_command(frontend, &message);
}

int guest_set_vring_base(struct guest_frontend *frontend, uint32_t index, uint32_t base)
{
	return command_state(frontend, GUEST_SET_VRING_BASE, index, base);
}

int guest_get_vring_base(struct guest_frontend *frontend, uint32_t index, uint32_t *base)
{
	struct guest_message message;
	int ret;

	guest_message_begin(&message, GUEST_GET_VRING_BASE, sizeof(message.payload.state));
	message.payload.state.index = index;
	ret = guest_query(frontend, &message);
	if (ret < 0)
		return ret;
	guest_message_close(&message);
	if (message.size != sizeof(message.payload.state) || message.payload.state.index != index)
		return -EPROTO;
	*base = message.payload.state.number;
	return 0;
}

int guest_set_vring_kick(struct guest_frontend *frontend, uint32_t index, int fd)
{
	return command_vring_fd(frontend, GUEST_SET_VRING_KICK, index, fd);
}

int guest_set_vring_call(struct guest_frontend *frontend, uint32_t index, int fd)
{
	return command_vring_fd(frontend, GUEST_SET_VRING_CALL, index, fd);
}

int guest_set_vring_err(struct guest_frontend *frontend, uint32_t index, int fd)
{
	return command_vring_fd(frontend, GUEST_SET_VRING_ERR, index, fd);
}

int guest_set_vring_enable(struct guest_frontend *frontend, uint32_t index, bool enable)
{
	return command_state(frontend, GUEST_SET_VRING_ENABLE, index, enable);
}

int guest_set_vring_endian(struct guest_frontend *frontend, uint32_t index, uint32_t endian)
{
	return command_state(frontend, GUEST_SET_VRING_ENDIAN, index, endian);
}

int guest_vring_kick(struct guest_frontend *frontend, uint32_t index)
{
	return command_state(frontend, GUEST_VRING_KICK, index, 0);
}
