/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#include "messages.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

void attack_open(struct attack *attack)
{
	static const uint32_t pairs[4] = { 2, 1, 4, 128 };
	const struct head *head = &attack->head;
	/* RTE_VHOST_USER_IOMMU_SUPPORT, POSTCOPY, EXTBUF, LINEARBUF; compliant offload flags. */
	uint64_t flags = head->flags & 0x78;
	int ends[2];

	if (head->flags & 0x80)
		flags |= 1 << 8;
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
	attack->socket = ends[0];
	attack->channel = -1;
	attack->features = 0;
	attack->memory = FILE_MEMORY;
	attack->has_handlers = false;
	attack->sessions++;
	memset(attack->available, 0, sizeof(attack->available));
	memset(attack->wraps, 1, sizeof(attack->wraps));
	attack->vid = fuzz_session_open(0, ends[1], flags, pairs[head->offers & 3],
		(head->offers >> 4 & 1) | (head->flags & 2),
		head->flags & 4 ? &app_refusing_operations : &app_operations,
		head->flags & 1 ? app_vdpa() : NULL);
	if (head->handlers & 0x10) {
		app_set_handlers(attack->vid, head->handlers);
		attack->has_handlers = true;
	}
}

void attack_close(struct attack *attack)
{
	/* Descriptors in answers that nobody read are the socket's. */
	wire_read_answers(attack);
	close(attack->socket);
	attack->socket = -1;
	fuzz_session_close(0);
	pager_stop();
	if (attack->channel >= 0) {
		close(attack->channel);
		attack->channel = -1;
	}
	app_check_closed();
	if (!fuzz_session_locks_free(attack->vid))
		fuzz_fail("a lock is held after the end");
	if (!fuzz_session_is_clean(attack->vid))
		fuzz_fail("a closed device remembers its frontend");
}

static bool send_right(struct attack *attack, uint8_t request, uint8_t queue, uint64_t choice)
{
	struct record record = { .kind = request, .queue = queue, .choice = choice };

	return wire_message(attack, &record);
}

static bool send_ring(struct attack *attack, uint8_t queue)
{
	return send_right(attack, GUEST_SET_VRING_NUM, queue, 0) &&
		send_right(attack, GUEST_SET_VRING_BASE, queue, 0) &&
		send_right(attack, GUEST_SET_VRING_ADDR, queue, 0) &&
		send_right(attack, GUEST_SET_VRING_KICK, queue, 0) &&
		send_right(attack, GUEST_SET_VRING_CALL, queue, 0) &&
		send_right(attack, GUEST_SET_VRING_ENABLE, queue, 0);
}

static bool send_rings(struct attack *attack)
{
	return send_ring(attack, 0) && send_ring(attack, 1);
}

/* Bits 56 and up of a SET_FEATURES record's choice pick a set. */
static bool send_features(struct attack *attack, uint64_t set)
{
	/* All but postcopy, crypto, configuration, inflight, reset, where they are not offered. */
	uint64_t without = (attack->head.flags & 0x10 ? 0 : 0x100) |
		(attack->head.offers & 0x10 ? 0 : 0x3280);

	return send_right(attack, GUEST_SET_FEATURES, 0, set << 56) &&
		send_right(attack, GUEST_SET_PROTOCOL_FEATURES, 0, without) &&
		send_right(attack, GUEST_SET_OWNER, 0, 0);
}

bool attack_prelude(struct attack *attack)
{
	switch (attack->head.prelude % PRELUDE_COUNT) {
	case PRELUDE_FEATURES:
		return send_features(attack, 0);
	case PRELUDE_MEMORY:
		return send_features(attack, 0) && send_right(attack, GUEST_SET_MEM_TABLE, 0, 0);
	case PRELUDE_SPLIT:
		return send_features(attack, 0) && send_right(attack, GUEST_SET_MEM_TABLE, 0, 0) &&
			send_rings(attack);
	case PRELUDE_PACKED:
		return send_features(attack, 1) && send_right(attack, GUEST_SET_MEM_TABLE, 0, 1) &&
			send_rings(attack);
	case PRELUDE_IOMMU:
		return send_features(attack, 2) && send_right(attack, GUEST_SET_MEM_TABLE, 0, 0) &&
			send_right(attack, GUEST_SET_BACKEND_REQ_FD, 0, 0) &&
			send_rings(attack) && send_right(attack, GUEST_IOTLB_MSG, 0, 0);
	case PRELUDE_LOG:
		return send_features(attack, 4) && send_right(attack, GUEST_SET_MEM_TABLE, 0, 0) &&
			send_right(attack, GUEST_SET_LOG_BASE, 0, 3) && send_rings(attack);
	case PRELUDE_INFLIGHT:
		return send_features(attack, attack->head.flags >> 7) &&
			send_right(attack, GUEST_GET_INFLIGHT_FD, 0, 1) &&
			send_right(attack, GUEST_SET_MEM_TABLE, 0, 0) &&
			send_right(attack, GUEST_SET_INFLIGHT_FD, 0, 1) && send_rings(attack);
	case PRELUDE_SLOTS:
		return send_features(attack, 0) && send_right(attack, GUEST_ADD_MEM_REG, 0, 0) &&
			send_right(attack, GUEST_ADD_MEM_REG, 0, 1) && send_rings(attack);
	case PRELUDE_POSTCOPY:
		return send_features(attack, 0) &&
			send_right(attack, GUEST_POSTCOPY_ADVISE, 0, 0) &&
			send_right(attack, GUEST_POSTCOPY_LISTEN, 0, 0);
	default:
		return true;
	}
}

static bool reconnect(struct attack *attack)
{
	if (attack->sessions >= 4)
		return true;
	attack_close(attack);
	attack_open(attack);
	return attack_prelude(attack);
}

/* A message while no descriptor is to be had. */
static bool step_without_descriptors(struct attack *attack, const struct record *record)
{
	struct rlimit old, limit;
	struct record message = *record;
	bool result;
	int next = dup(attack->socket);

	FUZZ_CHECK(next >= 0 && getrlimit(RLIMIT_NOFILE, &old) == 0);
	close(next);
	limit = old;
	limit.rlim_cur = (rlim_t)next + (record->form & 3);
	message.kind = record->queue % (GUEST_GET_STATUS + 1);
	message.form = record->form & 0x3c;
	FUZZ_CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	result = wire_message(attack, &message);
	FUZZ_CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
	return result;
}

/* Bytes that are no message. */
static bool send_noise(struct attack *attack, const struct record *record)
{
	wire_send(attack->socket, record, sizeof(*record) - record->form % sizeof(*record), NULL,
		0);
	return wire_step(attack);
}

static bool step_without_memory(struct attack *attack, const struct record *record)
{
	struct record message = *record;

	message.kind = record->queue % (GUEST_GET_STATUS + 1);
	message.queue = record->files & 7;
	message.files = 0;
	fuzz_fail_allocations(1 + (record->form & 15));
	message.form = record->form & 0x40 ? 1 : 0;
	return wire_message(attack, &message);
}

bool attack_perform(struct attack *attack, const struct record *record)
{
	switch (record->kind) {
	case ACTION_RETRY:
		fuzz_session_retry(0);
		return true;
	case ACTION_DEQUEUE:
	case ACTION_ENQUEUE:
		guest_burst(attack, record);
		return true;
	case ACTION_OFFER:
		guest_offer(attack, record);
		return true;
	case ACTION_WRITE:
		if (record->form & 4) {
			files_write_inflight(record->choice % 0x800, record->value,
				1U << (record->form & 3));
			return true;
		}
		files_write(attack->memory, MARGIN_BYTES + record->choice % (MEMORY_BYTES - 8),
			&record->value, 1U << (record->form & 3));
		return true;
	case ACTION_ANSWER:
		wire_answer_channel(attack, record);
		return true;
	case ACTION_RECONNECT:
		return reconnect(attack);
	case ACTION_READ:
		wire_read_answers(attack);
		return true;
	case ACTION_ASK:
		app_ask(attack->vid, record);
		return true;
	case ACTION_TRUNCATE:
		files_truncate(record->form & 1 ? FILE_LOG : FILE_BRITTLE,
			record->choice % FILE_BYTES);
		return true;
	case ACTION_NO_MEMORY:
		return step_without_memory(attack, record);
	case ACTION_NO_DESCRIPTORS:
		return step_without_descriptors(attack, record);
	case ACTION_HANDLERS:
		app_set_handlers(attack->vid, record->form);
		attack->has_handlers = true;
		return true;
	case ACTION_RAW:
		return send_noise(attack, record);
	default:
		return wire_message(attack, record);
	}
}
