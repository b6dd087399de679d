/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Mbufs of DPDK's pools on their way through a DMA engine: none is lost, whatever happens. */
#define _GNU_SOURCE
#include <rtevhostswift_dma.h>

#include "inside.h"

#define ROOM RTE_MBUF_DEFAULT_BUF_SIZE

static struct rtevhostswift_dma *engine;

static void attach(struct link *link, uint16_t queue)
{
	struct rte_vhost_async_config config = {
		.async_threshold = 128, .features = RTE_VHOST_ASYNC_INORDER,
	};

	assert_int_equal(rtevhostswift_dma_attach(engine, link->vid, queue), 0);
	assert_int_equal(rte_vhost_async_channel_register(link->vid, queue, config,
							  rtevhostswift_dma_ops()), 0);
}

static void detach(struct link *link, uint16_t queue)
{
	assert_int_equal(rte_vhost_async_channel_unregister(link->vid, queue), 0);
	assert_int_equal(rtevhostswift_dma_detach(link->vid, queue), 0);
}

static void from_the_guest(void **state)
{
	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		struct rte_mempool *pool = inside_pool("ring_mp_mc", 1023, 64, 8, ROOM);
		struct link *link = link_open(NULL, RTE_VHOST_USER_ASYNC_COPY, packed);
		struct rte_mbuf *packets[64];

		attach(link, 1);
		for (int round = 0; round < 100; round++) {
			uint16_t got = 0;
			int inflight = 1;

			link_send(link, 16, 64 + 40 * round);
			while (got < 16 && inflight >= 0) {
				uint16_t more = rte_vhost_async_try_dequeue_burst(
					link->vid, 1, pool, packets + got, 64 - got, &inflight);

				got += more;
			}
			assert_int_equal(got, 16);
			assert_int_equal(inflight, 0);
			for (int i = 0; i < 16; i++) {
				assert_int_equal(packets[i]->pkt_len, 64 + 40 * round);
				rte_pktmbuf_free(packets[i]);
			}
			assert_int_equal(rte_mempool_avail_count(pool), 1023);
		}
		detach(link, 1);
		link_close(link);
		inside_pool_end(pool);
	}
}

static void to_the_guest(void **state)
{
	struct rte_mempool *pool = inside_pool("stack", 1023, 64, 0, ROOM);
	struct link *link = link_open(NULL, RTE_VHOST_USER_ASYNC_COPY, false);

	(void)state;
	attach(link, 0);
	for (int round = 0; round < 100; round++) {
		struct rte_mbuf *packets[8], *back[8];
		uint32_t completed = 0;
		uint16_t done;

		assert_int_equal(rte_pktmbuf_alloc_bulk(pool, packets, 8), 0);
		for (int i = 0; i < 8; i++) {
			link_stamp(link, 1000);
			memcpy(rte_pktmbuf_append(packets[i], 1000), link->frame, 1000);
		}
		assert_int_equal(rte_vhost_submit_enqueue_burst(link->vid, 0, packets, 8, back,
								&completed), 8);
		done = (uint16_t)completed;
		while (done < 8)
			done += rte_vhost_poll_enqueue_completed(link->vid, 0, back + done,
								 8 - done);
		link_receive(link);
		for (int i = 0; i < 8; i++)
			rte_pktmbuf_free(packets[i]);
	}
	detach(link, 0);
	link_close(link);
	inside_pool_end(pool);
}

/**
 * Packets that nobody fetched when the guest goes: the library's own thread gives their mbufs
 * back, which has no lcore and so no cache.
 */
static void the_guest_goes_meanwhile(void **state)
{
	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		struct rte_mempool *pool = inside_pool("ring_mp_mc", 255, 16, 0, ROOM);
		struct link *link = link_open(NULL, RTE_VHOST_USER_ASYNC_COPY, packed);
		struct rtevhostswift_dma_faults faults = { .hold = 1 };
		struct rte_mbuf *packets[64];
		int inflight, vid = link->vid;

		attach(link, 1);
		assert_int_equal(rtevhostswift_dma_inject(vid, 1, &faults), 0);
		link_send(link, 24, 3000);
		assert_int_equal(rte_vhost_async_try_dequeue_burst(vid, 1, pool, packets, 64,
								   &inflight), 0);
		assert_int_equal(inflight, 24);
		assert_int_equal(rte_mempool_in_use_count(pool), 48);
		assert_int_equal(rtevhostswift_dma_inject(vid, 1, NULL), 0);
		link_close(link);
		rtevhostswift_dma_detach(vid, 1);
		inside_pool_end(pool);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(from_the_guest),
	cmocka_unit_test(to_the_guest),
	cmocka_unit_test(the_guest_goes_meanwhile),
};

int main(void)
{
	int result;

	alarm(100);
	inside_start(NULL);
	engine = rtevhostswift_dma_create(NULL);
	result = cmocka_run_group_tests(tests, NULL, NULL);
	return rtevhostswift_dma_destroy(engine) < 0 ? 1 : result;
}
