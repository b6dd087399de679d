/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A frontend that serves a file system of its own (FUSE) sends files of it: whoever asks such a
 * file anything, maps it or closes it, waits until the frontend answers, which it never does.
 */
#define _GNU_SOURCE
#include "control.h"
#include "control_served.h"

#include <signal.h>
#include <sys/wait.h>

/** The frontend is a child of a process with threads, and has one of its own. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}

/** What the frontend says last; the file goes with it. */
struct last_words {
	uint32_t request, flags, size;
	uint8_t payload[64];
};

/** Says what has to be said before, and makes up the last message. */
typedef void attack_function(int socket, struct last_words *words);

/** A request that has no descriptors. */
static void send_uninvited(int socket, struct last_words *words)
{
	(void)socket;
	words->request = GUEST_GET_FEATURES;
}

static void send_as_memory(int socket, struct last_words *words)
{
	struct {
		uint32_t count, padding;
		uint64_t gpa, size, address, offset;
	} table = { .count = 1, .gpa = 0, .size = SERVED_BYTES, .address = 1 << 20 };

	(void)socket;
	words->request = GUEST_SET_MEM_TABLE;
	words->size = sizeof(table);
	memcpy(words->payload, &table, sizeof(table));
}

static void send_as_log(int socket, struct last_words *words)
{
	uint64_t features = GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
	uint64_t area[2] = { SERVED_BYTES, 0 };

	control_send(socket, GUEST_SET_PROTOCOL_FEATURES, GUEST_FLAG_VERSION, &features,
		     sizeof(features), NULL, 0);
	words->request = GUEST_SET_LOG_BASE;
	words->size = sizeof(area);
	memcpy(words->payload, area, sizeof(area));
}

static void send_as_event(int socket, struct last_words *words)
{
	(void)socket;
	words->request = GUEST_SET_VRING_KICK;
	words->size = 8;
}

static pid_t start_frontend(const struct control_device *device, struct silence silence,
			    attack_function *attack, int done)
{
	struct last_words words = { .flags = GUEST_FLAG_VERSION };
	static struct file_system fs;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	alarm(60);
	fs.silence = silence;
	int file = served_open(&fs, "served");
	int socket = control_connect(device);

	if (file < 0)
		_exit(SERVED_NO_FILE);
	if (socket < 0)
		_exit(74);
	attack(socket, &words);
	/*
	 * The backend has the file with the first half of the message, and nobody else: this
	 * process would wait for itself when it ends.
	 */
	if (guest_send_raw(socket, &words, 8, &file, 1) != 8)
		_exit(72);
	control_sleep_ms(100);
	close(file);
	fs.silent = true;
	guest_send_raw(socket, (uint8_t *)&words + 8, 4 + words.size, NULL, 0);
	for (int i = 0; i < 200 && fs.unanswered == 0; i++)
		control_sleep_ms(10);
	if (write(done, &(int){ fs.unanswered }, sizeof(int)) != sizeof(int))
		_exit(73);
	pause();
	_exit(0);
}

/** Another frontend connects and is answered while the attack lasts. */
static void check_others(struct silence silence, attack_function *attack)
{
	static struct control_stage stage;
	int unanswered, tell[2];
	pid_t pid;

	control_stage_begin(&stage, "files");
	assert_int_equal(pipe(tell), 0);
	pid = start_frontend(&stage.target, silence, attack, tell[1]);
	close(tell[1]);
	served_hear(tell[0], pid, &unanswered);
	close(tell[0]);
	/* The file was asked something, or somebody saw what it is. */
	print_message("%d questions without answer\n", unanswered);
	for (int i = 0; i < 5; i++) {
		int socket = control_connect(&stage.echo.device);
		struct guest_message message;

		control_send(socket, GUEST_GET_FEATURES, GUEST_FLAG_VERSION, NULL, 0, NULL, 0);
		if (guest_receive(socket, &message, 3000) < 0) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			fail_msg("nobody is answered while a file is waited for");
		}
		close(socket);
	}
	control_echo_check(&stage.echo, 200);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	control_stage_end(&stage);
}

static void a_file_that_cannot_be_closed(void **state)
{
	(void)state;
	check_others((struct silence){ .flush = true }, send_uninvited);
}

static void an_event_that_cannot_be_closed(void **state)
{
	(void)state;
	check_others((struct silence){ .flush = true }, send_as_event);
}

static void memory_that_does_not_tell_its_size(void **state)
{
	(void)state;
	check_others((struct silence){ .attributes = true }, send_as_memory);
}

static void memory_that_cannot_be_closed(void **state)
{
	(void)state;
	check_others((struct silence){ .flush = true, .statistics = true }, send_as_memory);
}

static void a_log_that_does_not_tell_its_size(void **state)
{
	(void)state;
	check_others((struct silence){ .attributes = true, .pages = true }, send_as_log);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(a_file_that_cannot_be_closed),
	cmocka_unit_test(an_event_that_cannot_be_closed),
	cmocka_unit_test(memory_that_does_not_tell_its_size),
	cmocka_unit_test(memory_that_cannot_be_closed),
	cmocka_unit_test(a_log_that_does_not_tell_its_size),
};

CONTROL_MAIN_QUIET(120, tests)
