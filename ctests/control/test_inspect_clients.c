/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Clients that capture, without rtevhostctl: that it has to be enabled, whose packets they get, how
 * many they may be, and what they are told at the end.
 */
#define _GNU_SOURCE
#include "control_inspect.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

static struct control_device one;

static void begin(const char *name, uint64_t flags)
{
	inspect_begin_with("ctl", RTEVHOSTSWIFT_CONTROL_CAPTURE);
	control_open(&one, name, flags, NULL);
}

static void end(void)
{
	control_close(&one);
	assert_int_equal(rtevhostswift_control_close(), 0);
	control_assert_pool();
}

static void ask(const char *line, const char *words)
{
	assert_true(inspect_ask(inspect_path, line, inspect_text) > 0);
	inspect_assert_has(inspect_text, "\"error\":", words, NULL);
}

/** A client, when packets are copied: the first line has come. */
static int begin_capture(const char *line)
{
	int fd = inspect_connect(inspect_path);

	assert_true(fd >= 0);
	assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
	assert_int_equal(recv(fd, inspect_text, 1, MSG_PEEK), 1);
	return fd;
}

/** In a child, whose environment is looked at for the first time: the answer to a capture. */
static int answer_of(const char *allowed, const char *words)
{
	char pattern[108], path[108];

	control_path(pattern, "environment-%p");
	control_path(path, "");
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "environment-%d", getpid());
	setenv("RTEVHOSTSWIFT_CONTROL", pattern, 1);
	if (allowed)
		setenv("RTEVHOSTSWIFT_CONTROL_CAPTURE", allowed, 1);
	control_path(pattern, "environment.sock");
	if (rte_vhost_driver_register(pattern, 0) != 0)
		return 1;
	if (inspect_ask(path, "1 capture 0 0 100\n", inspect_text) <= 0)
		return 2;
	if (!strstr(inspect_text, words))
		return 3;
	return rtevhostswift_control_close() == 0 ? 0 : 4;
}

/* First of all, before this process has a thread: "1" enables captures, nothing else does. */
static void the_environment_enables_captures(void **state)
{
	static const char *const values[] = { NULL, "", "0", "yes", "11", "1 ", "1" };

	(void)state;
	/* It lets no child of a process with threads have one. */
	if (getenv("SANITIZER") && strcmp(getenv("SANITIZER"), "thread") == 0)
		skip();
	for (size_t i = 0; i < CONTROL_COUNT(values); i++) {
		bool is_last = i + 1 == CONTROL_COUNT(values);
		int status = -1;
		pid_t child = fork();

		if (child == 0)
			_exit(answer_of(values[i], is_last ? "no such device" : "does not allow"));
		assert_int_equal(waitpid(child, &status, 0), child);
		if (status != 0)
			fail_msg("%s: %#x", values[i] ? values[i] : "unset", status);
	}
}

/** All counters of the device. @return how many. */
static int read_counters(struct rtevhostswift_counter counters[200])
{
	int count = rtevhostswift_vring_counters_get(one.vid, 0, counters, 60);

	count += rtevhostswift_vring_counters_get(one.vid, 1, counters + count, 60);
	count += rtevhostswift_device_counters_get(one.vid, counters + count, 60);
	return count;
}

/* Read-only: whatever is asked, counters, connection and rings are as they were. */
static void looking_changes_nothing(void **state)
{
	static const char *const lines[] = {
		"1 list\n", "1 show\n", "1 reset\n", "1 show /nowhere\n", "1 close 0\n",
		"1 capture 0 0 100\n", "1 capture 0 1 100\n", "2 list\n", "\n",
	};
	struct rtevhostswift_counter before[200], after[200];
	int count;

	(void)state;
	inspect_begin("ctl");
	control_open(&one, "same.sock", 0, NULL);
	for (uint64_t i = 0; i < 10; i++) {
		control_send_good(&one, i);
		control_receive_good(&one, i);
	}
	count = read_counters(before);
	assert_in_range(count, 50, 180);
	for (size_t i = 0; i < CONTROL_COUNT(lines); i++)
		assert_true(inspect_ask(inspect_path, lines[i], inspect_text) > 0);
	assert_int_equal(read_counters(after), count);
	assert_memory_equal(before, after, sizeof(before[0]) * (size_t)count);
	control_send_good(&one, 10);
	control_receive_good(&one, 10);
	end();
}

/** The number of the device's connection, as `list` tells it. */
static unsigned long connection(void)
{
	const char *key = "\"connection\":", *at;

	assert_true(inspect_ask(inspect_path, "1 list\n", inspect_text) > 0);
	at = strstr(inspect_text, key);
	assert_non_null(at);
	return strtoul(at + strlen(key), NULL, 10);
}

/* A vid comes again with the next connection; whoever meant the one before gets nothing of it. */
static void a_capture_is_of_one_connection(void **state)
{
	unsigned long first, second;
	char line[100], words[100];
	int vid, fd;

	(void)state;
	begin("number.sock", 0);
	vid = one.vid;
	first = connection();
	assert_true(first > 0);
	control_detach(&one);
	control_attach(&one, NULL);
	assert_int_equal(one.vid, vid);
	second = connection();
	assert_true(second > first);
	snprintf(line, sizeof(line), "1 capture %d 0 100 %lu\n", vid, first);
	ask(line, "the connection has ended");
	snprintf(line, sizeof(line), "1 capture %d 0 100 %lu\n", vid, second);
	fd = begin_capture(line);
	snprintf(words, sizeof(words), "\"connection\":%lu,", second);
	assert_in_range(recv(fd, inspect_text, INSPECT_TEXT - 1, 0), 1, INSPECT_TEXT);
	inspect_assert_has(inspect_text, "\"capture\":", words, NULL);
	close(fd);
	end();
}

/* Who captures stays, so there is an end to how many do: the others are for looking. */
static void places_are_kept_for_looking(void **state)
{
	struct guest_config config;
	char line[100];
	int fds[8];

	(void)state;
	inspect_begin_with("ctl", RTEVHOSTSWIFT_CONTROL_CAPTURE);
	control_listen(&one, "places.sock", 0);
	control_config(&config, &one);
	config.queue_pairs = 5;
	control_attach(&one, &config);
	for (int i = 0; i < 8; i++) {
		snprintf(line, sizeof(line), "1 capture %d %d 100\n", one.vid, i);
		fds[i] = begin_capture(line);
		assert_in_range(recv(fds[i], inspect_text, INSPECT_TEXT - 1, 0), 1, INSPECT_TEXT);
		inspect_assert_has(inspect_text, "\"capture\":", NULL);
	}
	assert_true(inspect_ask(inspect_path, "1 list\n", inspect_text) > 0);
	inspect_assert_has(inspect_text, "places.sock", NULL);
	snprintf(line, sizeof(line), "1 capture %d 8 100\n", one.vid);
	ask(line, "for those who look");
	close(fds[0]);
	control_sleep_ms(100);
	fds[0] = begin_capture(line);
	assert_in_range(recv(fds[0], inspect_text, INSPECT_TEXT - 1, 0), 1, INSPECT_TEXT);
	assert_non_null(strstr(inspect_text, "\"capture\":"));
	for (int i = 0; i < 8; i++)
		close(fds[i]);
	control_close(&one);
	assert_int_equal(rtevhostswift_control_close(), 0);
	control_assert_pool();
}

/** Read exactly so much; fails at the connection's end. */
static void read_exactly(int fd, void *bytes, size_t count)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };

	for (size_t done = 0; done < count;) {
		ssize_t got;

		assert_int_equal(poll(&poller, 1, CONTROL_PATIENCE_MS), 1);
		got = recv(fd, (char *)bytes + done, count - done, 0);
		assert_true(got > 0);
		done += (size_t)got;
	}
}

/* The user's end comes when the ring is full: those that were left out last are told, too. */
static void all_that_was_lost_is_told(void **state)
{
	uint64_t words[5], packets = 0, sent_count = 30000;
	static uint8_t bytes[300 + 8];
	char line[100], byte = 0;
	int fd;

	(void)state;
	begin("lost.sock", 0);
	snprintf(line, sizeof(line), "1 capture %d 0 300\n", one.vid);
	fd = begin_capture(line);
	for (uint64_t i = 0; i < sent_count; i++)
		control_receive_good(&one, i);
	assert_int_equal(send(fd, "end\n", 4, MSG_NOSIGNAL), 4);
	while (byte != '\n')
		read_exactly(fd, &byte, 1);
	for (;; packets++) {
		read_exactly(fd, words, sizeof(words));
		if ((uint32_t)words[0] == UINT32_MAX)
			break;
		assert_in_range((uint32_t)words[0], 1, 300);
		read_exactly(fd, bytes, ((uint32_t)words[0] + 7) & ~7u);
	}
	print_message("%lu packets, %lu left out\n", packets, words[2]);
	assert_true(words[2] > 0);
	assert_int_equal(packets + words[2], sent_count);
	/* And nothing behind it. */
	assert_int_equal(recv(fd, bytes, 1, 0), 0);
	close(fd);
	end();
}

/* The user's end is heard while the client takes less than comes: it need not have all first. */
static void an_end_is_heard_from_a_slow_client(void **state)
{
	static uint8_t bytes[32768];
	struct pollfd poller = { .events = POLLIN };
	uint64_t sequence = 0;
	ssize_t got = 1;
	char line[100];
	int rounds = 0;

	(void)state;
	begin("slow.sock", 0);
	snprintf(line, sizeof(line), "1 capture %d 0 300\n", one.vid);
	poller.fd = begin_capture(line);
	for (; sequence < 30000; sequence++)
		control_receive_good(&one, sequence);
	assert_int_equal(send(poller.fd, "end\n", 4, MSG_NOSIGNAL), 4);
	/* What is there is 4 MiB and what the socket holds. */
	for (; got > 0 && rounds < 300; rounds++) {
		for (int i = 0; i < 500; i++)
			control_receive_good(&one, sequence++);
		assert_int_equal(poll(&poller, 1, CONTROL_PATIENCE_MS), 1);
		got = recv(poller.fd, bytes, sizeof(bytes), 0);
	}
	print_message("ended after %d reads\n", rounds);
	assert_int_equal(got, 0);
	close(poller.fd);
	end();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(the_environment_enables_captures),
	CONTROL_TEST(looking_changes_nothing),
	cmocka_unit_test(a_capture_is_of_one_connection),
	cmocka_unit_test(places_are_kept_for_looking),
	cmocka_unit_test(all_that_was_lost_is_told),
	cmocka_unit_test(an_end_is_heard_from_a_slow_client),
};

CONTROL_MAIN(120, tests)
