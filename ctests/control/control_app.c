/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control_app.h"

#define BURST 32
#define POOL 8192
#define CLEAR_MS 5000

/** The one that the callbacks belong to. */
static struct control_app *current;

static bool is_async(const struct control_app *app, uint16_t queue)
{
	if (app->what->copy == CONTROL_CARELESS)
		return queue == 1;
	return app->what->copy == CONTROL_ASYNC;
}

static void keep(struct control_app *app, struct rte_mbuf **packets, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		if (app->count == CONTROL_APP_BACKLOG) {
			app->failures++;
			rte_pktmbuf_free(packets[i]);
			continue;
		}
		app->backlog[(app->first + app->count++) % CONTROL_APP_BACKLOG] = packets[i];
	}
	app->packets += count;
}

static int add_channel(struct control_app *app, int vid, uint16_t queue)
{
	struct rte_vhost_async_config config = {
		.async_threshold = 0, .features = RTE_VHOST_ASYNC_INORDER,
	};

	if (rtevhostswift_dma_attach(app->engine, vid, queue) < 0 && errno != EEXIST)
		return -1;
	return rte_vhost_async_channel_register_thread_unsafe(vid, queue, config,
							      rtevhostswift_dma_ops());
}

/** Take back what the engine has; packets from the guest are kept. */
static void clear_channel(struct control_app *app, int vid, uint16_t queue)
{
	int64_t deadline = control_now_ms() + CLEAR_MS;
	struct rte_mbuf *packets[BURST];

	rtevhostswift_dma_inject(vid, queue, NULL);
	while (control_now_ms() < deadline) {
		uint16_t count = rte_vhost_clear_queue_thread_unsafe(vid, queue, packets, BURST);

		if (queue % 2)
			keep(app, packets, count);
		else
			rte_pktmbuf_free_bulk(packets, count);
		if (count == 0 && rte_vhost_async_get_inflight(vid, queue) <= 0)
			break;
		usleep(20);
	}
	if (rte_vhost_async_channel_unregister_thread_unsafe(vid, queue) < 0 ||
	    rtevhostswift_dma_detach(vid, queue) < 0)
		app->failures++;
}

static int new_device(int vid)
{
	struct control_app *app = current;

	pthread_mutex_lock(&app->lock);
	if (app->vid >= 0)
		app->failures++;
	for (uint16_t queue = 0; queue < 2; queue++)
		if (is_async(app, queue) && add_channel(app, vid, queue) < 0)
			app->failures++;
	app->vid = vid;
	app->devices++;
	pthread_mutex_unlock(&app->lock);
	return 0;
}

static void destroy_device(int vid)
{
	struct control_app *app = current;

	pthread_mutex_lock(&app->lock);
	if (app->vid != vid)
		app->failures++;
	app->vid = -1;
	if (app->what->copy == CONTROL_ASYNC)
		for (uint16_t queue = 0; queue < 2; queue++)
			clear_channel(app, vid, queue);
	pthread_mutex_unlock(&app->lock);
}

static const struct vhost_device_ops ops = {
	.new_device = new_device,
	.destroy_device = destroy_device,
};

static void receive(struct control_app *app)
{
	/* What the engine has of a ring comes on top of it, should the device go. */
	uint32_t most = CONTROL_APP_BACKLOG / 2, room = app->count < most ? most - app->count : 0;
	struct rte_mbuf *packets[BURST];
	uint16_t count, limit = (uint16_t)(room < BURST ? room : BURST);
	int in_flight;

	if (limit == 0)
		return;
	if (is_async(app, 1))
		count = rte_vhost_async_try_dequeue_burst(app->vid, 1, app->pool, packets, limit,
							  &in_flight);
	else
		count = rte_vhost_dequeue_burst(app->vid, 1, app->pool, packets, limit);
	keep(app, packets, count);
}

static void send(struct control_app *app)
{
	struct rte_mbuf *packets[BURST], *done[BURST];
	uint32_t done_count = 0, limit = app->count < BURST ? app->count : BURST;
	uint16_t sent = 0;

	for (uint32_t i = 0; i < limit; i++)
		packets[i] = app->backlog[(app->first + i) % CONTROL_APP_BACKLOG];
	if (is_async(app, 0)) {
		uint16_t back = rte_vhost_poll_enqueue_completed(app->vid, 0, done, BURST);

		rte_pktmbuf_free_bulk(done, back);
		if (limit > 0)
			sent = rte_vhost_submit_enqueue_burst(app->vid, 0, packets, (uint16_t)limit,
							      done, &done_count);
		rte_pktmbuf_free_bulk(done, done_count);
	} else if (limit > 0) {
		sent = rte_vhost_enqueue_burst(app->vid, 0, packets, (uint16_t)limit);
		rte_pktmbuf_free_bulk(packets, sent);
	}
	app->first = (app->first + sent) % CONTROL_APP_BACKLOG;
	app->count -= sent;
}

static void *run_plane(void *argument)
{
	struct control_app *app = argument;

	/* Now and then it sends late, so that it has packets in hand when something happens. */
	for (uint32_t i = 0; !__atomic_load_n(&app->stop, __ATOMIC_ACQUIRE); i++) {
		pthread_mutex_lock(&app->lock);
		if (app->vid >= 0) {
			receive(app);
			if (i % 64 >= 32)
				send(app);
		}
		pthread_mutex_unlock(&app->lock);
		usleep(10);
	}
	return NULL;
}

/** Makes the engine late: holds all copies for some milliseconds, then lets them go. */
static void *run_keeper(void *argument)
{
	static const struct rtevhostswift_dma_faults hold = { .hold = 1 };
	struct guest_random random = { .state = 99 };
	struct control_app *app = argument;

	while (!__atomic_load_n(&app->stop, __ATOMIC_ACQUIRE)) {
		int vid;

		pthread_mutex_lock(&app->lock);
		vid = app->vid;
		for (uint16_t queue = 0; queue < 2 && vid >= 0; queue++)
			rtevhostswift_dma_inject(vid, queue, &hold);
		pthread_mutex_unlock(&app->lock);
		usleep(guest_random_range(&random, 100, 8000));
		/* The device may be gone by now; its engine is late all the same. */
		for (uint16_t queue = 0; queue < 2 && vid >= 0; queue++)
			rtevhostswift_dma_inject(vid, queue, NULL);
		usleep(guest_random_range(&random, 100, 2000));
	}
	return NULL;
}

int control_app_init(struct control_app *app, const struct control_case *what, const char *path)
{
	static unsigned int serial;
	char name[RTE_MEMPOOL_NAMESIZE];

	memset(app, 0, sizeof(*app));
	app->what = what;
	app->vid = -1;
	strcpy(app->path, path);
	pthread_mutex_init(&app->lock, NULL);
	current = app;
	snprintf(name, sizeof(name), "app%u", serial++);
	app->pool = rte_pktmbuf_pool_create(name, POOL, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					    SOCKET_ID_ANY);
	if (!app->pool)
		return -1;
	if (what->copy != CONTROL_SYNC) {
		app->engine = rtevhostswift_dma_create(NULL);
		if (!app->engine || pthread_create(&app->keeper, NULL, run_keeper, app) != 0)
			return -1;
	}
	return pthread_create(&app->plane, NULL, run_plane, app) == 0 ? 0 : -1;
}

int control_app_open(struct control_app *app)
{
	uint64_t flags = app->what->client ? RTE_VHOST_USER_CLIENT : 0, protocol;

	if (app->what->copy != CONTROL_SYNC)
		flags |= RTE_VHOST_USER_ASYNC_COPY;
	if (rte_vhost_driver_register(app->path, flags) < 0 ||
	    rte_vhost_driver_callback_register(app->path, &ops) < 0)
		return -1;
	/* DPDK 21.08: a net device does not offer it by itself. */
	if (app->what->inflight &&
	    (rte_vhost_driver_get_protocol_features(app->path, &protocol) < 0 ||
	     rte_vhost_driver_set_protocol_features(
		app->path, protocol | GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD)) < 0))
		return -1;
	return rte_vhost_driver_start(app->path);
}

int control_app_close(struct control_app *app)
{
	return rte_vhost_driver_unregister(app->path);
}

int control_app_end(struct control_app *app)
{
	int left;

	__atomic_store_n(&app->stop, true, __ATOMIC_RELEASE);
	pthread_join(app->plane, NULL);
	if (app->engine) {
		pthread_join(app->keeper, NULL);
		for (int vid = 0; vid < 8; vid++)
			for (uint16_t queue = 0; queue < 2; queue++)
				rtevhostswift_dma_detach(vid, queue);
		if (rtevhostswift_dma_destroy(app->engine) < 0)
			return -1;
	}
	for (; app->count > 0; app->count--, app->first++)
		rte_pktmbuf_free(app->backlog[app->first % CONTROL_APP_BACKLOG]);
	left = (int)rte_mempool_in_use_count(app->pool);
	rte_mempool_free(app->pool);
	return left;
}
