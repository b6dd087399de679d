/* SPDX-License-Identifier: BSD-3-Clause */

/* Which callbacks come, in which order, and what they may do. */
#define _GNU_SOURCE
#include "control.h"

static struct control_device one;

static void expect(int *at, enum control_kind kind, int queue, int enable)
{
	struct control_event event;

	assert_true(*at < control_events());
	event = control_event((*at)++);
	assert_int_equal(event.kind, kind);
	assert_int_equal(event.queue, queue);
	assert_int_equal(event.enable, enable);
}

static void order_of_a_life(void **state)
{
	int at = control_events();

	(void)state;
	control_open(&one, "order", 0, NULL);
	expect(&at, CONTROL_NEW_CONNECTION, -1, -1);
	expect(&at, CONTROL_STATE, 0, 1);
	expect(&at, CONTROL_STATE, 1, 1);
	/* Status is negotiated: DRIVER_OK comes last. */
	expect(&at, CONTROL_NEW_DEVICE, -1, -1);
	assert_int_equal(guest_stop(one.guest), 0);
	/* Disabled by SET_VRING_ENABLE, then GET_VRING_BASE ends the device. */
	expect(&at, CONTROL_STATE, 0, 0);
	expect(&at, CONTROL_STATE, 1, 0);
	expect(&at, CONTROL_DESTROY_DEVICE, -1, -1);
	assert_int_equal(guest_start(one.guest), 0);
	expect(&at, CONTROL_STATE, 0, 1);
	expect(&at, CONTROL_STATE, 1, 1);
	expect(&at, CONTROL_NEW_DEVICE, -1, -1);
	control_close(&one);
	expect(&at, CONTROL_DESTROY_DEVICE, -1, -1);
	expect(&at, CONTROL_DESTROY_CONNECTION, -1, -1);
	assert_int_equal(at, control_events());
}

static void a_probe_is_no_device(void **state)
{
	uint64_t features, protocol, pairs;
	int at = control_events();

	(void)state;
	control_listen(&one, "probe", 0);
	assert_int_equal(guest_probe(one.path, 5000, &features, &protocol, &pairs), 0);
	assert_true(control_wait_event(at, CONTROL_DESTROY_CONNECTION, -1) >= 0);
	expect(&at, CONTROL_NEW_CONNECTION, -1, -1);
	expect(&at, CONTROL_DESTROY_CONNECTION, -1, -1);
	assert_int_equal(at, control_events());
	control_close(&one);
}

/* Without PROTOCOL_FEATURES there is no SET_VRING_ENABLE: rings start with their kick. */
static void legacy_frontend_starts_with_the_kick(void **state)
{
	struct guest_config config;
	int at = control_events();

	(void)state;
	guest_config_init(&config);
	config.features = GUEST_BIT(VIRTIO_F_VERSION_1);
	config.protocol_features = 0;
	control_open(&one, "legacy", 0, &config);
	expect(&at, CONTROL_NEW_CONNECTION, -1, -1);
	expect(&at, CONTROL_STATE, 0, 1);
	expect(&at, CONTROL_STATE, 1, 1);
	expect(&at, CONTROL_NEW_DEVICE, -1, -1);
	control_send_good(&one, 5);
	control_receive_good(&one, 6);
	control_close(&one);
}

static void status_gates_the_device(void **state)
{
	struct guest_config config;
	struct guest *guest;
	int at = control_events();

	(void)state;
	control_listen(&one, "status", 0);
	control_config(&config, &one);
	assert_int_equal(guest_create(&config, &guest), 0);
	assert_int_equal(guest_connect(guest), 0);
	assert_int_equal(guest_start(guest), 0);
	assert_int_equal(control_count_events(at, CONTROL_NEW_DEVICE, -1), 1);
	assert_int_equal(guest_stop(guest), 0);
	at = control_events();
	/* All of guest_start() but its last message. */
	assert_int_equal(guest_set_status(&guest->frontend, 3), 0);
	assert_int_equal(guest_send_ring(guest, 0), 0);
	assert_int_equal(guest_send_ring(guest, 1), 0);
	assert_int_equal(guest_enable_pair(guest, 0, true), 0);
	assert_int_equal(control_count_events(at, CONTROL_NEW_DEVICE, -1), 0);
	assert_int_equal(guest_set_status(&guest->frontend, 0xf), 0);
	assert_int_equal(control_count_events(at, CONTROL_NEW_DEVICE, -1), 1);
	guest_destroy(guest);
	control_close(&one);
}

static void refused_connection_is_closed(int answer)
{
	int at, socket;

	control_listen(&one, "refused", 0);
	control_answers.new_connection = answer;
	at = control_events();
	socket = control_connect(&one);
	at = control_wait_event(at, CONTROL_NEW_CONNECTION, -1);
	control_answers.new_connection = 0;
	assert_true(at >= 0);
	/* A connection that stays open answers. */
	control_send(socket, GUEST_GET_FEATURES, GUEST_FLAG_VERSION, NULL, 0, NULL, 0);
	{
		uint64_t value;
		int ret = control_reply(socket, &value);

		close(socket);
		control_close(&one);
		assert_true(ret < 0);
	}
}

static void negative_new_connection_closes(void **state)
{
	(void)state;
	refused_connection_is_closed(-1);
}

/* rte_vhost.h: "Not 0 closes the connection." */
static void positive_new_connection_closes(void **state)
{
	(void)state;
	refused_connection_is_closed(1);
}

/** Whether the device runs although new_device() gave @p answer. */
static void refused_device_does_not_run(int answer)
{
	static const struct guest_shape shape;
	struct guest_config config;
	struct rte_mbuf *mbuf;
	struct guest *guest;
	uint8_t frame[100];
	int at = control_events(), vid, got;

	control_listen(&one, "unwanted", 0);
	control_answers.new_device = answer;
	control_config(&config, &one);
	assert_int_equal(guest_create(&config, &guest), 0);
	assert_int_equal(guest_connect(guest), 0);
	assert_int_equal(guest_start(guest), 0);
	at = control_wait_event(at, CONTROL_NEW_DEVICE, -1);
	assert_true(at >= 0);
	vid = control_event(at).vid;
	control_frame(frame, sizeof(frame), 1);
	assert_int_equal(guest_tx(guest_tx_queue(guest, 0), frame, sizeof(frame), &shape), 0);
	guest_submit(guest_tx_queue(guest, 0));
	got = rte_vhost_dequeue_burst(vid, 1, control_pool(), &mbuf, 1);
	if (got)
		rte_pktmbuf_free(mbuf);
	at = control_events();
	control_answers.new_device = 0;
	guest_destroy(guest);
	assert_true(control_wait_event(at, CONTROL_DESTROY_CONNECTION, vid) >= 0);
	control_close(&one);
	/* It never ran, so it is not destroyed either. */
	assert_int_equal(control_count_events(at, CONTROL_DESTROY_DEVICE, vid), 0);
}

static void negative_new_device_refuses(void **state)
{
	(void)state;
	refused_device_does_not_run(-1);
}

/* rte_vhost.h: "0, or not 0 to refuse it." DPDK 21.08 compares with 0 as well. */
static void positive_new_device_refuses(void **state)
{
	(void)state;
	refused_device_does_not_run(1);
}

static int hook_results[8];
static char hook_text[CONTROL_TEXT];

static void unregister_in_callback(enum control_kind kind, int vid)
{
	(void)vid;
	if (kind == CONTROL_NOTIFIED)
		return;
	control_capture_begin();
	hook_results[kind] = rte_vhost_driver_unregister(one.path);
	control_capture_end(hook_text);
}

static void unregister_from_a_callback_is_refused(void **state)
{
	(void)state;
	memset(hook_results, 0, sizeof(hook_results));
	control_listen(&one, "inside", 0);
	control_answers.hook = unregister_in_callback;
	control_attach(&one, NULL);
	control_detach(&one);
	control_answers.hook = NULL;
	for (int kind = CONTROL_NEW_CONNECTION; kind <= CONTROL_DESTROY_CONNECTION; kind++)
		assert_int_equal(hook_results[kind], -1);
	control_assert_line(hook_text, one.path, "busy", NULL);
	control_close(&one);
}

static void query_in_callback(enum control_kind kind, int vid)
{
	uint16_t available, used;
	uint64_t features;
	char name[108] = "";
	int ret = 0;

	if (kind == CONTROL_NOTIFIED)
		return;
	ret |= rte_vhost_get_ifname(vid, name, sizeof(name));
	ret |= rte_vhost_get_negotiated_features(vid, &features);
	if (kind == CONTROL_NEW_DEVICE || kind == CONTROL_DESTROY_DEVICE) {
		struct rte_vhost_vring ring;

		ret |= rte_vhost_get_vhost_vring(vid, 1, &ring);
		ret |= rte_vhost_get_vring_base(vid, 1, &available, &used);
		ret |= rte_vhost_enable_guest_notification(vid, 1, 0);
		ret |= rte_vhost_vring_call(vid, 1);
	}
	hook_results[kind] = ret == 0 && strcmp(name, one.path) == 0;
}

static void functions_work_in_callbacks(void **state)
{
	(void)state;
	memset(hook_results, 0, sizeof(hook_results));
	control_listen(&one, "functions", 0);
	control_answers.hook = query_in_callback;
	control_attach(&one, NULL);
	control_detach(&one);
	control_answers.hook = NULL;
	for (int kind = CONTROL_NEW_CONNECTION; kind <= CONTROL_DESTROY_CONNECTION; kind++)
		assert_int_equal(hook_results[kind], 1);
	control_close(&one);
}

static void unregister_ends_a_connected_guest(void **state)
{
	int at, vid;

	(void)state;
	control_open(&one, "connected", 0, NULL);
	vid = one.vid;
	at = control_events();
	assert_int_equal(rte_vhost_driver_unregister(one.path), 0);
	/* All callbacks came before the return. */
	assert_int_equal(control_events() - at, 2);
	expect(&at, CONTROL_DESTROY_DEVICE, -1, -1);
	expect(&at, CONTROL_DESTROY_CONNECTION, -1, -1);
	assert_false(guest_frontend_alive(&one.guest->frontend));
	assert_int_equal(rte_vhost_get_vring_num(vid), 0);
	guest_destroy(one.guest);
	one.guest = NULL;
}

static int notified;

static void count_notified(enum control_kind kind, int vid)
{
	if (kind == CONTROL_NOTIFIED && vid == one.vid)
		notified++;
}

static void guest_notified_comes_once_an_interrupt(void **state)
{
	struct rtevhostswift_vring_stats before, after;

	(void)state;
	control_open(&one, "notified", 0, NULL);
	control_answers.hook = count_notified;
	notified = 0;
	before = control_stats(one.vid, 1);
	for (int i = 0; i < 10; i++) {
		guest_want_calls(guest_tx_queue(one.guest, 0), i % 2 == 0);
		control_send_good(&one, (uint64_t)i);
	}
	after = control_stats(one.vid, 1);
	control_answers.hook = NULL;
	assert_int_equal(notified, after.notifications - before.notifications);
	assert_in_range(notified, 1, 10);
	control_close(&one);
}

static void all_callbacks_may_be_null(void **state)
{
	static const struct vhost_device_ops none;
	struct guest_config config;
	struct guest *guest;

	(void)state;
	control_path(one.path, "none");
	assert_int_equal(rte_vhost_driver_register(one.path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(one.path, &none), 0);
	assert_int_equal(rte_vhost_driver_start(one.path), 0);
	control_config(&config, &one);
	assert_int_equal(guest_create(&config, &guest), 0);
	assert_int_equal(guest_connect(guest), 0);
	assert_int_equal(guest_start(guest), 0);
	assert_int_equal(guest_stop(guest), 0);
	guest_destroy(guest);
	assert_int_equal(rte_vhost_driver_unregister(one.path), 0);
}

static void vids_are_used_again(void **state)
{
	struct control_counts before;
	int first;

	(void)state;
	control_open(&one, "again", 0, NULL);
	first = one.vid;
	control_detach(&one);
	control_count_idle(&before);
	for (int i = 0; i < 200; i++) {
		control_attach(&one, NULL);
		assert_int_equal(one.vid, first);
		assert_int_equal(control_stats(one.vid, 1).packets, 0);
		control_send_good(&one, (uint64_t)i);
		control_detach(&one);
	}
	control_assert_flat(&before);
	control_assert_memory(&before, 4096);
	control_close(&one);
	control_assert_pool();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(order_of_a_life),
	cmocka_unit_test(a_probe_is_no_device),
	cmocka_unit_test(legacy_frontend_starts_with_the_kick),
	cmocka_unit_test(status_gates_the_device),
	cmocka_unit_test(negative_new_connection_closes),
	cmocka_unit_test(positive_new_connection_closes),
	cmocka_unit_test(negative_new_device_refuses),
	cmocka_unit_test(positive_new_device_refuses),
	cmocka_unit_test(unregister_from_a_callback_is_refused),
	cmocka_unit_test(functions_work_in_callbacks),
	cmocka_unit_test(unregister_ends_a_connected_guest),
	cmocka_unit_test(guest_notified_comes_once_an_interrupt),
	cmocka_unit_test(all_callbacks_may_be_null),
	cmocka_unit_test(vids_are_used_again),
};

CONTROL_MAIN(300, tests)
