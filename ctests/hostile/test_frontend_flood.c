/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Row F02: the same message a hundred thousand times; memory, maps and descriptors stay flat. */
#define _GNU_SOURCE
#include "front.h"
#include "guest_log.h"

#include <sys/mman.h>

/** Messages of each kind, and those after which everything has its final size. */
#define TIMES front_times(100000, 1500)
#define WARM 500
/** KiB that memory may seem to grow by: other threads' stacks, the test's own buffers. */
#define NOISE 1024

/** One of the messages, on a connection whose answers are all 0 (done) or all 1 (refused). */
struct flood {
	int socket;
	uint32_t request;
	const void *payload;
	uint32_t size;
	int fd;
	int expected;
};

/** Messages are handled one after the other: what those before opened is closed by now. */
static void count_when_done(const struct flood *flood, struct control_counts *counts)
{
	uint64_t value;

	assert_int_equal(control_send(flood->socket, GUEST_GET_QUEUE_NUM, 1, NULL, 0, NULL, 0), 0);
	assert_int_equal(control_reply(flood->socket, &value), 0);
	control_count(counts);
}

static void pour(const struct flood *flood, int (*send)(const struct flood *flood))
{
	uint32_t times = TIMES;
	struct control_counts before;

	for (uint32_t i = 0; i < times; i++) {
		if (i == WARM)
			count_when_done(flood, &before);
		if (i % 500 == 0) {
			front_load();
			front_check();
		}
		if (send(flood) != flood->expected)
			fail_msg("request %u, number %u", flood->request, i);
	}
	control_assert_flat(&before);
	control_assert_memory(&before, NOISE);
}

static int ask(const struct flood *flood)
{
	return control_ask(flood->socket, flood->request, flood->payload, flood->size, flood->fd);
}

/** On a connection that only does this, and on that of a device that runs. */
static void pour_twice(struct flood *flood, int expected)
{
	flood->socket = front_dial();
	flood->expected = 0;
	pour(flood, ask);
	close(flood->socket);
	flood->socket = front_frontend()->socket;
	flood->expected = expected;
	pour(flood, ask);
}

static void open_flood(struct hostile *hostile)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.protocol = GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD);
	config.guest.protocol_features |= config.protocol | GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
	front_open(hostile, &config);
}

static void F02_set_vring_num(struct hostile *hostile)
{
	uint32_t payload[2] = { 1, 256 };
	struct flood flood = { .request = GUEST_SET_VRING_NUM, .payload = payload,
			       .size = sizeof(payload), .fd = -1 };

	open_flood(hostile);
	/* Another size for each: a ring's memory follows it. */
	for (uint32_t size = 1; size <= 32768; size *= 32) {
		payload[1] = size;
		flood.socket = front_dial();
		pour(&flood, ask);
		close(flood.socket);
	}
	/* Not under a ring that runs. */
	pour_twice(&flood, 1);
	front_close(hostile);
}

static void F02_set_inflight_fd(struct hostile *hostile)
{
	struct guest_inflight_area area = { .size = 1 << 16, .queues = 2, .ring_size = 256 };
	int fd = front_file(1 << 16);
	struct flood flood = { .request = GUEST_SET_INFLIGHT_FD, .payload = &area,
			       .size = sizeof(area), .fd = fd };

	open_flood(hostile);
	/* The application may be reading the record of a ring that runs. */
	pour_twice(&flood, 1);
	front_close(hostile);
	close(fd);
}

static int get_inflight(const struct flood *flood)
{
	struct guest_message message;
	unsigned int fds;

	if (control_send(flood->socket, flood->request, 9, flood->payload, flood->size, NULL, 0))
		return -1;
	if (guest_receive(flood->socket, &message, CONTROL_PATIENCE_MS) < 0)
		return -2;
	fds = message.fd_count;
	guest_message_close(&message);
	return fds == 1 && message.payload.inflight.size > 0 ? 0 : -3;
}

static void F02_get_inflight_fd(struct hostile *hostile)
{
	struct guest_inflight_area area = { .queues = 8, .ring_size = 256 };
	struct flood flood = { .request = GUEST_GET_INFLIGHT_FD, .payload = &area,
			       .size = sizeof(area), .fd = -1 };

	open_flood(hostile);
	flood.socket = front_dial();
	pour(&flood, get_inflight);
	close(flood.socket);
	/* It changes nothing of a device that runs, so it may be asked there. */
	flood.socket = front_frontend()->socket;
	pour(&flood, get_inflight);
	front_close(hostile);
}

static int send_table(const struct flood *flood)
{
	int ret = guest_send_memory(front.target->guest);

	(void)flood;
	front_learn();
	return ret;
}

static void F02_set_mem_table(struct hostile *hostile)
{
	uint64_t table[5] = { 1, 0, 65536, 0, 0 };
	int fd = front_file(65536);
	struct flood flood = { .request = GUEST_SET_MEM_TABLE, .payload = table,
			       .size = sizeof(table), .fd = fd };

	open_flood(hostile);
	flood.socket = front_dial();
	pour(&flood, ask);
	close(flood.socket);
	/* The table of a device that runs is replaced by its own. */
	flood.socket = front_frontend()->socket;
	pour(&flood, send_table);
	front_settle();
	front_close(hostile);
	close(fd);
}

static void F02_set_log_base(struct hostile *hostile)
{
	struct guest_log_area area;
	struct guest_log log;
	struct flood flood = { .request = GUEST_SET_LOG_BASE, .payload = &area,
			       .size = sizeof(area) };

	open_flood(hostile);
	assert_int_equal(guest_log_create(front.target->guest, &log), 0);
	area = (struct guest_log_area){ .size = log.size };
	flood.fd = log.fd;
	front_keep();
	pour_twice(&flood, 0);
	/* And while it is written. */
	assert_int_equal(guest_log_switch(front.target->guest, true), 0);
	pour(&flood, ask);
	assert_int_equal(guest_log_switch(front.target->guest, false), 0);
	front_settle();
	assert_true(guest_log_count(&log) > 0);
	guest_log_destroy(&log);
	front_keep();
	front_close(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(F02_set_vring_num),	 HOSTILE_TEST(F02_set_inflight_fd),
	HOSTILE_TEST(F02_get_inflight_fd), HOSTILE_TEST(F02_set_mem_table),
	HOSTILE_TEST(F02_set_log_base),
};

HOSTILE_MAIN(front_times(3600, 300), tests)
