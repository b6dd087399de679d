/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A frontend that serves a file system of its own (FUSE) sends files of it: whoever asks such a
 * file anything, maps it or closes it, waits until the frontend answers, which it never does.
 */
#define _GNU_SOURCE
#include "control.h"

#include <linux/fuse.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define FILE_BYTES (1u << 20)
#define FILE_NODE 2

/** Requests that are left unanswered from the moment on at which the file was sent. */
struct silence {
	bool attributes, flush, statistics, pages;
};

struct file_system {
	int device;		/**< /dev/fuse. */
	struct silence silence;	/**< What is not answered... */
	volatile bool silent;	/**< ...from now on. */
	volatile int unanswered;
};

static void answer(struct file_system *fs, uint64_t unique, int error, const void *body,
		   size_t size)
{
	uint8_t bytes[sizeof(struct fuse_out_header) + 4096];
	struct fuse_out_header header = {
		.len = (uint32_t)(sizeof(header) + (error ? 0 : size)),
		.error = error, .unique = unique,
	};

	memcpy(bytes, &header, sizeof(header));
	if (!error && size > 0)
		memcpy(bytes + sizeof(header), body, size);
	if (write(fs->device, bytes, header.len) < 0 && errno != ENOENT)
		_exit(70);
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node, .size = node == FILE_NODE ? FILE_BYTES : 0,
		.mode = node == FILE_NODE ? S_IFREG | 0666 : S_IFDIR | 0777,
		.nlink = 1, .blksize = 4096,
	};
}

static bool is_silent(const struct file_system *fs, uint32_t opcode)
{
	if (!fs->silent)
		return false;
	switch (opcode) {
	case FUSE_GETATTR: return fs->silence.attributes;
	case FUSE_FLUSH: return fs->silence.flush;
	case FUSE_STATFS: return fs->silence.statistics;
	case FUSE_READ: return fs->silence.pages;
	default: return false;
	}
}

static void serve(struct file_system *fs, const struct fuse_in_header *in, const void *body)
{
	static const uint8_t zeroes[4096];

	if (is_silent(fs, in->opcode)) {
		fs->unanswered++;
		return;
	}
	switch (in->opcode) {
	case FUSE_INIT: {
		struct fuse_init_out out = {
			.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 4096,
			.max_readahead = 0,
		};
		answer(fs, in->unique, 0, &out, sizeof(out));
		return;
	}
	case FUSE_LOOKUP: {
		struct fuse_entry_out out = { .nodeid = FILE_NODE, .attr = attributes(FILE_NODE) };

		answer(fs, in->unique, 0, &out, sizeof(out));
		return;
	}
	case FUSE_GETATTR: {
		struct fuse_attr_out out = { .attr = attributes(in->nodeid) };

		answer(fs, in->unique, 0, &out, sizeof(out));
		return;
	}
	case FUSE_OPEN: {
		struct fuse_open_out out = { .fh = 1 };

		answer(fs, in->unique, 0, &out, sizeof(out));
		return;
	}
	case FUSE_READ:
		answer(fs, in->unique, 0, zeroes, ((const struct fuse_read_in *)body)->size);
		return;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_WRITE:
		answer(fs, in->unique, 0, NULL, 0);
		return;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return;
	default:
		answer(fs, in->unique, -ENOSYS, NULL, 0);
	}
}

static void *file_server(void *argument)
{
	struct file_system *fs = argument;
	static uint8_t bytes[FUSE_MIN_READ_BUFFER * 4];

	for (;;) {
		ssize_t got = read(fs->device, bytes, sizeof(bytes));

		if (got < (ssize_t)sizeof(struct fuse_in_header)) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			return NULL;
		}
		serve(fs, (void *)bytes, bytes + sizeof(struct fuse_in_header));
	}
}

/** In a process of its own: mount, open the file. @return the file. */
static int open_served(struct file_system *fs, const char *directory)
{
	pthread_t thread;
	char text[160];

	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	fs->device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(text, sizeof(text), "fd=%d,rootmode=40000,user_id=0,group_id=0", fs->device);
	if (fs->device < 0 || mount("served", directory, "fuse", MS_NOSUID | MS_NODEV, text) < 0)
		return -errno;
	pthread_create(&thread, NULL, file_server, fs);
	snprintf(text, sizeof(text), "%s/memory", directory);
	return open(text, O_RDWR);
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
	} table = { .count = 1, .gpa = 0, .size = FILE_BYTES, .address = 1 << 20 };

	(void)socket;
	words->request = GUEST_SET_MEM_TABLE;
	words->size = sizeof(table);
	memcpy(words->payload, &table, sizeof(table));
}

static void send_as_log(int socket, struct last_words *words)
{
	uint64_t features = GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
	uint64_t area[2] = { FILE_BYTES, 0 };

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
	char directory[128];
	pid_t pid;

	snprintf(directory, sizeof(directory), "%s/served", control_directory());
	mkdir(directory, 0700);
	pid = fork();
	if (pid != 0)
		return pid;
	alarm(60);
	fs.silence = silence;
	int file = open_served(&fs, directory);
	int socket = control_connect(device);

	if (file < 0 || socket < 0)
		_exit(71);
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
	assert_int_equal(read(tell[0], &unanswered, sizeof(unanswered)), sizeof(unanswered));
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
