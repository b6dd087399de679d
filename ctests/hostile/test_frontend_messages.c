/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Row F01: messages of the wrong shape: sizes, versions, descriptors, cut at every byte. */
#define _GNU_SOURCE
#include "front.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

/** Descriptors that can come with a message here. */
#define MOST_FDS 9

/** Numbers that no message has. */
static const uint32_t unknown[] = { 0,	  41,	46,	    64,		127,
				    1000, 1 << 16, 0x7fffffff, 0x80000001, 0xffffffff };

static int fds[MOST_FDS], spare;

static void make_fds(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	for (int i = 0; i < MOST_FDS; i++)
		fds[i] = i % 3 == 0 ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) :
			 i % 3 == 1 ? front_file(65536) : -1;
	fds[2] = pair[0];
	spare = pair[1];
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	fds[5] = pair[0];
	fds[8] = pair[1];
}

static void drop_fds(void)
{
	for (int i = 0; i < MOST_FDS; i++)
		close(fds[i]);
	close(spare);
}

/** The number-th request: all that there are, and some that there are not. */
static uint32_t request_of(uint32_t number)
{
	return number <= GUEST_GET_STATUS ? number : unknown[number - GUEST_GET_STATUS - 1];
}

#define REQUESTS (GUEST_GET_STATUS + 1 + (uint32_t)CONTROL_COUNT(unknown))

/**
 * Send a message, and behind it one that has an answer. @return whether that came: if not, the
 * connection is over.
 */
static bool is_survived(int socket, uint32_t request, uint32_t flags, const void *payload,
			uint32_t size, uint32_t fd_count)
{
	uint32_t marker = request == GUEST_GET_QUEUE_NUM ? GUEST_GET_FEATURES :
							   GUEST_GET_QUEUE_NUM;
	uint32_t header[3] = { request, flags, size }, last[3] = { marker, 1, 0 };
	uint8_t bytes[1024];
	struct guest_message message;
	int ret;

	memcpy(bytes, header, 12);
	memcpy(bytes + 12, payload, size);
	memcpy(bytes + 12 + size, last, 12);
	if (guest_send_raw(socket, bytes, 24 + size, fds, fd_count) < 0)
		return false;
	while ((ret = guest_receive(socket, &message, CONTROL_PATIENCE_MS)) == 0) {
		guest_message_close(&message);
		if (message.request == marker)
			return true;
	}
	assert_int_not_equal(ret, -ETIMEDOUT);
	return false;
}

/** Words that may be an index and a number, a count and a region, or nothing at all. */
static void fill(struct guest_random *random, uint64_t words[16])
{
	for (int i = 0; i < 16; i++)
		words[i] = guest_random_range(random, 0, 3) ? guest_random_range(random, 0, 3) :
							      guest_random_next(random) >>
				  guest_random_range(random, 0, 63);
}

/* Ten thousand times each request, with 0 to 9 descriptors, asked for a reply or not. */
static void F01_each_message_with_descriptors(struct hostile *hostile)
{
	struct guest_random random = { .state = 20190923 };
	uint32_t times = front_times(10000, 60);
	uint64_t words[16 + 64] = { 0 };
	int socket;

	make_fds();
	front_open(hostile, NULL);
	socket = front_dial();
	for (uint32_t number = 0; number < REQUESTS; number++) {
		uint32_t request = request_of(number), size = control_payload_size(request);

		front_load();
		for (uint32_t i = 0; i < times; i++) {
			fill(&random, words);
			if (is_survived(socket, request, i % 20 < 10 ? 1 : 9, words, size, i % 10))
				continue;
			close(socket);
			socket = front_dial();
		}
		front_check();
	}
	close(socket);
	front_close(hostile);
	drop_fds();
}

/* The same on the connection of a device that runs, with packets in flight. */
static void F01_each_message_to_a_running_device(struct hostile *hostile)
{
	uint32_t apart = front_times(1, 17), at = 0, died = 0, lived = 0;
	uint64_t words[64] = { 0 };

	make_fds();
	front_open(hostile, NULL);
	for (uint32_t number = 0; number < REQUESTS; number++)
		for (uint32_t i = 0; i < 20; i++) {
			uint32_t request = request_of(number);

			/* These stop the device, as they should. */
			if (at++ % apart != 0 || request == GUEST_RESET_OWNER ||
			    request == GUEST_RESET_DEVICE || request == GUEST_SET_STATUS ||
			    request == GUEST_GET_VRING_BASE || request == GUEST_SET_VRING_ENABLE)
				continue;
			front_load();
			words[0] = request == GUEST_SET_VRING_KICK ? 77 : 0;
			if (is_survived(front_frontend()->socket, request, i < 10 ? 1 : 9, words,
					control_payload_size(request), i % 10) &&
			    front.target->vid >= 0) {
				lived++;
			} else {
				died++;
			}
			front_revive();
		}
	assert_true(died > 0 && lived > 0);
	front_close(hostile);
	drop_fds();
}

static void F01_unknown_requests(struct hostile *hostile)
{
	front_open(hostile, NULL);
	for (size_t i = 0; i < CONTROL_COUNT(unknown); i++) {
		int socket = front_dial();
		uint64_t value;

		front_load();
		/* Asked for a reply: told so, and the connection lives on. */
		front_refused(unknown[i], NULL, 0, -1);
		front_refused(unknown[i], NULL, 100, -1);
		assert_int_equal(control_ask(socket, unknown[i], NULL, 632, -1), 1);
		control_send(socket, GUEST_GET_FEATURES, 1, NULL, 0, NULL, 0);
		assert_int_equal(control_reply(socket, &value), 0);
		/* Not asked: there is no other way to tell. */
		control_send(socket, unknown[i], 1, NULL, 0, NULL, 0);
		assert_true(control_hangs_up(socket));
		close(socket);
		front_check();
	}
	front_close(hostile);
}

/** A message after which the connection is over. */
static void ends(uint32_t request, uint32_t flags, uint32_t size, uint32_t sent)
{
	uint32_t header[3] = { request, flags, size };
	uint8_t bytes[12 + 1024] = { 0 };
	int socket = front_dial();

	memcpy(bytes, header, 12);
	guest_send_raw(socket, bytes, 12 + sent, NULL, 0);
	if (!control_hangs_up(socket))
		fail_msg("request %u of %u bytes, flags %u", request, size, flags);
	close(socket);
}

static void F01_truncated_and_oversized_requests(struct hostile *hostile)
{
	static const uint32_t sizes[] = { 633, 4096, 65536, 1 << 30, 0x7fffffff, 0x80000000,
					  0xfffffff4, 0xffffffff };

	front_open(hostile, NULL);
	for (uint32_t request = 1; request <= GUEST_NET_SET_MTU; request++) {
		uint32_t right = control_payload_size(request);
		uint32_t most = request == GUEST_SET_MEM_TABLE ? 264 : right;

		front_load();
		for (uint32_t flags = 1; flags <= 9; flags += 8) {
			/* A table's size depends on its contents: from 8 to 264 bytes. */
			ends(request, flags, most + 1, most + 1);
			if (right > 0)
				ends(request, flags, request == GUEST_SET_MEM_TABLE ? 7 : right - 1,
				     right - 1);
			/* Not one byte of payload follows: it must not be waited for. */
			for (size_t i = 0; i < CONTROL_COUNT(sizes); i++)
				ends(request, flags, sizes[i], 0);
		}
		front_check();
	}
	front_close(hostile);
}

static void F01_wrong_versions_and_flags(struct hostile *hostile)
{
	static const uint32_t flags[] = { 0, 2, 3, 8, 5, 13, 0xfffffffe };

	front_open(hostile, NULL);
	for (size_t i = 0; i < CONTROL_COUNT(flags); i++) {
		front_load();
		ends(GUEST_GET_FEATURES, flags[i], 0, 0);
		ends(GUEST_SET_VRING_NUM, flags[i], 8, 8);
		front_check();
	}
	front_close(hostile);
}

/** Hang up after every byte of one message, the descriptors with its first or with its last. */
static void cut_everywhere(uint32_t request, uint32_t flags, const void *payload, uint32_t fd_count)
{
	uint32_t size = control_payload_size(request), header[3] = { request, flags, size };
	uint8_t bytes[512];

	memcpy(bytes, header, 12);
	memcpy(bytes + 12, payload, size);
	for (uint32_t length = 0; length < 12 + size; length++)
		for (int last = 0; last <= (fd_count > 0 && length > 1); last++) {
			int socket = front_dial();

			if (last)
				guest_send_raw(socket, bytes, length - 1, NULL, 0);
			if (last)
				guest_send_raw(socket, bytes + length - 1, 1, fds, fd_count);
			else if (length > 0)
				guest_send_raw(socket, bytes, length, fds, fd_count);
			close(socket);
		}
}

static void F01_hanging_up_after_each_byte(struct hostile *hostile)
{
	static const struct {
		uint32_t request, fds;
	} messages[] = {
		{ GUEST_GET_FEATURES, 0 },    { GUEST_SET_MEM_TABLE, 1 },
		{ GUEST_SET_MEM_TABLE, 9 },   { GUEST_SET_LOG_BASE, 1 },
		{ GUEST_SET_LOG_FD, 1 },      { GUEST_SET_VRING_NUM, 2 },
		{ GUEST_SET_VRING_ADDR, 0 },  { GUEST_SET_VRING_KICK, 1 },
		{ GUEST_SET_VRING_CALL, 1 },  { GUEST_SET_BACKEND_REQ_FD, 3 },
		{ GUEST_GET_CONFIG, 0 },      { GUEST_SET_INFLIGHT_FD, 1 },
		{ GUEST_ADD_MEM_REG, 1 },     { GUEST_IOTLB_MSG, 0 },
	};
	uint64_t words[64] = { 1, 1 << 30, 4096, 1 << 30, 0 };

	make_fds();
	front_open(hostile, NULL);
	for (size_t i = 0; i < CONTROL_COUNT(messages); i++)
		for (uint32_t flags = 1; flags <= 9; flags += 8) {
			/* The configuration space is much of the same. */
			if (messages[i].request == GUEST_GET_CONFIG && !front_times(1, 0))
				continue;
			front_load();
			cut_everywhere(messages[i].request, flags, words, messages[i].fds);
			front_check();
		}
	front_close(hostile);
	drop_fds();
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(F01_each_message_with_descriptors),
	HOSTILE_TEST(F01_each_message_to_a_running_device),
	HOSTILE_TEST(F01_unknown_requests),
	HOSTILE_TEST(F01_truncated_and_oversized_requests),
	HOSTILE_TEST(F01_wrong_versions_and_flags),
	HOSTILE_TEST(F01_hanging_up_after_each_byte),
};

HOSTILE_MAIN(front_times(3600, 300), tests)
