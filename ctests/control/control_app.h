/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * An application that survives its frontends and is to lose nothing: it sends every packet back to
 * the guest on the queue pair it came from, and keeps what it could not send for the next device.
 */
#ifndef CONTROL_APP_H
#define CONTROL_APP_H

#include "control.h"

#include <rte_vhost_async.h>
#include <rtevhostswift_dma.h>

/** Packets that wait for a guest; as many as its rings can hold. */
#define CONTROL_APP_BACKLOG 4096

/** How an application copies. */
enum control_copy {
	CONTROL_SYNC,
	/** By an engine that holds copies back; waits for it in destroy_device(). */
	CONTROL_ASYNC,
	/** From the guest only; leaves waiting in destroy_device() to the library. */
	CONTROL_CARELESS,
};

/** What is tried. */
struct control_case {
	const char *name;
	bool client;			/**< The library connects, the guest listens. */
	enum control_copy copy;
	bool packed;			/**< Ring format. */
	bool inflight;			/**< The guest keeps a record of what is in flight. */
};

/** Those that every test of backends that come back has. */
#define CONTROL_RECONNECTS \
	{ "server-sync", false, CONTROL_SYNC, false, false }, \
	{ "server-async", false, CONTROL_ASYNC, false, false }, \
	{ "client-sync", true, CONTROL_SYNC, false, false }, \
	{ "client-async", true, CONTROL_ASYNC, false, false }, \
	{ "client-careless", true, CONTROL_CARELESS, false, false }, \
	{ "server-sync-packed", false, CONTROL_SYNC, true, false }, \
	{ "server-async-packed", false, CONTROL_ASYNC, true, false }, \
	{ "client-sync-packed", true, CONTROL_SYNC, true, false }, \
	{ "client-async-packed", true, CONTROL_ASYNC, true, false }

/** The application; one in a process. */
struct control_app {
	const struct control_case *what;
	char path[108];
	struct rte_mempool *pool;
	struct rtevhostswift_dma *engine;
	pthread_mutex_t lock;		/**< Around each round, and each callback. */
	pthread_t plane, keeper;
	bool stop;
	int vid;			/**< -1 without a running device. */
	struct rte_mbuf *backlog[CONTROL_APP_BACKLOG];
	uint32_t first, count;
	uint64_t packets;
	uint32_t devices, failures;
};

/** Pool, engine, threads; no socket yet. @return 0 or -1. */
int control_app_init(struct control_app *app, const struct control_case *what, const char *path);
/** Register and start the socket. */
int control_app_open(struct control_app *app);
/** Unregister it. */
int control_app_close(struct control_app *app);
/** End threads and engine, free the backlog. @return mbufs that did not come back, or -1. */
int control_app_end(struct control_app *app);

#endif
