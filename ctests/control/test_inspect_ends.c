/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Captures that end as soon as they begin, and looks from a child process that was made in the
 * middle of what the parent's other threads do: in a burst that captures, with a lock held.
 */
#define _GNU_SOURCE
#include "control_capture.h"

#include <rtevhostswift.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define CHILDREN 300
#define FRAME 9000

static struct control_device one;
static char line[100], own[108];
static bool stop;

static void begin(const char *name)
{
	inspect_begin_with("ctl", RTEVHOSTSWIFT_CONTROL_CAPTURE);
	control_open(&one, name, 0, NULL);
	control_path(own, "ctl-child");
	snprintf(line, sizeof(line), "1 capture %d 0 %d\nend\n", one.vid, FRAME);
}

static void end(void)
{
	control_close(&one);
	assert_int_equal(rtevhostswift_control_close(), 0);
	control_assert_pool();
}

/** The first line and the record that is the last: five words. */
static bool has_both_ends(const char *text, long count)
{
	return count > 100 && count < 1000 && strstr(text, "\"capture\":") &&
	       text[count - 41] == '\n';
}

/** A request and the word that it is enough, in one write. */
static void enough_may_come_with_the_request(void **state)
{
	(void)state;
	begin("enough.sock");
	for (int i = 0; i < 3; i++) {
		int fd = capture_ask(line);
		long count = inspect_read(fd, inspect_text, CONTROL_PATIENCE_MS);

		close(fd);
		assert_true(has_both_ends(inspect_text, count));
	}
	end();
}

/** Packets to the guest, which are captured, until it is told to stop. */
static void *send_to_guest(void *argument)
{
	struct guest_queue *queue = guest_rx_queue(one.guest, 0);
	static uint8_t frame[FRAME];
	struct guest_received received;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		struct rte_mbuf *mbufs[8];
		uint16_t sent;

		for (int i = 0; i < 8; i++) {
			mbufs[i] = rte_pktmbuf_alloc(control_pool());
			rte_pktmbuf_append(mbufs[i], 2000);
		}
		sent = rte_vhost_enqueue_burst(one.vid, 0, mbufs, 8);
		for (int i = 0; i < 8; i++)
			rte_pktmbuf_free(mbufs[i]);
		for (int i = 0; i < sent; i++)
			guest_rx(queue, frame, sizeof(frame), &received);
		guest_rx_fill(queue);
		guest_submit(queue);
	}
	return argument;
}

/** What takes a history's lock, until it is told to stop. */
static void *ask_for_messages(void *argument)
{
	struct rtevhostswift_message messages[16];

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		rtevhostswift_device_messages_get(one.vid, messages, 16);
	return argument;
}

/** In a child: 0 when a control socket of its own answers @p request as it should. */
static int look(const char *request, bool captures)
{
	static char text[INSPECT_TEXT];
	long count;

	/* A hang is a failure, too. */
	alarm(CONTROL_PATIENCE_MS / 1000);
	if (rtevhostswift_control_open(own, RTEVHOSTSWIFT_CONTROL_CAPTURE) != 0)
		return 1;
	count = inspect_ask(own, request, text);
	if (captures ? !has_both_ends(text, count) : count < 3 || !strstr(text, "last_messages"))
		return 2;
	return rtevhostswift_control_close() == 0 ? 0 : 3;
}

static void look_from_children(void *(*body)(void *), const char *request, bool captures)
{
	int failures = 0, status;
	pthread_t thread;

	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, body, NULL), 0);
	for (int i = 0; i < CHILDREN; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(look(request, captures));
		assert_int_equal(waitpid(child, &status, 0), child);
		failures += status != 0;
		if (failures > 2)
			break;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	if (failures)
		fail_msg("%d children failed, the last with status %#x", failures, status);
}

/** ThreadSanitizer lets no child of a process with threads have one. */
static void skip_without_threads(void)
{
	if (getenv("SANITIZER") && strcmp(getenv("SANITIZER"), "thread") == 0)
		skip();
}

/** Who takes nothing for two seconds is hung up on. */
static void *take_all(void *argument)
{
	static char bytes[1 << 16];
	int fd = *(int *)argument;

	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		continue;
	return NULL;
}

static void a_child_captures_whatever_its_parent_was_about(void **state)
{
	pthread_t reader;
	char ask[100];
	int fd;

	(void)state;
	skip_without_threads();
	begin("burst.sock");
	snprintf(ask, sizeof(ask), "1 capture %d 0 %d\n", one.vid, FRAME);
	fd = capture_ask(ask);
	assert_int_equal(pthread_create(&reader, NULL, take_all, &fd), 0);
	look_from_children(send_to_guest, line, true);
	/* The parent's capture went on, to the end that its reader asks for. */
	assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1);
	pthread_join(reader, NULL);
	close(fd);
	end();
}

static void a_child_looks_whatever_its_parent_was_about(void **state)
{
	(void)state;
	skip_without_threads();
	begin("messages.sock");
	look_from_children(ask_for_messages, "1 show\n", false);
	end();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(enough_may_come_with_the_request),
	cmocka_unit_test(a_child_captures_whatever_its_parent_was_about),
	cmocka_unit_test(a_child_looks_whatever_its_parent_was_about),
};

CONTROL_MAIN(180, tests)
