/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#define _GNU_SOURCE
#include "control_served.h"

#include "control.h"

#include <linux/fuse.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/stat.h>

#define FILE_NODE 2

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
		.ino = node, .size = node == FILE_NODE ? SERVED_BYTES : 0,
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
		if (fs->late_ms == 0)
			return;
		control_sleep_ms(fs->late_ms);
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

/** Say what this machine, or this process, has not. @return a negative errno. */
static int missing(const char *what)
{
	int error = errno;

	fprintf(stderr, "this test serves a file system by FUSE: %s: %s\n", what, strerror(error));
	return -error;
}

int served_open(struct file_system *fs, const char *name)
{
	char directory[108], text[160];
	pthread_t thread;

	control_path(directory, name);
	mkdir(directory, 0700);
	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return missing("no mount namespace (is it root's, with CAP_SYS_ADMIN?)");
	fs->device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fs->device < 0)
		return missing("/dev/fuse (is the module loaded, the device there?)");
	snprintf(text, sizeof(text), "fd=%d,rootmode=40000,user_id=0,group_id=0", fs->device);
	if (mount("served", directory, "fuse", MS_NOSUID | MS_NODEV, text) < 0)
		return missing("a file system cannot be mounted");
	pthread_create(&thread, NULL, file_server, fs);
	snprintf(text, sizeof(text), "%s/memory", directory);
	return open(text, O_RDWR);
}

void served_hear(int from, pid_t server, int *number)
{
	int status = 0;

	if (read(from, number, sizeof(*number)) == sizeof(*number))
		return;
	waitpid(server, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SERVED_NO_FILE)
		fail_msg("no file system is served, for the reason above");
	fail_msg("who serves the file system has ended, status %#x", status);
}
