/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "faults_app.h"

#include "faults_engine.h"

#include <rte_vhost_async.h>

#define BURST 32
#define PATIENCE_MS 3000

struct faults_app faults_app = { .lock = PTHREAD_MUTEX_INITIALIZER, .vid = -1 };

static void remove_channel(int vid, uint16_t queue)
{
	int64_t deadline = control_now_ms() + PATIENCE_MS;
	struct rte_mbuf *mbufs[BURST];

	while (control_now_ms() < deadline) {
		uint16_t count = faults_engine_clear(vid, queue, mbufs, BURST);

		rte_pktmbuf_free_bulk(mbufs, count);
		if (count == 0 && rte_vhost_async_get_inflight(vid, queue) <= 0)
			break;
		usleep(20);
	}
	faults_engine_remove(vid, queue);
}

static int new_connection(int vid)
{
	(void)vid;
	__atomic_add_fetch(&faults_app.connections, 1, __ATOMIC_ACQ_REL);
	return 0;
}

static void destroy_connection(int vid)
{
	(void)vid;
	__atomic_sub_fetch(&faults_app.connections, 1, __ATOMIC_ACQ_REL);
}

static int new_device(int vid)
{
	pthread_mutex_lock(&faults_app.lock);
	for (uint16_t queue = 0; queue < 2 && faults_app.async; queue++)
		if (!faults_engine_add(vid, queue))
			faults_app.has_failed = true;
	faults_app.vid = vid;
	pthread_mutex_unlock(&faults_app.lock);
	return 0;
}

static void destroy_device(int vid)
{
	pthread_mutex_lock(&faults_app.lock);
	faults_app.vid = -1;
	rte_pktmbuf_free_bulk(faults_app.backlog, faults_app.count);
	faults_app.count = 0;
	for (uint16_t queue = 0; queue < 2 && faults_app.async; queue++)
		remove_channel(vid, queue);
	pthread_mutex_unlock(&faults_app.lock);
}

const struct vhost_device_ops faults_app_ops = {
	.new_device = new_device,
	.destroy_device = destroy_device,
	.new_connection = new_connection,
	.destroy_connection = destroy_connection,
};

static void take(void)
{
	struct rte_mbuf **mbufs = faults_app.backlog + faults_app.count;

	if (faults_app.count + BURST > FAULTS_POOL)
		return;
	if (faults_app.async)
		faults_app.count += faults_engine_dequeue(faults_app.vid, faults_app.pool, mbufs,
							  BURST);
	else
		faults_app.count += rte_vhost_dequeue_burst(faults_app.vid, 1, faults_app.pool,
							    mbufs, BURST);
}

static void give(void)
{
	uint16_t count = (uint16_t)(faults_app.count < BURST ? faults_app.count : BURST);
	uint16_t sent = 0;

	if (faults_app.async) {
		sent = faults_engine_enqueue(faults_app.vid, faults_app.backlog, count);
	} else {
		sent = rte_vhost_enqueue_burst(faults_app.vid, 0, faults_app.backlog, count);
		rte_pktmbuf_free_bulk(faults_app.backlog, sent);
	}
	faults_app.count -= sent;
	memmove(faults_app.backlog, faults_app.backlog + sent,
		faults_app.count * sizeof(faults_app.backlog[0]));
}

void faults_app_round(void)
{
	pthread_mutex_lock(&faults_app.lock);
	if (faults_app.vid >= 0 && !faults_app.has_failed) {
		take();
		give();
	}
	pthread_mutex_unlock(&faults_app.lock);
}

int faults_app_vid(void)
{
	int vid;

	pthread_mutex_lock(&faults_app.lock);
	vid = faults_app.vid;
	pthread_mutex_unlock(&faults_app.lock);
	return vid;
}

bool faults_app_begin(bool async)
{
	static uint32_t serial;
	char name[RTE_MEMPOOL_NAMESIZE];

	faults_app.async = async;
	faults_app.has_failed = false;
	snprintf(name, sizeof(name), "faults%u", serial++);
	faults_app.pool = rte_pktmbuf_pool_create(name, FAULTS_POOL, 32, 0,
						  RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!faults_app.pool)
		return false;
	return !async || faults_engine_begin();
}

const char *faults_app_end(void)
{
	int64_t deadline = control_now_ms() + PATIENCE_MS;
	const char *broken = NULL, *busy;

	while (__atomic_load_n(&faults_app.connections, __ATOMIC_ACQUIRE) > 0 &&
	       control_now_ms() < deadline)
		usleep(100);
	if (faults_app.connections > 0)
		broken = "a connection was not ended";
	if (faults_app.vid >= 0)
		broken = "a device was not ended";
	busy = faults_engine_end();
	if (busy)
		broken = busy;
	if (faults_app.pool && rte_mempool_in_use_count(faults_app.pool) != 0)
		broken = "mbufs are lost";
	if (faults_app.pool)
		rte_mempool_free(faults_app.pool);
	faults_app.pool = NULL;
	return broken;
}
