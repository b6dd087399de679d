/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * Messages of every kind that are nearly right, from a sequence of random numbers.
 */
#ifndef CONTROL_RANDOM_H
#define CONTROL_RANDOM_H

#include "control.h"

/** A frontend that says anything. */
struct control_random {
	struct guest_random random;
	struct guest *guest;		/**< Its memory and rings; it is never connected. */
	uint64_t without;		/**< Protocol features that it does not ask for. */
	bool packed, translated;	/**< What was asked for last. */
	int event, spare;		/**< An eventfd, and a file of pages. */
	int log;			/**< A file for logs and records. */
	int channel[2];			/**< SET_BACKEND_REQ_FD, or -1. */
	int inflight;			/**< What GET_INFLIGHT_FD gave last, or -1. */
};

/** Make a guest in whose memory every page is there. */
void control_random_init(struct control_random *fuzz, uint64_t seed);
void control_random_destroy(struct control_random *fuzz);
/** A connection that negotiated something. */
int control_random_connect(struct control_random *fuzz, const struct control_device *device);
/** Send one message, take what came. @return 0, or a negative errno when the backend hung up. */
int control_random_step(struct control_random *fuzz, int socket);

#endif
