/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * A file system that a frontend serves by itself (FUSE), with one file, and answers that are late
 * or never come.
 */
#ifndef CONTROL_SERVED_H
#define CONTROL_SERVED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** Bytes of the file. */
#define SERVED_BYTES (1u << 20)

/** Requests that are not answered, or late. */
struct silence {
	bool attributes, flush, statistics, pages;
};

/** What serves it. */
struct file_system {
	int device;		/**< /dev/fuse. */
	struct silence silence;	/**< What is not answered... */
	volatile bool silent;	/**< ...from now on... */
	int late_ms;		/**< ...or, where this is not 0, so late. */
	volatile int unanswered;
};

/**
 * In a process of its own: mount it in a new directory of that name, serve it on a thread, and
 * open the file. @return the file, or a negative errno and a line on standard error that
 * says what is missing.
 */
int served_open(struct file_system *fs, const char *name);

/** What a server's process ends with that has no file. */
#define SERVED_NO_FILE 71

/** Read the number that a server writes; fail, and say why, where it ended instead. */
void served_hear(int from, pid_t server, int *number);

#endif
