/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * A frontend that serves a file system of its own (FUSE) sends files of it without end, over as
 * many connections as it gets: those that say late what they are cost the other frontends time,
 * those that do not close cost the process descriptors. Both have a bound.
 */
#define _GNU_SOURCE
#include "control.h"
#include "control_served.h"

#include <signal.h>
#include <sys/wait.h>

/** The frontend is a child of a process with threads, and has some of its own. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}

/** Files of one message. */
#define FILES 8
/** How late answers are: less than what is waited for one. */
#define LATE_MS 150

/** A frontend, and who serves its files, in processes of their own. */
struct rival {
	pid_t server, frontend;
	int progress;		/**< A byte for each connection that ended. */
};

typedef void talk_function(int socket, int file);

/** Says the same again and again, connects anew when hung up on, until it is killed. */
static void talk_on(const struct control_device *device, talk_function *talk, int file, int tell)
{
	for (;;) {
		int socket = control_connect(device);

		if (socket >= 0) {
			talk(socket, file);
			close(socket);
		}
		if (write(tell, "", 1) != 1)
			_exit(73);
		control_sleep_ms(1);
	}
}

/**
 * The server does not have the file, nor the frontend the device, when they end: whoever closed the
 * one before the other would wait for itself.
 */
static void serve_rival(const struct control_device *device, struct silence silence, int late_ms,
			talk_function *talk, int tell)
{
	static struct file_system fs = { .late_ms = 0 };
	int file;
	pid_t frontend;

	alarm(60);
	fs.silence = silence;
	file = served_open(&fs, "served");
	if (file < 0)
		_exit(SERVED_NO_FILE);
	frontend = fork();
	if (frontend == 0) {
		close(fs.device);
		alarm(60);
		control_sleep_ms(200);
		talk_on(device, talk, file, tell);
	}
	close(file);
	fs.late_ms = late_ms;
	fs.silent = true;
	if (write(tell, &frontend, sizeof(frontend)) != sizeof(frontend))
		_exit(73);
	for (;;)
		pause();
}

static void start_rival(struct rival *rival, const struct control_device *device,
			struct silence silence, int late_ms, talk_function *talk)
{
	int tell[2];

	assert_int_equal(pipe(tell), 0);
	rival->progress = tell[0];
	rival->server = fork();
	if (rival->server == 0)
		serve_rival(device, silence, late_ms, talk, tell[1]);
	close(tell[1]);
	served_hear(tell[0], rival->server, &rival->frontend);
}

static void wait_for_rival(const struct rival *rival)
{
	char byte;

	assert_int_equal(read(rival->progress, &byte, 1), 1);
}

static void end_rival(struct rival *rival)
{
	kill(rival->server, SIGKILL);
	waitpid(rival->server, NULL, 0);
	kill(rival->frontend, SIGKILL);
	close(rival->progress);
}

/** Memory that is one file, which is asked about. */
static void send_memory(int socket, int file)
{
	struct {
		uint32_t count, padding;
		uint64_t gpa, size, address, offset;
	} table = { .count = 1, .gpa = 0, .size = SERVED_BYTES, .address = 1 << 20 };

	if (control_send(socket, GUEST_SET_MEM_TABLE, GUEST_FLAG_VERSION, &table, sizeof(table),
			 &file, 1) == 0)
		control_reply(socket, &(uint64_t){ 0 });
}

/** Files that nobody asked for, in requests that can be refused without an end. */
static void send_files(int socket, int file)
{
	uint64_t features = GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK);
	int files[FILES];

	for (int i = 0; i < FILES; i++)
		files[i] = file;
	control_send(socket, GUEST_SET_PROTOCOL_FEATURES, GUEST_FLAG_VERSION, &features,
		     sizeof(features), NULL, 0);
	for (int i = 0; i < 1000; i++)
		if (control_send(socket, GUEST_GET_FEATURES, GUEST_FLAG_VERSION, NULL, 0, files,
				 FILES) < 0)
			return;
	control_reply(socket, &(uint64_t){ 0 });
}

/** How long a frontend of another socket waits for an answer, in milliseconds. */
static int64_t ask(const struct control_device *device)
{
	int64_t start = control_now_ms();
	int socket = control_connect(device);
	struct guest_message message;

	/* A test that fails before the file server is ended would never end. */
	control_send(socket, GUEST_GET_FEATURES, GUEST_FLAG_VERSION, NULL, 0, NULL, 0);
	guest_receive(socket, &message, 5000);
	close(socket);
	return control_now_ms() - start;
}

static void answers_that_are_late(void **state)
{
	static struct control_stage stage;
	struct rival rival;
	int64_t end, longest = 0;
	int delays = 0;

	(void)state;
	control_stage_begin(&stage, "late");
	start_rival(&rival, &stage.target, (struct silence){ .statistics = true }, LATE_MS,
		    send_memory);
	wait_for_rival(&rival);
	end = control_now_ms() + 5000;
	while (control_now_ms() < end && longest < 5000) {
		int64_t took = ask(&stage.echo.device);

		longest = took > longest ? took : longest;
		delays += took >= LATE_MS / 2;
		control_sleep_ms(1);
	}
	end_rival(&rival);
	print_message("%d answers were delayed\n", delays);
	/* 400 ms at once and 10 ms a second, and a machine that is busy with something else. */
	assert_in_range(delays, 0, 8);
	assert_in_range(longest, 0, 1000);
	control_stage_end(&stage);
}

static int count_descriptors(void)
{
	struct control_counts counts;

	control_count(&counts);
	return counts.fds;
}

static void files_that_do_not_close(void **state)
{
	static struct control_stage stage;
	int before, most = 0;
	struct rival rival;

	(void)state;
	control_stage_begin(&stage, "unclosed");
	before = count_descriptors();
	start_rival(&rival, &stage.target, (struct silence){ .flush = true }, 0, send_files);
	for (int i = 0; i < 500; i++) {
		int now;

		wait_for_rival(&rival);
		now = count_descriptors();
		most = now > most ? now : most;
	}
	end_rival(&rival);
	print_message("%d descriptors wait to be closed\n", most - before);
	/* 128, what came with the last message, and connections. */
	assert_in_range(most - before, 64, 176);
	/* With the frontend the file system ends: all are closed, and the socket is as it was. */
	control_stage_end(&stage);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(answers_that_are_late),
	cmocka_unit_test(files_that_do_not_close),
};

CONTROL_MAIN_QUIET(120, tests)
