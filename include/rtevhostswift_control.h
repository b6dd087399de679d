/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_CONTROL_H
#define RTEVHOSTSWIFT_CONTROL_H

/**
 * @file
 * A Unix socket by which another process, rtevhostctl for instance, looks into this one: sockets, devices, negotiated
 * features, memory, rings, counters. What is said there is in docs/control-socket.md.
 *
 * RTEVHOSTSWIFT_CONTROL=PATH in the environment opens it with the first socket that is registered, for programs that
 * know nothing of this library; "%p" in the path stands for the process's number. RTEVHOSTSWIFT_CONTROL_CAPTURE=1 beside
 * it sets the flag of that name.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Flag of rtevhostswift_control_open(): clients may have copies of packets. */
#define RTEVHOSTSWIFT_CONTROL_CAPTURE (UINT64_C(1) << 0)

/**
 * Open the control socket; a thread of its own serves it until it is closed. The socket's file has mode 0600 from the
 * first moment, whatever the umask, and only processes of this process's effective user are answered. It is
 * read-only: nothing can be changed by what is asked there. RTEVHOSTSWIFT_CONTROL_CAPTURE enables the one request that has
 * the process do anything, copies of packets. The data path neither waits for it nor is it locked by it.
 *
 * @param path
 *   Where; at most 107 bytes. A socket that a dead process left is replaced, nothing else.
 * @param flags
 *   0 or RTEVHOSTSWIFT_CONTROL_CAPTURE; other bits are for later releases.
 * @return
 *   0, or -1 with errno and one log line: EINVAL (path, flags), EEXIST (open already), EBUSY (another thread opens or closes it),
 *   EADDRINUSE (the path is no socket, or somebody listens there), ENOMEM, and what socket(), bind() and pthread_create() give.
 */
int rtevhostswift_control_open(const char *path, uint64_t flags);

/**
 * Close the control socket: its thread has ended, its file is gone and its clients are hung up on when this returns.
 * In a child process only the child's copies are closed.
 *
 * @return
 *   0, or -1 with errno: ENOENT when it is not open, EBUSY while another thread opens or closes it.
 */
int rtevhostswift_control_close(void);

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_CONTROL_H */
