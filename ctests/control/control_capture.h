/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * `rtevhostctl capture` on a process's side, and a reader of pcapng files that knows nothing of the
 * writer.
 */
#ifndef CONTROL_CAPTURE_H
#define CONTROL_CAPTURE_H

#include "control_inspect.h"

#include <sys/types.h>

/** The program while it captures, and its file. */
struct capture {
	pid_t child;
	char path[108], log[108];
	uint8_t *bytes;
	long byte_count;
};

/** A packet of the file. */
struct captured {
	const uint8_t *bytes;
	uint32_t byte_count, packet_byte_count, interface, flags;
	uint64_t time, dropped;
	char comment[200];
};

/** Start it: what the shell does before, options; waits until packets are copied. */
void capture_start(struct capture *capture, const char *before, const char *options);
/** Wait for its end; its status, what it said in inspect_text; the file is read. */
int capture_end(struct capture *capture);
/** A client of the test's own: send this line to inspect_path, wait until its answer begins. */
int capture_ask(const char *line);
/** Find packet @p index of an interface. @return false when there are not so many. */
bool capture_packet(const struct capture *capture, uint32_t interface, uint32_t index,
		    struct captured *packet);
/** Packets of an interface; fails unless the file is whole blocks. */
uint32_t capture_count(const struct capture *capture, uint32_t interface);
/** Fail unless tshark reads that many packets. */
void capture_assert_tshark(const struct capture *capture, uint32_t count);
void capture_free(struct capture *capture);

#endif
