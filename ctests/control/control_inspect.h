/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * A client of the control socket that rtevhostswift_control_open() makes.
 */
#ifndef CONTROL_INSPECT_H
#define CONTROL_INSPECT_H

#include "control.h"

#include <rtevhostswift_control.h>

/** Room for an answer. */
#define INSPECT_TEXT (1 << 20)

/** A connection, or a negative errno. */
int inspect_connect(const char *path);
/** Read to the end, or until nothing came for so long; the text, and @return bytes or negative. */
long inspect_read(int fd, char text[INSPECT_TEXT], int patience_ms);
/** Send this line and read the answer. @return as inspect_read(). */
long inspect_ask(const char *path, const char *line, char text[INSPECT_TEXT]);
/** Fail unless the answer has all of these (NULL ends them). */
void inspect_assert_has(const char *text, ...);

/** Somebody who asks again and again, on a thread of its own. */
struct inspect_asker {
	const char *path;
	pthread_t thread;
	bool stop;
	unsigned int answers, failures;
};

void inspect_asker_start(struct inspect_asker *asker, const char *path);
/** Stop it; fail unless it got answers, all of them whole. */
void inspect_asker_stop(struct inspect_asker *asker);

/** The control socket of inspect_begin(), and the program that asks by it. */
extern char inspect_path[108], inspect_tool[4096];
/** What inspect_run() read. */
extern char inspect_text[INSPECT_TEXT];

/** Find rtevhostctl, and open the control socket. */
void inspect_begin(const char *name);
/** The same with flags of rtevhostswift_control_open(). */
void inspect_begin_with(const char *name, uint64_t flags);
/** Run rtevhostctl; all that it writes is the text. @return its status. */
int inspect_run(const char *arguments);

#endif
