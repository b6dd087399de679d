/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * What tests of RTE_VHOST_USER_CLIENT share: frontends that listen, and drivers that connect.
 */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include "control.h"

/** Register a client and set its callbacks; RTE_VHOST_USER_CLIENT is added to the flags. */
void control_client_register(const char *path, uint64_t flags);
/** control_client_register() and start. */
void control_client_start(const char *path, uint64_t flags);
/** A guest that listens at @p name; device->vid is -1. */
void control_client_listen(struct control_device *device, const char *name);
/** Unregister; the guest stays. */
void control_client_close(struct control_device *device);
/** A socket bound to a path; listens with a backlog of one when it is a stream socket. */
int control_client_socket(const char *path, int type);
/** Connect to a path without waiting. @return a socket or a negative errno. */
int control_client_dial(const char *path);
/** Whether somebody connects to a listener within so long. */
bool control_client_calls(int listener, int timeout_ms);
/** CPU that this process has used, in microseconds. */
int64_t control_cpu_us(void);

#endif
