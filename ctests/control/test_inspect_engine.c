/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * What the control socket says of a queue with an engine is what the counters' functions say, and
 * what they say.
 */
#define _GNU_SOURCE
#include "control_inspect.h"

#include <rte_vhost_async.h>
#include <rtevhostswift_dma.h>

static struct control_device one;

static uint64_t counter(uint16_t queue, const char *name)
{
	struct rtevhostswift_counter_name names[96];
	struct rtevhostswift_counter counters[96];
	int count = rtevhostswift_vring_counters_get_names(one.vid, queue, names, 96);

	assert_int_equal(rtevhostswift_vring_counters_get(one.vid, queue, counters, 96), count);
	for (int i = 0; i < count; i++)
		if (strcmp(names[i].name, name) == 0)
			return counters[i].value;
	fail_msg("there is no counter %s", name);
	return 0;
}

/** Chains that go back unused wait for their turn behind a packet; they are no packets. */
static void packets_in_flight_are_packets(void **state)
{
	static const struct rtevhostswift_dma_faults hold = { .hold = 1 };
	struct rte_vhost_async_config config = { .features = RTE_VHOST_ASYNC_INORDER };
	struct rtevhostswift_dma *engine = rtevhostswift_dma_create(NULL);
	static const struct guest_shape shape;
	struct guest_queue *queue;
	struct rte_mbuf *mbufs[4];
	uint8_t frame[200];
	uint32_t taken = 0;
	int inflight;

	(void)state;
	inspect_begin("engine");
	control_open(&one, "engine.sock", RTE_VHOST_USER_ASYNC_COPY, NULL);
	assert_int_equal(rtevhostswift_dma_attach(engine, one.vid, 1), 0);
	assert_int_equal(rte_vhost_async_channel_register(one.vid, 1, config,
							  rtevhostswift_dma_ops()), 0);
	assert_int_equal(rtevhostswift_dma_inject(one.vid, 1, &hold), 0);
	queue = guest_tx_queue(one.guest, 0);
	control_frame(frame, sizeof(frame), 1);
	assert_int_equal(guest_tx(queue, frame, sizeof(frame), &shape), 0);
	/* No packet: the header alone. */
	for (int i = 0; i < 3; i++)
		assert_true(guest_tx(queue, frame, 0, &shape) >= 0);
	guest_submit(queue);
	assert_int_equal(rte_vhost_async_try_dequeue_burst(one.vid, 1, control_pool(), mbufs, 4,
							   &inflight), 0);
	assert_int_equal(inflight, 1);
	assert_int_equal(counter(1, "in_flight"), 1);
	assert_true(inspect_ask(inspect_path, "1 show\n", inspect_text) > 0);
	inspect_assert_has(inspect_text, "\"in_flight\":1,\"copying\":1}", "\"in_flight\":1,\"infl",
			   NULL);
	assert_int_equal(rtevhostswift_dma_inject(one.vid, 1, NULL), 0);
	while (taken == 0)
		taken = rte_vhost_async_try_dequeue_burst(one.vid, 1, control_pool(), mbufs, 4,
							  &inflight);
	rte_pktmbuf_free(mbufs[0]);
	assert_int_equal(rte_vhost_async_channel_unregister(one.vid, 1), 0);
	assert_int_equal(rtevhostswift_dma_detach(one.vid, 1), 0);
	assert_int_equal(rtevhostswift_dma_destroy(engine), 0);
	control_close(&one);
	assert_int_equal(rtevhostswift_control_close(), 0);
	control_assert_pool();
}

/* Bursts without room in the guest are counted by the call that hands packets to an engine, too. */
static void a_full_guest_is_counted_on_submit(void **state)
{
	struct rte_vhost_async_config config = { .features = RTE_VHOST_ASYNC_INORDER };
	struct rtevhostswift_dma *engine = rtevhostswift_dma_create(NULL);
	struct rte_mbuf *mbuf, *done[4];
	uint64_t sent = 0, back = 0;
	uint32_t finished;

	(void)state;
	control_open(&one, "full-engine", RTE_VHOST_USER_ASYNC_COPY, NULL);
	assert_int_equal(rtevhostswift_dma_attach(engine, one.vid, 0), 0);
	assert_int_equal(rte_vhost_async_channel_register(one.vid, 0, config,
							  rtevhostswift_dma_ops()), 0);
	for (mbuf = control_mbuf(100, 0);; mbuf = control_mbuf(100, sent)) {
		finished = 0;
		if (rte_vhost_submit_enqueue_burst(one.vid, 0, &mbuf, 1, done, &finished) == 0)
			break;
		sent++;
		for (uint32_t i = 0; i < finished; i++, back++)
			rte_pktmbuf_free(done[i]);
	}
	assert_true(sent > 0);
	assert_int_equal(counter(0, "no_guest_buffers"), 1);
	assert_int_equal(rte_vhost_submit_enqueue_burst(one.vid, 0, &mbuf, 1, done, &finished), 0);
	assert_int_equal(counter(0, "no_guest_buffers"), 2);
	/* A call without packets wants none. */
	assert_int_equal(rte_vhost_submit_enqueue_burst(one.vid, 0, &mbuf, 0, done, &finished), 0);
	assert_int_equal(counter(0, "no_guest_buffers"), 2);
	rte_pktmbuf_free(mbuf);
	while (back < sent) {
		finished = rte_vhost_poll_enqueue_completed(one.vid, 0, done, 4);
		for (uint32_t i = 0; i < finished; i++, back++)
			rte_pktmbuf_free(done[i]);
	}
	assert_int_equal(counter(0, "packets"), sent);
	assert_int_equal(rte_vhost_async_channel_unregister(one.vid, 0), 0);
	assert_int_equal(rtevhostswift_dma_detach(one.vid, 0), 0);
	control_close(&one);
	assert_int_equal(rtevhostswift_dma_destroy(engine), 0);
	control_assert_pool();
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(packets_in_flight_are_packets),
	CONTROL_TEST(a_full_guest_is_counted_on_submit),
};

CONTROL_MAIN(60, tests)
