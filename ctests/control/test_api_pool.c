/* SPDX-License-Identifier: BSD-3-Clause */

/* Packet pools for programs without DPDK. */
#define _GNU_SOURCE
#include "control.h"

#define ROOM RTE_MBUF_DEFAULT_BUF_SIZE
#define THREADS 100

static struct rte_mempool *make(const char *name, unsigned int count, unsigned int cache)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create(name, count, cache, 0, ROOM,
							   SOCKET_ID_ANY);

	assert_non_null(pool);
	return pool;
}

static void create_fails_with(int error, const char *name, unsigned int count,
			      unsigned int cache, uint16_t private_size)
{
	errno = 0;
	assert_null(rte_pktmbuf_pool_create(name, count, cache, private_size, ROOM, 0));
	assert_int_equal(errno, error);
}

static void create_tells_why_not(void **state)
{
	struct rte_mempool *pool = make("known", 8, 0);

	(void)state;
	create_fails_with(EINVAL, NULL, 8, 0, 0);
	create_fails_with(EINVAL, "", 8, 0, 0);
	create_fails_with(EINVAL, "p", 0, 0, 0);
	create_fails_with(EINVAL, "p", 1024, 513, 0);
	create_fails_with(EINVAL, "p", 64, 64, 0);
	create_fails_with(EINVAL, "p", 8, 0, 4);
	create_fails_with(EEXIST, "known", 8, 0, 0);
	create_fails_with(ENAMETOOLONG, "abcdefghijklmnopqrstuvwxyz", 8, 0, 0);
	rte_mempool_free(make("abcdefghijklmnopqrstuvwxy", 8, 0));
	rte_mempool_free(pool);
	rte_mempool_free(make("known", 8, 0));
	rte_mempool_free(NULL);
}

static void lookup_finds_by_name(void **state)
{
	struct rte_mempool *pool = make("mine", 8, 0);

	(void)state;
	assert_ptr_equal(rte_mempool_lookup("mine"), pool);
	errno = 0;
	assert_null(rte_mempool_lookup("other"));
	assert_int_equal(errno, ENOENT);
	rte_mempool_free(pool);
	assert_null(rte_mempool_lookup("mine"));
}

/* rte_mempool.h: "EINVAL when name is NULL". */
static void lookup_of_null_is_einval(void **state)
{
	(void)state;
	errno = 0;
	assert_null(rte_mempool_lookup(NULL));
	assert_int_equal(errno, EINVAL);
}

static void layout_is_dpdks(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("layout", 32, 16, 24, 1000, 0);
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);

	(void)state;
	assert_string_equal(pool->name, "layout");
	assert_int_equal(pool->size, 32);
	assert_int_equal(pool->populated_size, 32);
	assert_int_equal(pool->cache_size, 16);
	assert_int_equal(pool->elt_size, 128 + 24 + 1000);
	assert_int_equal((pool->header_size + pool->elt_size + pool->trailer_size) % 64, 0);
	assert_int_equal(pool->ops_index, RTEVHOSTSWIFT_MEMPOOL_OPS_INDEX);
	assert_int_equal(pool->private_data_size, 64);
	assert_int_equal(pool->local_cache[0].size, 16);
	assert_int_equal(pool->local_cache[127].flushthresh, 24);
	assert_int_equal(rte_pktmbuf_data_room_size(pool), 1000);
	assert_int_equal(rte_pktmbuf_priv_size(pool), 24);
	assert_int_equal(rte_pktmbuf_priv_flags(pool), 0);
	assert_ptr_equal(rte_mempool_from_obj(mbuf), pool);
	assert_int_equal(rte_mempool_virt2iova(mbuf), (uintptr_t)mbuf);
	assert_int_equal((uintptr_t)mbuf % 64, 0);
	assert_ptr_equal(mbuf->buf_addr, (char *)mbuf + 128 + 24);
	assert_int_equal(mbuf->buf_iova, (uintptr_t)mbuf->buf_addr);
	assert_int_equal(mbuf->buf_len, 1000);
	assert_int_equal(mbuf->priv_size, 24);
	rte_pktmbuf_free(mbuf);
	rte_mempool_free(pool);
}

static void fresh_mbufs_are_reset(void **state)
{
	struct rte_mempool *pool = make("fresh", 1, 0);

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);

		assert_non_null(mbuf);
		assert_null(rte_pktmbuf_alloc(pool));
		assert_int_equal(rte_mbuf_refcnt_read(mbuf), 1);
		assert_int_equal(mbuf->nb_segs, 1);
		assert_null(mbuf->next);
		assert_int_equal(mbuf->pkt_len, 0);
		assert_int_equal(mbuf->data_len, 0);
		assert_int_equal(mbuf->data_off, RTE_PKTMBUF_HEADROOM);
		assert_int_equal(mbuf->ol_flags, 0);
		assert_int_equal(mbuf->tx_offload, 0);
		assert_int_equal(mbuf->packet_type, 0);
		assert_int_equal(mbuf->port, RTE_MBUF_PORT_INVALID);
		assert_ptr_equal(mbuf->pool, pool);
		mbuf->ol_flags = PKT_RX_VLAN;
		mbuf->tx_offload = UINT64_MAX;
		mbuf->packet_type = 0xffff;
		mbuf->vlan_tci = mbuf->vlan_tci_outer = 77;
		mbuf->port = 3;
		assert_non_null(rte_pktmbuf_append(mbuf, 900));
		assert_non_null(rte_pktmbuf_prepend(mbuf, 100));
		rte_pktmbuf_free(mbuf);
	}
	rte_mempool_free(pool);
}

static void bulk_is_all_or_none(void **state)
{
	struct rte_mempool *pool = make("bulk", 100, 0);
	struct rte_mbuf *mbufs[101];

	(void)state;
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, mbufs, 101), -ENOENT);
	assert_int_equal(rte_mempool_avail_count(pool), 100);
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, mbufs, 100), 0);
	assert_int_equal(rte_mempool_avail_count(pool), 0);
	assert_int_equal(rte_mempool_in_use_count(pool), 100);
	assert_true(rte_mempool_empty(pool));
	for (int i = 1; i < 100; i++)
		assert_ptr_not_equal(mbufs[i], mbufs[i - 1]);
	assert_null(rte_pktmbuf_alloc(pool));
	mbufs[100] = NULL;
	rte_pktmbuf_free_bulk(mbufs, 101);
	assert_true(rte_mempool_full(pool));
	rte_pktmbuf_free(NULL);
	rte_mempool_free(pool);
}

static void chains_are_freed_whole(void **state)
{
	struct rte_mempool *pool = make("chains", 10, 0);
	struct rte_mbuf *head = rte_pktmbuf_alloc(pool), *middle;

	(void)state;
	rte_pktmbuf_append(head, 10);
	for (int i = 0; i < 9; i++) {
		struct rte_mbuf *more = rte_pktmbuf_alloc(pool);

		rte_pktmbuf_append(more, 10);
		assert_int_equal(rte_pktmbuf_chain(head, more), 0);
	}
	assert_int_equal(head->nb_segs, 10);
	assert_int_equal(head->pkt_len, 100);
	assert_int_equal(rte_mempool_in_use_count(pool), 10);
	middle = head->next;
	head->next = middle->next;
	rte_pktmbuf_free_seg(middle);
	assert_int_equal(rte_mempool_in_use_count(pool), 9);
	rte_pktmbuf_free(head);
	assert_true(rte_mempool_full(pool));
	/* No old link is left. */
	for (int i = 0; i < 10; i++)
		assert_null(rte_pktmbuf_alloc(pool)->next);
	rte_mempool_free(pool);
}

static void references_keep_an_mbuf(void **state)
{
	struct rte_mempool *pool = make("references", 2, 0);
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);

	(void)state;
	rte_mbuf_refcnt_update(mbuf, 2);
	rte_pktmbuf_free(mbuf);
	rte_pktmbuf_free(mbuf);
	assert_int_equal(rte_mempool_in_use_count(pool), 1);
	assert_int_equal(rte_mbuf_refcnt_read(mbuf), 1);
	rte_pktmbuf_free(mbuf);
	assert_true(rte_mempool_full(pool));
	rte_mempool_free(pool);
}

static void indirect_mbufs_hold_their_owner(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("indirect", 4, 0, 16, ROOM, 0);
	struct rte_mbuf *owner = rte_pktmbuf_alloc(pool), *one = rte_pktmbuf_alloc(pool);
	struct rte_mbuf *two = rte_pktmbuf_alloc(pool);

	(void)state;
	memcpy(rte_pktmbuf_append(owner, 5), "hello", 5);
	rte_pktmbuf_attach(one, owner);
	rte_pktmbuf_attach(two, one);
	assert_int_equal(rte_mbuf_refcnt_read(owner), 3);
	assert_memory_equal(rte_pktmbuf_mtod(two, char *), "hello", 5);
	assert_true(RTE_MBUF_CLONED(two));
	rte_pktmbuf_free(owner);
	assert_int_equal(rte_mempool_in_use_count(pool), 3);
	rte_pktmbuf_detach(one);
	assert_false(RTE_MBUF_CLONED(one));
	assert_ptr_equal(one->buf_addr, (char *)one + 128 + 16);
	assert_int_equal(one->data_len, 0);
	assert_int_equal(one->buf_len, ROOM);
	assert_int_equal(rte_mbuf_refcnt_read(owner), 1);
	rte_pktmbuf_free(two);
	assert_int_equal(rte_mempool_in_use_count(pool), 1);
	rte_pktmbuf_free(one);
	assert_true(rte_mempool_full(pool));
	rte_mempool_free(pool);
}

static int freed;

static void count_free(void *buffer, void *opaque)
{
	assert_ptr_equal(opaque, &freed);
	free(buffer);
	freed++;
}

static void external_buffers_are_freed_once(void **state)
{
	struct rte_mempool *pool = make("external", 4, 0);
	struct rte_mbuf *one = rte_pktmbuf_alloc(pool), *two = rte_pktmbuf_alloc(pool);
	struct rte_mbuf_ext_shared_info *shared;
	uint16_t length = 4096;
	void *buffer = malloc(length);

	(void)state;
	freed = 0;
	shared = rte_pktmbuf_ext_shinfo_init_helper(buffer, &length, count_free, &freed);
	assert_non_null(shared);
	rte_pktmbuf_attach_extbuf(one, buffer, 0, length, shared);
	assert_non_null(rte_pktmbuf_append(one, 3000));
	rte_pktmbuf_attach(two, one);
	assert_int_equal(rte_mbuf_ext_refcnt_read(shared), 2);
	rte_pktmbuf_free(one);
	assert_int_equal(freed, 0);
	rte_pktmbuf_detach(two);
	assert_int_equal(freed, 1);
	assert_ptr_equal(two->buf_addr, (char *)two + 128);
	rte_pktmbuf_free(two);
	assert_true(rte_mempool_full(pool));
	rte_mempool_free(pool);
}

static void linearize_frees_the_rest(void **state)
{
	struct rte_mempool *pool = make("linear", 3, 0);
	struct rte_mbuf *head = rte_pktmbuf_alloc(pool);

	(void)state;
	memset(rte_pktmbuf_append(head, 100), 1, 100);
	for (int i = 0; i < 2; i++) {
		struct rte_mbuf *more = rte_pktmbuf_alloc(pool);

		memset(rte_pktmbuf_append(more, 200), 2 + i, 200);
		rte_pktmbuf_chain(head, more);
	}
	assert_int_equal(rte_pktmbuf_linearize(head), 0);
	assert_int_equal(head->data_len, 500);
	assert_int_equal(rte_pktmbuf_mtod(head, char *)[499], 3);
	assert_int_equal(rte_mempool_in_use_count(pool), 1);
	rte_pktmbuf_free(head);
	assert_true(rte_mempool_full(pool));
	rte_mempool_free(pool);
}

static pthread_barrier_t barrier;

static void *churn(void *argument)
{
	struct rte_mempool *pool = argument;
	struct rte_mbuf *mbufs[20];
	uintptr_t good = 1;

	for (int i = 0; i < 2000; i++) {
		if (rte_pktmbuf_alloc_bulk(pool, mbufs, 20) < 0) {
			good = 0;
			continue;
		}
		rte_pktmbuf_free_bulk(mbufs, 20);
	}
	pthread_barrier_wait(&barrier);
	return (void *)good;
}

/* Threads that end leave nothing lost: counts are right and later threads get their slots. */
static void threads_come_and_go(void **state)
{
	struct rte_mempool *pool = make("threads", 32768, 64);
	struct rte_mbuf *mbufs[64];
	pthread_t threads[THREADS];

	(void)state;
	for (int round = 0; round < 5; round++) {
		pthread_barrier_init(&barrier, NULL, THREADS);
		for (int i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, churn, pool), 0);
		for (int i = 0; i < THREADS; i++) {
			void *good;

			pthread_join(threads[i], &good);
			assert_non_null(good);
		}
		pthread_barrier_destroy(&barrier);
		assert_int_equal(rte_mempool_avail_count(pool), 32768);
	}
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, mbufs, 64), 0);
	assert_int_equal(rte_mempool_in_use_count(pool), 64);
	rte_pktmbuf_free_bulk(mbufs, 64);
	rte_mempool_free(pool);
}

static void *free_all(void *argument)
{
	rte_pktmbuf_free_bulk(argument, 500);
	return NULL;
}

/* Mbufs taken here and freed by threads that then end: all can be taken again by a new thread. */
static void *take_all(void *argument)
{
	struct rte_mempool *pool = argument;
	uintptr_t count = 0;

	while (rte_pktmbuf_alloc(pool))
		count++;
	return (void *)count;
}

static void freed_elsewhere_comes_back(void **state)
{
	struct rte_mempool *pool = make("elsewhere", 1000, 128);
	struct rte_mbuf *mbufs[500];
	pthread_t thread;
	void *count;

	(void)state;
	for (int i = 0; i < 200; i++) {
		for (int j = 0; j < 500; j++) {
			mbufs[j] = rte_pktmbuf_alloc(pool);
			assert_non_null(mbufs[j]);
		}
		assert_int_equal(pthread_create(&thread, NULL, free_all, mbufs), 0);
		pthread_join(thread, NULL);
		assert_int_equal(rte_mempool_avail_count(pool), 1000);
	}
	pthread_create(&thread, NULL, take_all, pool);
	pthread_join(thread, &count);
	/* At most what this thread's own cache holds is out of its reach. */
	assert_in_range((uintptr_t)count, 1000 - 192, 1000);
	assert_int_equal(rte_mempool_in_use_count(pool), (uintptr_t)count);
	rte_mempool_free(pool);
}

static void pools_leave_no_memory(void **state)
{
	struct control_counts before;

	(void)state;
	rte_mempool_free(make("flat", 4096, 32));
	control_count_idle(&before);
	/* More than 3 GB in all; the allocator may keep a few of them. */
	for (int i = 0; i < 300; i++)
		rte_mempool_free(make("flat", 4096, 32));
	control_assert_memory(&before, 131072);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(create_tells_why_not),
	cmocka_unit_test(lookup_finds_by_name),
	cmocka_unit_test(lookup_of_null_is_einval),
	cmocka_unit_test(layout_is_dpdks),
	cmocka_unit_test(fresh_mbufs_are_reset),
	cmocka_unit_test(bulk_is_all_or_none),
	cmocka_unit_test(chains_are_freed_whole),
	cmocka_unit_test(references_keep_an_mbuf),
	cmocka_unit_test(indirect_mbufs_hold_their_owner),
	cmocka_unit_test(external_buffers_are_freed_once),
	cmocka_unit_test(linearize_frees_the_rest),
	cmocka_unit_test(threads_come_and_go),
	cmocka_unit_test(freed_elsewhere_comes_back),
	cmocka_unit_test(pools_leave_no_memory),
};

CONTROL_MAIN(300, tests)
