/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control.h"

#include <linux/virtio_config.h>

#include <sys/socket.h>
#include <sys/un.h>

#define MOST_EVENTS 200000

struct control_answers control_answers;

static bool packed;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct control_event events[MOST_EVENTS];
static int event_count;

/** Whoever calls back may do so while a test takes the hook away. */
static void call_hook(enum control_kind kind, int vid)
{
	control_hook *hook = control_answers.hook;

	if (hook)
		hook(kind, vid);
}

static void note(enum control_kind kind, int vid, int queue, int enable)
{
	pthread_mutex_lock(&mutex);
	if (event_count < MOST_EVENTS)
		events[event_count++] = (struct control_event){ kind, vid, queue, enable };
	pthread_mutex_unlock(&mutex);
	call_hook(kind, vid);
}

static int new_device(int vid)
{
	note(CONTROL_NEW_DEVICE, vid, -1, -1);
	return control_answers.new_device;
}

static void destroy_device(int vid)
{
	note(CONTROL_DESTROY_DEVICE, vid, -1, -1);
}

static int state_changed(int vid, uint16_t queue, int enable)
{
	note(CONTROL_STATE, vid, queue, enable);
	return 0;
}

static int new_connection(int vid)
{
	note(CONTROL_NEW_CONNECTION, vid, -1, -1);
	return control_answers.new_connection;
}

static void destroy_connection(int vid)
{
	note(CONTROL_DESTROY_CONNECTION, vid, -1, -1);
}

static void guest_notified(int vid)
{
	call_hook(CONTROL_NOTIFIED, vid);
}

const struct vhost_device_ops control_ops = {
	.new_device = new_device,
	.destroy_device = destroy_device,
	.vring_state_changed = state_changed,
	.new_connection = new_connection,
	.destroy_connection = destroy_connection,
	.guest_notified = guest_notified,
};

int control_events(void)
{
	int count;

	pthread_mutex_lock(&mutex);
	count = event_count;
	pthread_mutex_unlock(&mutex);
	return count;
}

struct control_event control_event(int index)
{
	struct control_event event;

	pthread_mutex_lock(&mutex);
	event = events[index];
	pthread_mutex_unlock(&mutex);
	return event;
}

static int find_event(int from, enum control_kind kind, int vid)
{
	int found = -1;

	pthread_mutex_lock(&mutex);
	for (int i = from; i < event_count && found < 0; i++)
		if (events[i].kind == kind && (vid < 0 || events[i].vid == vid))
			found = i;
	pthread_mutex_unlock(&mutex);
	return found;
}

int control_wait_event(int from, enum control_kind kind, int vid)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	int found;

	while ((found = find_event(from, kind, vid)) < 0 && control_now_ms() < deadline)
		control_sleep_ms(1);
	return found;
}

int control_count_events(int from, enum control_kind kind, int vid)
{
	int count = 0;

	for (int i; (i = find_event(from, kind, vid)) >= 0; from = i + 1)
		count++;
	return count;
}

int control_split(void **state)
{
	(void)state;
	packed = false;
	return 0;
}

int control_packed(void **state)
{
	(void)state;
	packed = true;
	return 0;
}

bool control_is_packed(void)
{
	return packed;
}

void control_choose_ring(struct guest_config *config)
{
	if (packed)
		config->features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
}

void control_listen(struct control_device *device, const char *name, uint64_t flags)
{
	device->guest = NULL;
	device->vid = -1;
	control_path(device->path, name);
	assert_int_equal(rte_vhost_driver_register(device->path, flags), 0);
	assert_int_equal(rte_vhost_driver_callback_register(device->path, &control_ops), 0);
	assert_int_equal(rte_vhost_driver_start(device->path), 0);
}

void control_config(struct guest_config *config, const struct control_device *device)
{
	guest_config_init(config);
	config->socket_path = device->path;
	config->timeout_ms = CONTROL_PATIENCE_MS;
}

void control_attach(struct control_device *device, const struct guest_config *wanted)
{
	struct guest_config config;
	int from = control_events(), found;

	control_config(&config, device);
	if (wanted) {
		config = *wanted;
		config.socket_path = device->path;
		config.timeout_ms = CONTROL_PATIENCE_MS;
	}
	control_choose_ring(&config);
	assert_int_equal(guest_create(&config, &device->guest), 0);
	assert_int_equal(guest_connect(device->guest), 0);
	assert_int_equal(guest_is_packed(&device->guest->queues[0]), packed);
	assert_int_equal(guest_start(device->guest), 0);
	found = control_wait_event(from, CONTROL_NEW_DEVICE, -1);
	assert_true(found >= 0);
	device->vid = control_event(found).vid;
}

/** Wait until the event thread has done what it had begun: callbacks come before the rest. */
static void settle(void)
{
	char path[108];

	control_path(path, "settle");
	assert_int_equal(rte_vhost_driver_register(path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(path, &control_ops), 0);
	assert_int_equal(rte_vhost_driver_start(path), 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

void control_detach(struct control_device *device)
{
	int from = control_events();

	if (!device->guest)
		return;
	guest_destroy(device->guest);
	device->guest = NULL;
	assert_true(control_wait_event(from, CONTROL_DESTROY_CONNECTION, device->vid) >= 0);
	settle();
	device->vid = -1;
}

void control_close(struct control_device *device)
{
	control_detach(device);
	assert_int_equal(rte_vhost_driver_unregister(device->path), 0);
}

void control_open(struct control_device *device, const char *name, uint64_t flags,
		  const struct guest_config *config)
{
	control_listen(device, name, flags);
	control_attach(device, config);
}

int control_connect(const struct control_device *device)
{
	struct guest_frontend frontend;

	guest_frontend_init(&frontend, CONTROL_PATIENCE_MS);
	assert_int_equal(guest_frontend_connect(&frontend, device->path), 0);
	return frontend.socket;
}

struct rtevhostswift_vring_stats control_stats(int vid, uint16_t queue)
{
	struct rtevhostswift_vring_stats stats;

	assert_int_equal(rtevhostswift_vring_stats_get(vid, queue, &stats, sizeof(stats)), 0);
	return stats;
}

struct rte_mempool *control_pool(void)
{
	static struct rte_mempool *pool;

	if (!pool)
		pool = rte_pktmbuf_pool_create("control", CONTROL_POOL_SIZE, 256, 0,
					       RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	assert_non_null(pool);
	return pool;
}

static unsigned int lost;

void control_forget_pool(void)
{
	lost = rte_mempool_in_use_count(control_pool());
}

void control_assert_pool(void)
{
	unsigned int before = lost;

	/* What one test lost is not the next one's fault. */
	lost = rte_mempool_in_use_count(control_pool());
	assert_int_equal(lost, before);
}
