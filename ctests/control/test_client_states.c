/* SPDX-License-Identifier: BSD-3-Clause */

/* rte_vhost_driver_unregister() of clients, whatever they are doing; engines that are late. */
#define _GNU_SOURCE
#include "control_client.h"

#include <sys/socket.h>

#include <rte_vhost_async.h>
#include <rtevhostswift_dma.h>

#define THREADS 4
#define PATHS 4

static char text[CONTROL_TEXT];

static void unregister_while_trying(void **state)
{
	struct guest_random random = { .state = 5 };
	struct control_counts before;
	char path[108];

	(void)state;
	control_path(path, "trying");
	control_client_start(path, 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	control_count_idle(&before);
	for (int i = 0; i < 200; i++) {
		control_client_start(path, 0);
		usleep(guest_random_range(&random, 0, 3000));
		assert_int_equal(rte_vhost_driver_unregister(path), 0);
	}
	control_assert_flat(&before);
	/* Registered, never started. */
	control_client_register(path, 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
}

/* Any moment between connect() and a device that runs. */
static void unregister_while_connecting(void **state)
{
	struct guest_random random = { .state = 6 };
	struct control_device device;
	struct control_counts before;

	(void)state;
	control_client_listen(&device, "connecting");
	device.guest->frontend.timeout_ms = 30;
	control_count_idle(&before);
	for (int i = 0; i < 200; i++) {
		uint64_t flags = i % 2 ? RTE_VHOST_USER_NO_RECONNECT : 0;
		int from = control_events(), created;

		control_client_start(device.path, flags);
		if (i % 3 == 0 && guest_connect(device.guest) == 0)
			guest_start(device.guest);
		else if (i % 3 == 1)
			usleep(guest_random_range(&random, 0, 2000));
		assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
		/* Each connection and each device that was told of ended. */
		created = control_count_events(from, CONTROL_NEW_CONNECTION, -1);
		assert_int_equal(control_count_events(from, CONTROL_DESTROY_CONNECTION, -1),
				 created);
		assert_int_equal(control_count_events(from, CONTROL_NEW_DEVICE, -1),
				 control_count_events(from, CONTROL_DESTROY_DEVICE, -1));
		guest_disconnect(device.guest);
		while (control_client_calls(device.guest->frontend.listener, 0))
			close(accept4(device.guest->frontend.listener, NULL, NULL,
				      SOCK_CLOEXEC));
	}
	control_assert_flat(&before);
	guest_destroy(device.guest);
}

static const char *called_path;
static int called_result;
static bool callback_runs;

static void slow_hook(enum control_kind kind, int vid)
{
	(void)vid;
	if (kind != CONTROL_NEW_DEVICE)
		return;
	__atomic_store_n(&callback_runs, true, __ATOMIC_RELEASE);
	control_sleep_ms(300);
	__atomic_store_n(&callback_runs, false, __ATOMIC_RELEASE);
}

static void calling_hook(enum control_kind kind, int vid)
{
	(void)vid;
	if (kind == CONTROL_NEW_DEVICE)
		called_result = CONTROL_LOGGED(text, rte_vhost_driver_unregister(called_path));
}

/** A client whose device has just been told of. */
static void start_with_hook(struct control_device *device, const char *name,
			    void (*hook)(enum control_kind, int))
{
	control_client_listen(device, name);
	control_answers.hook = hook;
	control_client_start(device->path, RTE_VHOST_USER_ASYNC_COPY);
	assert_int_equal(guest_connect(device->guest), 0);
	assert_int_equal(guest_start(device->guest), 0);
}

/* It waits for the callback, and ends the device behind it. */
static void unregister_while_a_callback_runs(void **state)
{
	struct control_device device;
	int from = control_events();

	(void)state;
	start_with_hook(&device, "callback", slow_hook);
	assert_true(control_wait_event(from, CONTROL_NEW_DEVICE, -1) >= 0);
	assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
	assert_false(__atomic_load_n(&callback_runs, __ATOMIC_ACQUIRE));
	assert_int_equal(control_count_events(from, CONTROL_DESTROY_DEVICE, -1), 1);
	assert_int_equal(control_count_events(from, CONTROL_DESTROY_CONNECTION, -1), 1);
	control_answers.hook = NULL;
	guest_destroy(device.guest);
}

/* The thread would wait for itself. */
static void unregister_in_a_callback_is_refused(void **state)
{
	char path[108];
	struct control_device device;
	int from = control_events();

	(void)state;
	control_path(path, "inside");
	called_path = path;
	called_result = 0;
	start_with_hook(&device, "inside", calling_hook);
	assert_true(control_wait_event(from, CONTROL_NEW_DEVICE, -1) >= 0);
	assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
	assert_int_equal(called_result, -1);
	control_answers.hook = NULL;
	guest_destroy(device.guest);
}

/** Registers, starts and unregisters sockets that others use as well. */
static void *storm(void *argument)
{
	struct guest_random random = { .state = (uintptr_t)argument };
	char path[108], name[16];

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "storm%u", guest_random_range(&random, 0, PATHS - 1));
		control_path(path, name);
		switch (guest_random_range(&random, 0, 3)) {
		case 0:
			rte_vhost_driver_register(path, RTE_VHOST_USER_CLIENT);
			rte_vhost_driver_callback_register(path, &control_ops);
			break;
		case 1:
			rte_vhost_driver_start(path);
			break;
		case 2:
			rte_vhost_driver_unregister(path);
			break;
		default:
			usleep(guest_random_range(&random, 0, 200));
		}
	}
	return NULL;
}

static void many_threads(void **state)
{
	struct control_counts before;
	pthread_t threads[THREADS];
	int listeners[PATHS];
	char path[108], name[16];

	(void)state;
	control_capture_begin();
	control_count_idle(&before);
	for (int i = 0; i < PATHS; i++) {
		snprintf(name, sizeof(name), "storm%d", i);
		control_path(path, name);
		listeners[i] = control_client_socket(path, SOCK_STREAM);
	}
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, storm, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < PATHS; i++) {
		snprintf(name, sizeof(name), "storm%d", i);
		control_path(path, name);
		rte_vhost_driver_unregister(path);
		close(listeners[i]);
	}
	control_assert_flat(&before);
	control_capture_end(NULL);
}

/** Give a queue an engine that holds its copies back. */
static struct rtevhostswift_dma *hold_engine(int vid, uint16_t queue)
{
	static const struct rtevhostswift_dma_faults hold = { .hold = 1 };
	struct rte_vhost_async_config config = { .features = RTE_VHOST_ASYNC_INORDER };
	struct rtevhostswift_dma *engine = rtevhostswift_dma_create(NULL);

	assert_non_null(engine);
	assert_int_equal(rtevhostswift_dma_attach(engine, vid, queue), 0);
	assert_int_equal(rte_vhost_async_channel_register(vid, queue, config,
							  rtevhostswift_dma_ops()), 0);
	assert_int_equal(rtevhostswift_dma_inject(vid, queue, &hold), 0);
	return engine;
}

/** Ten packets from the guest into the engine. */
static void take_ten(struct control_device *device)
{
	static const struct guest_shape shape;
	struct guest_queue *queue = guest_tx_queue(device->guest, 0);
	struct rte_mbuf *mbufs[32];
	int in_flight = 0;
	uint8_t frame[200];

	for (uint64_t i = 0; i < 10; i++) {
		control_frame(frame, sizeof(frame), i);
		assert_int_equal(guest_tx(queue, frame, sizeof(frame), &shape), 0);
	}
	guest_submit(queue);
	assert_int_equal(rte_vhost_async_try_dequeue_burst(device->vid, 1, control_pool(), mbufs,
							   32, &in_flight), 0);
	assert_int_equal(in_flight, 10);
}

/*
 * The frontend goes while an engine copies from its memory. Until the engine is done the client
 * does not connect again, and the chains go back unused: the next device takes them, once.
 */
static void a_late_engine_comes_first(void **state)
{
	struct rtevhostswift_dma *engine;
	struct control_device device;
	struct rte_mbuf *mbufs[32];
	int from = control_events(), at, old;
	int listener;

	(void)state;
	start_with_hook(&device, "late-engine", NULL);
	listener = device.guest->frontend.listener;
	at = control_wait_event(from, CONTROL_NEW_DEVICE, -1);
	device.vid = old = control_event(at).vid;
	engine = hold_engine(device.vid, 1);
	take_ten(&device);
	from = control_events();
	guest_disconnect(device.guest);
	assert_true(control_wait_event(from, CONTROL_DESTROY_CONNECTION, old) >= 0);
	assert_false(control_client_calls(listener, 2500));
	assert_int_equal(rtevhostswift_dma_inject(old, 1, NULL), 0);
	assert_true(control_client_calls(listener, 1000));
	assert_int_equal(rtevhostswift_dma_detach(old, 1), 0);
	assert_int_equal(rtevhostswift_dma_destroy(engine), 0);
	assert_int_equal(guest_tx_reap(guest_tx_queue(device.guest, 0)), 0);
	control_assert_pool();
	assert_int_equal(guest_connect(device.guest), 0);
	assert_int_equal(guest_start(device.guest), 0);
	at = control_wait_event(from, CONTROL_NEW_DEVICE, -1);
	device.vid = control_event(at).vid;
	assert_int_equal(rte_vhost_dequeue_burst(device.vid, 1, control_pool(), mbufs, 32), 10);
	for (uint64_t i = 0; i < 10; i++)
		control_assert_frame(rte_pktmbuf_mtod(mbufs[i], uint8_t *), mbufs[i]->pkt_len, i);
	rte_pktmbuf_free_bulk(mbufs, 10);
	assert_int_equal(guest_tx_reap(guest_tx_queue(device.guest, 0)), 10);
	assert_int_equal(guest_complaints(device.guest), 0);
	control_client_close(&device);
	guest_destroy(device.guest);
	control_assert_pool();
}

/* unregister says no while an engine copies, and the driver goes once it is done. */
static void unregister_with_a_late_engine(void **state)
{
	struct rtevhostswift_dma *engine;
	struct control_device device;
	struct control_counts before;
	int from = control_events();
	int64_t deadline;

	(void)state;
	control_count_idle(&before);
	start_with_hook(&device, "busy-engine", NULL);
	device.vid = control_event(control_wait_event(from, CONTROL_NEW_DEVICE, -1)).vid;
	engine = hold_engine(device.vid, 1);
	take_ten(&device);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_driver_unregister(device.path)), -1);
	assert_int_equal(rtevhostswift_dma_inject(device.vid, 1, NULL), 0);
	deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	control_capture_begin();
	while (rte_vhost_driver_register(device.path, RTE_VHOST_USER_CLIENT) < 0 &&
	       control_now_ms() < deadline)
		control_sleep_ms(5);
	control_capture_end(NULL);
	assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
	assert_int_equal(rtevhostswift_dma_detach(device.vid, 1), 0);
	assert_int_equal(rtevhostswift_dma_destroy(engine), 0);
	guest_destroy(device.guest);
	control_assert_flat(&before);
	control_assert_pool();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(unregister_while_trying),
	cmocka_unit_test(unregister_while_connecting),
	cmocka_unit_test(unregister_while_a_callback_runs),
	cmocka_unit_test(unregister_in_a_callback_is_refused),
	cmocka_unit_test(many_threads),
	cmocka_unit_test(a_late_engine_comes_first),
	cmocka_unit_test(unregister_with_a_late_engine),
};

CONTROL_MAIN_QUIET(300, tests)
