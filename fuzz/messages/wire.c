/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#include "messages.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_FILES 32

bool wire_send(int socket, const void *bytes, size_t count, const int *files,
	unsigned int file_count)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(int) * MOST_FILES)];
	} control;
	struct iovec vector = { (void *)(uintptr_t)bytes, count };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

	if (count == 0)
		return true;
	if (file_count > 0) {
		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * file_count);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int) * file_count);
		memcpy(CMSG_DATA(&control.header), files, sizeof(int) * file_count);
	}
	return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)count;
}

/* How many descriptors come along, and which: what the payload wants, or what the record says. */
static unsigned int choose_files(struct attack *attack, const struct record *record,
	const struct guest_message *message, int *files)
{
	static const uint8_t counts[16] = { 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 17, 32, 0 };
	unsigned int count = counts[record->files & 15], kind, index;

	if ((record->files & 15) == 0 || (record->files & 15) == 15) {
		count = message->fd_count;
		memcpy(files, message->fds, sizeof(int) * count);
	} else {
		for (index = 0; index < count; index++) {
			kind = (record->files >> 4) * 2U + index * (record->small & 7);
			kind %= FILE_KINDS;
			files[index] = files_number((enum file_kind)kind, attack);
		}
	}
	/* One wrong one among right ones. */
	if ((record->files & 15) == 15 && count > 0) {
		kind = ((record->files >> 4) * 2U + (record->small >> 3 & 1)) % FILE_KINDS;
		files[(record->small & 7) % count] = files_number((enum file_kind)kind, attack);
	}
	return count;
}

static uint32_t choose_flags(const struct record *record)
{
	switch (record->form & 3) {
	case 0:
		return GUEST_FLAG_VERSION;
	case 1:
		return GUEST_FLAG_VERSION | GUEST_FLAG_NEED_REPLY;
	case 2:
		return record->small;
	default:
		return (uint32_t)record->choice;
	}
}

/* The size that the header tells, and the bytes that are sent. */
static size_t choose_size(const struct record *record, struct guest_message *message)
{
	size_t count = message->size;

	switch (record->form >> 2 & 3) {
	case 0:
		break;
	case 1:
		message->size += (uint32_t)(int8_t)record->small;
		break;
	case 2:
		message->size = record->small % 1100;
		count = message->size;
		break;
	default:
		message->size = (uint32_t)record->choice;
	}
	return GUEST_WIRE_HEADER + count;
}

bool wire_step(struct attack *attack)
{
	bool result = fuzz_session_step(0);

	fuzz_fail_allocations(0);
	if (!fuzz_session_locks_free(attack->vid))
		fuzz_fail("a lock is held after a message");
	return result;
}

bool wire_message(struct attack *attack, const struct record *record)
{
	struct guest_message message;
	uint8_t bytes[GUEST_WIRE_HEADER + 1100];
	int files[MOST_FILES];
	unsigned int count, first;
	size_t size, cut;
	bool is_late = (record->form & 0x40) != 0;

	payload_make(attack, record, &message);
	count = choose_files(attack, record, &message, files);
	message.flags = choose_flags(record);
	size = choose_size(record, &message);
	memcpy(bytes, &message, GUEST_WIRE_HEADER);
	memcpy(bytes + GUEST_WIRE_HEADER, message.payload.bytes, sizeof(bytes) - GUEST_WIRE_HEADER);
	cut = size;
	if ((record->form >> 4 & 3) == 1 || (record->form >> 4 & 3) == 2)
		cut = record->small % (size + 1);
	first = is_late && cut < size ? 0 : count;
	if (!wire_send(attack->socket, bytes, cut, files, first))
		return wire_step(attack);
	switch (record->form >> 4 & 3) {
	case 1:
		if (!wire_step(attack))
			return false;
		wire_send(attack->socket, bytes + cut, size - cut, files, count - first);
		break;
	case 2:
		shutdown(attack->socket, SHUT_WR);
		break;
	case 3:
		/* The next one comes right behind. */
		return true;
	default:
		break;
	}
	if (!wire_step(attack))
		return false;
	if ((record->form & 0x80) == 0)
		wire_read_answers(attack);
	return true;
}

/* Descriptors that came: the last one's owner is whoever wants it. */
static void take_files(struct msghdr *message, uint32_t request)
{
	struct cmsghdr *header;
	int number;

	for (header = CMSG_FIRSTHDR(message); header != NULL;
			header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		if (header->cmsg_len != CMSG_LEN(sizeof(int)))
			fuzz_fail("an answer with %zu bytes of descriptors", header->cmsg_len);
		memcpy(&number, CMSG_DATA(header), sizeof(number));
		if (request == GUEST_GET_INFLIGHT_FD)
			files_keep_inflight(number);
		else if (request == GUEST_POSTCOPY_ADVISE)
			pager_adopt(number);
		else
			close(number);
	}
}

/* Header, then as much as it says: answers are whole, and answers. */
void wire_read_answers(struct attack *attack)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[256];
	} control;
	uint32_t head[3];
	uint8_t payload[1024];
	struct iovec vector = { head, sizeof(head) };
	struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

	for (;;) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		if (recvmsg(attack->socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) !=
				(ssize_t)sizeof(head))
			return;
		take_files(&message, head[0]);
		if (head[2] > sizeof(payload))
			fuzz_fail("an answer of %u bytes", head[2]);
		if (head[2] > 0 && recv(attack->socket, payload, head[2], MSG_DONTWAIT) != head[2])
			fuzz_fail("an answer that ends before its %u bytes", head[2]);
		if (attack->has_handlers)
			continue;
		if ((head[1] & 7) != 5)
			fuzz_fail("an answer to %u with flags %#x", head[0], head[1]);
	}
}

/* Reads the backend's requests and answers them, well or not. */
void wire_answer_channel(struct attack *attack, const struct record *record)
{
	uint8_t bytes[512];
	uint32_t head[3], answer[5] = { 1, 5, 8, 0, 0 };
	ssize_t count;

	if (attack->channel < 0)
		return;
	if ((record->small & 7) == 7) {
		close(attack->channel);
		attack->channel = -1;
		return;
	}
	/* Several may come together. */
	while (recv(attack->channel, head, sizeof(head), MSG_DONTWAIT) == (ssize_t)sizeof(head)) {
		if ((head[1] & 3) != 1)
			fuzz_fail("a request of the backend's of another version");
		count = head[2];
		if (head[2] > sizeof(bytes) || (head[2] > 0 &&
				recv(attack->channel, bytes, head[2], MSG_DONTWAIT) != count))
			fuzz_fail("a request of the backend's without its %u bytes", head[2]);
	}
	if ((record->small & 7) == 6)
		answer[record->small >> 3 & 3] = (uint32_t)record->value;
	if ((record->small & 7) >= 4)
		wire_send(attack->channel, answer, sizeof(answer), NULL, 0);
}
