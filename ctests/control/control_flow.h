/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * A guest's side of an echo whose backend comes and goes: sends numbered packets, and books what
 * comes back.
 */
#ifndef CONTROL_FLOW_H
#define CONTROL_FLOW_H

#include "control_app.h"

/** Largest frame. */
#define CONTROL_FLOW_FRAME 4000

/** Numbered packets of one guest. */
struct control_flow {
	struct guest *guest;
	struct guest_random random;
	uint64_t sent, received;
	uint64_t next;		/**< Number expected next. */
	uint64_t skipped;	/**< Numbers that later ones overtook: lost. */
	uint64_t doubled;	/**< Came again, or behind a later one. */
	uint64_t changed;	/**< Not as they were sent. */
	uint64_t at_risk;	/**< Taken by backends that died, and not back by then. */
	uint64_t forgotten;	/**< Of these, up to the last death. */
};

/** A guest for a case; -EOPNOTSUPP when guest or library do not have its ring format. */
int control_flow_create(struct control_flow *flow, const struct control_case *what,
			const char *path);
/** Connect, or wait for the backend to, and start or go on. */
int control_flow_connect(struct control_flow *flow);
/** Send and receive for a while; a backend that is gone is no error. */
void control_flow_run(struct control_flow *flow, int microseconds);
/** The backend died with what it had taken. */
void control_flow_bury(struct control_flow *flow);
/** Send nothing more until all is back that can be. */
void control_flow_drain(struct control_flow *flow);
/** Fail unless every chain came back once, and every packet did that could. */
void control_flow_check(const struct control_flow *flow);

#endif
