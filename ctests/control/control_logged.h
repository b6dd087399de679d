/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * A device on a stage whose frontend has a dirty log that it has not told the backend of.
 */
#ifndef CONTROL_LOGGED_H
#define CONTROL_LOGGED_H

#include "control.h"
#include "guest_log.h"

#define LOGGED_PROTOCOL \
	(GUEST_DEFAULT_PROTOCOL_FEATURES | GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD))

/** The stage, and the log of its target. */
extern struct control_stage logged_stage;
extern struct guest_log logged_log;

/** Set the stage; attach the target with LOG_SHMFD. */
void logged_begin(const char *name);
/** Give everything back. */
void logged_end(void);
/** The target's frontend. */
struct guest_frontend *logged_frontend(void);

#endif
