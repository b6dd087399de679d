/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * What attacks by a frontend share. The attacked device has traffic both ways, and with an engine
 * packets in flight, while messages arrive; so has the innocent device, of the same ring format.
 */
#ifndef HOSTILE_FRONT_H
#define HOSTILE_FRONT_H

#include "control.h"
#include "hostile.h"

/** The attacked device of a test. */
struct front {
	struct bench *target;
	struct control_device door;	/**< Its socket, for connections beside its own. */
	struct control_counts before;	/**< With both devices running. */
};

extern struct front front;

/** hostile_open() with an innocent device that is like the test's. */
void front_open(struct hostile *hostile, const struct bench_config *config);

/** Everything arrives, both end, nothing is left over. */
void front_close(struct hostile *hostile);

/** Things the test made since front_open(), and keeps until it ends. */
void front_keep(void);

/** More packets both ways; with an engine some of them are in flight afterwards. */
void front_load(void);

/** What holds after every step, of both devices; the innocent one moves packets. */
void front_check(void);

/** The engine does what it has; all packets arrive. */
void front_settle(void);

/** Engines learn where the target's memory is mapped now. */
void front_learn(void);

/** Take what was in flight of a target whose rings do not run; check and free it. */
void front_drain(void);

/**
 * Calls on whatever device the target has now; what comes is thrown away, and guest memory is not
 * looked at. Only front_hang_up() makes sense of its packets afterwards.
 */
void front_poll_blindly(void);

/** An engine that has done all that it accepts, and does not look at whose memory it is. */
extern struct rte_vhost_async_channel_ops front_blind_engine;

/** The same for engines: they serve whatever device there is, as soon as it runs. */
void front_adopt(void);

/** After the target hung up, or was hung up on: what it had is back, and it starts anew. */
void front_revive(void);

/** The two halves of it. */
void front_hang_up(void);
void front_begin_anew(void);

/** Stop the target's rings (GET_VRING_BASE), with what is in flight done. */
void front_stop_rings(void);

/** Start them again where they stood. */
void front_start_rings(void);

/** The target's frontend. */
struct guest_frontend *front_frontend(void);

/** A message on the target's own connection: 0 done, 1 refused, negative: hung up. */
int front_ask(uint32_t request, const void *payload, uint32_t size, int fd);

/** The same; fails the test unless it is refused, and the devices go on. */
void front_refused(uint32_t request, const void *payload, uint32_t size, int fd);

/** A connection beside the target's own with every protocol feature that is offered. */
int front_dial(void);

/** A message on a connection with any number of descriptors: as front_ask(). */
int front_ask_with(int socket, uint32_t request, const void *payload, uint32_t size,
		   const int *fds, uint32_t fd_count);

/** An open file of so many bytes that guests could have as memory. */
int front_file(uint64_t size);

/** @p full in a long run, else so many of it as fit a short one. */
uint32_t front_times(uint32_t full, uint32_t part);

#endif
