/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * The application of a life: it echoes in the caller's thread, and counts what cannot be.
 */
#ifndef FAULTS_APP_H
#define FAULTS_APP_H

#include "faults_life.h"

/** Mbufs of its pool. */
#define FAULTS_POOL 256

/** The one application. */
struct faults_app {
	pthread_mutex_t lock;		/**< Around rounds and callbacks. */
	struct rte_mempool *pool;
	bool async;
	int vid;			/**< -1 without device. */
	uint32_t connections;		/**< That are open. */
	bool has_failed;		/**< A channel could not be made. */
	struct rte_mbuf *backlog[FAULTS_POOL];	/**< For a guest that has no room yet. */
	uint32_t count;
};

extern struct faults_app faults_app;
extern const struct vhost_device_ops faults_app_ops;

/** Pool and engine. */
bool faults_app_begin(bool async);
/** Give both back. @return what was left over, or NULL. */
const char *faults_app_end(void);
/** One round of the echo. */
void faults_app_round(void);
/** The device's vid, -1 without one. */
int faults_app_vid(void);

/** Register a vDPA device and take it back. @return the call that failed, or NULL. */
const char *faults_register_hardware(void);

#endif
