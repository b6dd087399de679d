/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * rtevhostctl, the real program: prepared faults, each of which `check` has to name, and the other
 * commands on a device that works.
 */
#define _GNU_SOURCE
#include "control_inspect.h"

#include <rte_vhost_async.h>
#include <rtevhostswift_dma.h>

#include "control_iommu.h"
#include "guest_misbehave.h"

static struct control_device device;

/** Fail unless check names this cause, in words and for programs. */
static void expect(const char *cause)
{
	char word[100];

	assert_int_equal(inspect_run("check --interval 0.2"), 1);
	snprintf(word, sizeof(word), "[%s]\n", cause);
	inspect_assert_has(inspect_text, "problem: ", word, NULL);
	print_message("%s", inspect_text);
	assert_int_equal(inspect_run("check --json --interval 0.2"), 1);
	snprintf(word, sizeof(word), "\"cause\":\"%s\"", cause);
	inspect_assert_has(inspect_text, word, NULL);
}

static void open_with(const char *name, const struct guest_config *config)
{
	inspect_begin("ctl");
	control_open(&device, name, 0, config);
}

static void shut(void)
{
	control_close(&device);
	assert_int_equal(rtevhostswift_control_close(), 0);
}

static void nothing_is_wrong_with_what_works(void **state)
{
	(void)state;
	open_with("good.sock", NULL);
	control_send_good(&device, 1);
	control_receive_good(&device, 2);
	assert_int_equal(inspect_run("check --interval 0.1"), 0);
	assert_string_equal(inspect_text, "nothing is wrong\n");
	assert_int_equal(inspect_run("check --json --interval 0.1"), 0);
	assert_string_equal(inspect_text, "[]\n");
	assert_int_equal(inspect_run("list"), 0);
	inspect_assert_has(inspect_text, "good.sock: server, started, 1 connections so far\n",
		"device 0: running, 2 queues", NULL);
	assert_int_equal(inspect_run("show"), 0);
	inspect_assert_has(inspect_text, "VIRTIO_F_VERSION_1\n", "memory: ",
		"ring 1 (from guest): ", "kick present, call present", "packets 1",
		"last messages:", NULL);
	assert_int_equal(inspect_run("show /nowhere.sock"), 1);
	inspect_assert_has(inspect_text, "the process has no socket /nowhere.sock", NULL);
	assert_int_equal(inspect_run("list --json"), 0);
	inspect_assert_has(inspect_text, "{\"protocol\":1,", NULL);
	assert_int_equal(inspect_run("--generate-completion-script bash"), 0);
	inspect_assert_has(inspect_text, "rtevhostctl", "complete", NULL);
	shut();
	assert_int_equal(inspect_run("list"), 1);
	inspect_assert_has(inspect_text, "no such socket", NULL);
}

static void a_socket_that_was_not_started(void **state)
{
	char name[108];

	(void)state;
	inspect_begin("ctl");
	control_path(name, "registered.sock");
	assert_int_equal(rte_vhost_driver_register(name, 0), 0);
	expect("socket-not-started");
	assert_int_equal(rte_vhost_driver_unregister(name), 0);
	assert_int_equal(rtevhostswift_control_close(), 0);
}

static void a_socket_without_a_frontend(void **state)
{
	(void)state;
	inspect_begin("ctl");
	control_listen(&device, "nobody.sock", 0);
	expect("nobody-connected");
	shut();
}

static void a_connection_that_was_lost(void **state)
{
	static char logged[CONTROL_TEXT];
	int fd;

	(void)state;
	inspect_begin("ctl");
	control_listen(&device, "lost.sock", 0);
	fd = control_connect(&device);
	control_capture_begin();
	assert_int_equal(control_send(fd, GUEST_SET_VRING_NUM, 1, "abc", 3, NULL, 0), 0);
	assert_true(control_hangs_up(fd));
	control_capture_end(logged);
	close(fd);
	expect("connection-lost");
	inspect_assert_has(inspect_text, "malformed message", NULL);
	shut();
}

static void a_frontend_without_memory_and_rings(void **state)
{
	int fd;

	(void)state;
	inspect_begin("ctl");
	control_listen(&device, "bare.sock", 0);
	fd = control_negotiate(&device);
	expect("no-memory");
	expect("no-rings");
	control_finish(fd);
	shut();
}

static void a_ring_that_is_not_enabled(void **state)
{
	(void)state;
	open_with("disabled.sock", NULL);
	assert_int_equal(guest_set_vring_enable(&device.guest->frontend, 1, false), 0);
	expect("ring-not-enabled");
	inspect_assert_has(inspect_text, "\"ring\":1", NULL);
	shut();
}

static void a_ring_without_a_kick(void **state)
{
	uint32_t base;

	(void)state;
	open_with("kick.sock", NULL);
	/* Stopped, and nothing comes after. */
	assert_int_equal(guest_get_vring_base(&device.guest->frontend, 0, &base), 0);
	expect("no-kick");
	expect("no-call");
	shut();
}

static void a_guest_without_buffers(void **state)
{
	struct guest_config config;

	(void)state;
	inspect_begin("ctl");
	control_listen(&device, "buffers.sock", 0);
	control_config(&config, &device);
	config.manual_rx = true;
	control_attach(&device, &config);
	expect("guest-has-no-buffers");
	shut();
}

static void an_application_that_does_not_poll(void **state)
{
	static const struct guest_shape shape;
	struct rte_mbuf *mbuf = NULL;
	struct guest_queue *queue;
	uint8_t frame[100];

	(void)state;
	open_with("poll.sock", NULL);
	queue = guest_tx_queue(device.guest, 0);
	control_frame(frame, sizeof(frame), 1);
	assert_int_equal(guest_tx(queue, frame, sizeof(frame), &shape), 0);
	guest_submit(queue);
	expect("application-does-not-poll");
	assert_int_equal(rte_vhost_dequeue_burst(device.vid, 1, control_pool(), &mbuf, 1), 1);
	rte_pktmbuf_free(mbuf);
	assert_int_equal(inspect_run("check --interval 0.1"), 0);
	shut();
}

static void an_engine_that_is_stuck(void **state)
{
	struct rte_vhost_async_config config = { .features = RTE_VHOST_ASYNC_INORDER };
	struct rtevhostswift_dma_faults hold = { .hold = 1 };
	struct rtevhostswift_dma *engine = rtevhostswift_dma_create(NULL);
	struct rte_mbuf *mbuf, *done[1], *none[1];
	uint32_t finished = 0;
	int vid;

	(void)state;
	inspect_begin("ctl");
	control_open(&device, "stuck.sock", RTE_VHOST_USER_ASYNC_COPY, NULL);
	vid = device.vid;
	assert_int_equal(rtevhostswift_dma_attach(engine, vid, 0), 0);
	assert_int_equal(rte_vhost_async_channel_register(vid, 0, config,
							  rtevhostswift_dma_ops()), 0);
	assert_int_equal(rtevhostswift_dma_inject(vid, 0, &hold), 0);
	mbuf = control_mbuf(500, 1);
	assert_int_equal(rte_vhost_submit_enqueue_burst(vid, 0, &mbuf, 1, none, &finished), 1);
	expect("engine-stuck");
	assert_int_equal(rtevhostswift_dma_inject(vid, 0, NULL), 0);
	while (finished == 0 && rte_vhost_poll_enqueue_completed(vid, 0, done, 1) == 0)
		control_sleep_ms(1);
	rte_pktmbuf_free(mbuf);
	assert_int_equal(rte_vhost_async_channel_unregister(vid, 0), 0);
	assert_int_equal(rtevhostswift_dma_detach(vid, 0), 0);
	shut();
	assert_int_equal(rtevhostswift_dma_destroy(engine), 0);
}

static bool stop_polling;

static void *poll_with_an_empty_pool(void *argument)
{
	struct rte_mempool *pool = argument;
	struct rte_mbuf *mbuf;

	while (!__atomic_load_n(&stop_polling, __ATOMIC_RELAXED)) {
		assert_int_equal(rte_vhost_dequeue_burst(device.vid, 1, pool, &mbuf, 1), 0);
		control_sleep_ms(1);
	}
	return NULL;
}

static void a_pool_that_is_empty(void **state)
{
	static const struct guest_shape shape;
	struct rte_mempool *pool = rte_pktmbuf_pool_create("one", 1, 0, 0, 2176, 0);
	struct rte_mbuf *only = rte_pktmbuf_alloc(pool);
	struct guest_queue *queue;
	uint8_t frame[100];
	pthread_t thread;

	(void)state;
	assert_non_null(only);
	open_with("pool.sock", NULL);
	queue = guest_tx_queue(device.guest, 0);
	control_frame(frame, sizeof(frame), 1);
	assert_int_equal(guest_tx(queue, frame, sizeof(frame), &shape), 0);
	guest_submit(queue);
	stop_polling = false;
	assert_int_equal(pthread_create(&thread, NULL, poll_with_an_empty_pool, pool), 0);
	expect("pool-empty");
	__atomic_store_n(&stop_polling, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	rte_pktmbuf_free(only);
	shut();
	rte_mempool_free(pool);
}

static void a_ring_that_the_guest_broke(void **state)
{
	static char logged[CONTROL_TEXT];
	struct rte_mbuf *mbuf;

	(void)state;
	open_with("broken.sock", NULL);
	assert_int_equal(guest_bad_add(guest_tx_queue(device.guest, 0), GUEST_BAD_INDEX_FAR,
				       NULL, 0, 0), 0);
	control_capture_begin();
	assert_int_equal(rte_vhost_dequeue_burst(device.vid, 1, control_pool(), &mbuf, 1), 0);
	control_capture_end(logged);
	expect("ring-broken");
	shut();
}

static void a_feature_that_is_missing(void **state)
{
	struct guest_config config;

	(void)state;
	inspect_begin("ctl");
	control_listen(&device, "feature.sock", 0);
	control_config(&config, &device);
	config.features &= ~GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
	control_attach(&device, &config);
	assert_int_equal(inspect_run("check --interval 0.1"), 0);
	inspect_assert_has(inspect_text, "warning: ", "VIRTIO_NET_F_MRG_RXBUF is offered",
		"[feature-missing]", NULL);
	shut();
}

static void misses_that_nobody_answers(void **state)
{
	static const struct guest_shape shape;
	struct control_iommu iommu;
	struct guest_config config;
	struct guest_queue *queue;
	struct rte_mbuf *mbuf;
	uint8_t frame[100];

	(void)state;
	memset(&iommu, 0, sizeof(iommu));
	inspect_begin("ctl");
	control_iommu_listen(&iommu, "iommu.sock", 0);
	control_iommu_config(&config);
	config.socket_path = iommu.device.path;
	control_iommu_attach(&iommu, &config, 0);
	queue = guest_tx_queue(iommu.device.guest, 0);
	control_frame(frame, sizeof(frame), 1);
	assert_int_equal(guest_tx(queue, frame, sizeof(frame), &shape), 0);
	guest_submit(queue);
	assert_int_equal(rte_vhost_dequeue_burst(iommu.device.vid, 1, control_pool(), &mbuf, 1), 0);
	expect("iotlb-unanswered");
	control_iommu_close(&iommu);
	assert_int_equal(rtevhostswift_control_close(), 0);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(nothing_is_wrong_with_what_works),
	cmocka_unit_test(a_socket_that_was_not_started),
	cmocka_unit_test(a_socket_without_a_frontend),
	cmocka_unit_test(a_connection_that_was_lost),
	cmocka_unit_test(a_frontend_without_memory_and_rings),
	cmocka_unit_test(a_ring_that_is_not_enabled),
	cmocka_unit_test(a_ring_without_a_kick),
	CONTROL_TEST(a_guest_without_buffers),
	CONTROL_TEST(an_application_that_does_not_poll),
	cmocka_unit_test(an_engine_that_is_stuck),
	cmocka_unit_test(a_pool_that_is_empty),
	CONTROL_TEST_SPLIT(a_ring_that_the_guest_broke),
	cmocka_unit_test(a_feature_that_is_missing),
	cmocka_unit_test(misses_that_nobody_answers),
};

CONTROL_MAIN(180, tests)
