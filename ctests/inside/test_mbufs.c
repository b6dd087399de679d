/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* What an mbuf is like that comes from the library, and how it goes back: as with DPDK's own. */
#define _GNU_SOURCE
#include "inside.h"

#define ROOM RTE_MBUF_DEFAULT_BUF_SIZE
#define ALL 15

/** Everything that an mbuf at rest in its pool may have from its life before. */
static void soil(struct rte_mbuf *mbuf)
{
	mbuf->data_off = 77;
	mbuf->port = 9;
	mbuf->ol_flags = ~0ULL & ~(RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT);
	mbuf->packet_type = 0xdeadbeef;
	mbuf->pkt_len = 1000;
	mbuf->data_len = 900;
	mbuf->vlan_tci = 0x123;
	mbuf->vlan_tci_outer = 0x456;
	memset(&mbuf->hash, 0x5a, sizeof(mbuf->hash));
	mbuf->tx_offload = ~0ULL;
	mbuf->timesync = 0x99;
	memset(mbuf->dynfield1, 0xa5, sizeof(mbuf->dynfield1));
}

/** What a reset leaves alone, dynamic fields among it, is left alone; all else is as DPDK's. */
static void fresh_mbufs_are_as_after_a_reset(void **state)
{
	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		struct rte_mempool *pool = inside_pool("stack", ALL, 0, 24, ROOM);
		struct link *link = link_open(NULL, 0, packed);
		struct rte_mbuf *mbufs[ALL], expected;

		assert_int_equal(rte_mempool_get_bulk(pool, (void **)mbufs, ALL), 0);
		for (int i = 0; i < ALL; i++) {
			soil(mbufs[i]);
			memset(rte_mbuf_to_priv(mbufs[i]), 0x77, 24);
		}
		rte_mempool_put_bulk(pool, (void **)mbufs, ALL);
		link_send(link, ALL, 700);
		assert_int_equal(link_take(link, pool, mbufs, ALL), ALL);
		for (int i = 0; i < ALL; i++) {
			const uint8_t *private = rte_mbuf_to_priv(mbufs[i]);

			expected = *mbufs[i];
			soil(&expected);
			rte_pktmbuf_reset(&expected);
			expected.pkt_len = expected.data_len = 700;
			assert_memory_equal(mbufs[i], &expected, sizeof(expected));
			for (int j = 0; j < 24; j++)
				assert_int_equal(private[j], 0x77);
			rte_pktmbuf_free(mbufs[i]);
		}
		link_close(link);
		inside_pool_end(pool);
	}
}

static void any_private_size_and_room(void **state)
{
	static const uint16_t privates[] = { 0, 8, 64, 256, 4096 };
	static const uint16_t rooms[] = { 128 + 1, 128 + 64, 600, ROOM, 65535 };

	(void)state;
	for (unsigned int i = 0; i < sizeof(privates) / sizeof(*privates); i++)
		for (unsigned int j = 0; j < sizeof(rooms) / sizeof(*rooms); j++) {
			struct rte_mempool *pool = inside_pool("ring_mp_mc", 511, 16, privates[i],
							     rooms[j]);
			struct link *link = link_open(NULL, 0, false);
			struct rte_mbuf *packet;
			uint32_t size = RTE_MIN(1500, 400 * (rooms[j] - 128));
			uint32_t room = rooms[j] - 128, segments = (size + room - 1) / room;

			link_send(link, 1, size);
			assert_int_equal(link_take(link, pool, &packet, 1), 1);
			assert_int_equal(packet->nb_segs, segments);
			assert_int_equal(rte_pktmbuf_headroom(packet), RTE_PKTMBUF_HEADROOM);
			assert_int_equal(packet->priv_size, privates[i]);
			rte_pktmbuf_free(packet);
			link_close(link);
			inside_pool_end(pool);
		}
}

/** Buffers that are all headroom, or less: no packet fits, and nothing is lost or stuck. */
static void no_room_is_no_packet(void **state)
{
	static const uint16_t rooms[] = { 0, 64, 128 };

	(void)state;
	for (unsigned int j = 0; j < sizeof(rooms) / sizeof(*rooms); j++) {
		struct rte_mempool *pool = inside_pool("ring_mp_mc", 31, 0, 0, rooms[j]);
		struct link *link = link_open(NULL, 0, false);
		struct rte_mbuf *packets[4];

		link_send(link, 4, 100);
		assert_int_equal(link->library->dequeue(link->vid, 1, pool, packets, 4), 0);
		assert_int_equal(rte_mempool_avail_count(pool), 31);
		guest_tx_reap(link->tx);
		link_close(link);
		inside_pool_end(pool);
	}
}

/** What mbufs are after the library, or DPDK, freed them must not differ. */
static void same_at_rest(struct rte_mempool *ours, struct rte_mempool *theirs)
{
	struct rte_mbuf *one[ALL], *other[ALL];

	assert_int_equal(rte_mempool_avail_count(ours), ALL);
	assert_int_equal(rte_mempool_avail_count(theirs), ALL);
	assert_int_equal(rte_mempool_get_bulk(ours, (void **)one, ALL), 0);
	assert_int_equal(rte_mempool_get_bulk(theirs, (void **)other, ALL), 0);
	for (int i = 0; i < ALL; i++) {
		ptrdiff_t distance = (char *)one[i] - (char *)one[i]->buf_addr;

		assert_int_equal(distance, (char *)other[i] - (char *)other[i]->buf_addr);
		assert_int_equal(one[i]->buf_len, other[i]->buf_len);
		assert_int_equal(one[i]->buf_iova - rte_mempool_virt2iova(one[i]),
				 other[i]->buf_iova - rte_mempool_virt2iova(other[i]));
		assert_int_equal(one[i]->priv_size, other[i]->priv_size);
		assert_int_equal(one[i]->ol_flags, other[i]->ol_flags);
		assert_int_equal(one[i]->nb_segs, 1);
		assert_null(one[i]->next);
		assert_int_equal(rte_mbuf_refcnt_read(one[i]), 1);
		assert_int_equal(rte_mbuf_refcnt_read(other[i]), 1);
	}
	rte_mempool_put_bulk(ours, (void **)one, ALL);
	rte_mempool_put_bulk(theirs, (void **)other, ALL);
	inside_pool_end(ours);
	inside_pool_end(theirs);
}

typedef void free_function(struct rte_mbuf *packet);
typedef void build_function(struct rte_mempool *pool, free_function *release);

/** Runs a life of mbufs with both and compares what is left. */
static void compare(build_function *build, uint16_t private_size, unsigned int cache)
{
	struct rte_mempool *ours = inside_pool("stack", ALL, cache, private_size, 1000);
	struct rte_mempool *theirs = inside_pool("stack", ALL, cache, private_size, 1000);

	build(ours, inside_library_free);
	build(theirs, rte_pktmbuf_free);
	same_at_rest(ours, theirs);
}

static void build_chain(struct rte_mempool *pool, free_function *release)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(pool), *shared;

	rte_pktmbuf_append(head, 100);
	for (int i = 0; i < 5; i++) {
		struct rte_mbuf *more = rte_pktmbuf_alloc(pool);

		rte_pktmbuf_append(more, 100);
		assert_int_equal(rte_pktmbuf_chain(head, more), 0);
	}
	shared = head->next;
	rte_mbuf_refcnt_update(shared, 1);
	release(head);
	assert_int_equal(rte_mempool_in_use_count(pool), 1);
	assert_int_equal(rte_mbuf_refcnt_read(shared), 1);
	/* What was behind it is free already. */
	shared->next = NULL;
	shared->nb_segs = 1;
	release(shared);
}

static void build_indirect(struct rte_mempool *pool, free_function *release)
{
	struct rte_mbuf *direct = rte_pktmbuf_alloc(pool);
	struct rte_mbuf *one = rte_pktmbuf_alloc(pool), *two;

	rte_pktmbuf_append(direct, 300);
	rte_pktmbuf_attach(one, direct);
	two = rte_pktmbuf_clone(one, pool);
	assert_non_null(two);
	release(direct);
	release(one);
	assert_int_equal(rte_mempool_in_use_count(pool), 2);
	release(two);
}

static int freed;

static void count_free(void *buffer, void *opaque)
{
	assert_ptr_equal(opaque, &freed);
	free(buffer);
	freed++;
}

static void build_external(struct rte_mempool *pool, free_function *release)
{
	struct rte_mbuf *one = rte_pktmbuf_alloc(pool), *two;
	struct rte_mbuf_ext_shared_info *shared;
	uint16_t length = 4096;
	void *buffer = malloc(length);

	freed = 0;
	shared = rte_pktmbuf_ext_shinfo_init_helper(buffer, &length, count_free, &freed);
	rte_pktmbuf_attach_extbuf(one, buffer, RTE_BAD_IOVA, length, shared);
	rte_pktmbuf_append(one, 2000);
	two = rte_pktmbuf_clone(one, pool);
	release(one);
	assert_int_equal(freed, 0);
	assert_int_equal(rte_mempool_in_use_count(pool), 1);
	release(two);
	assert_int_equal(freed, 1);
}

static void the_library_frees_as_dpdk_does(void **state)
{
	static build_function *const builds[] = { build_chain, build_indirect, build_external };

	(void)state;
	for (int i = 0; i < 3; i++) {
		compare(builds[i], 0, 0);
		compare(builds[i], 0, 8);
		compare(builds[i], 128, 0);
		compare(builds[i], 40, 4);
	}
}

/** A pool whose mbufs have external buffers for good. */
static struct rte_mempool *pinned_pool(const char *name, void **memory)
{
	struct rte_pktmbuf_extmem area = { .buf_len = 64 * 1024, .elt_size = 2176 };
	struct rte_mempool *pool;

	area.buf_ptr = *memory = aligned_alloc(4096, area.buf_len);
	area.buf_iova = (rte_iova_t)(uintptr_t)area.buf_ptr;
	pool = rte_pktmbuf_pool_create_extbuf(name, ALL, 0, 0, 2176, SOCKET_ID_ANY, &area, 1);
	assert_non_null(pool);
	return pool;
}

/** In use by somebody else as well: the mbuf comes back with the last of them. */
static void build_pinned(struct rte_mempool *pool, free_function *release)
{
	struct rte_mbuf *one = rte_pktmbuf_alloc(pool), *two = rte_pktmbuf_alloc(pool);
	struct rte_mbuf_ext_shared_info *shared = one->shinfo;
	void *buffer = one->buf_addr;

	rte_mbuf_ext_refcnt_update(shared, 1);
	release(one);
	assert_int_equal(rte_mempool_in_use_count(pool), 2);
	assert_int_equal(rte_mbuf_ext_refcnt_read(shared), 1);
	release(two);
	assert_int_equal(rte_mempool_in_use_count(pool), 1);
	assert_ptr_equal(one->buf_addr, buffer);
	assert_true(one->ol_flags & RTE_MBUF_F_EXTERNAL);
	release(one);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void pinned_buffers_stay(void **state)
{
	void *memory[2];
	struct rte_mempool *ours = pinned_pool("pinned_ours", &memory[0]);
	struct rte_mempool *theirs = pinned_pool("pinned_theirs", &memory[1]);

	(void)state;
	build_pinned(ours, inside_library_free);
	build_pinned(theirs, rte_pktmbuf_free);
	rte_mempool_free(ours);
	rte_mempool_free(theirs);
	free(memory[0]);
	free(memory[1]);
}

static void packets_go_into_pinned_buffers(void **state)
{
	(void)state;
	/* With RTE_VHOST_USER_EXTBUF_SUPPORT a pinned buffer is not replaced. */
	for (uint64_t flags = 0; flags < 2; flags++) {
		void *memory;
		struct rte_mempool *pool = pinned_pool("pinned", &memory);
		struct link *link = link_open(NULL, flags * RTE_VHOST_USER_EXTBUF_SUPPORT, false);
		struct rte_mbuf *packets[4];

		for (int round = 0; round < 20; round++) {
			link_send(link, 3, 500);
			link_send(link, 1, 7000);
			assert_int_equal(link_take(link, pool, packets, 4), 4);
			assert_int_equal(packets[3]->nb_segs, 4);
			for (int i = 0; i < 4; i++) {
				assert_true(packets[i]->ol_flags & RTE_MBUF_F_EXTERNAL);
				assert_in_range((char *)packets[i]->buf_addr - (char *)memory, 0,
						65535);
				rte_pktmbuf_free(packets[i]);
			}
			assert_int_equal(rte_mempool_avail_count(pool), ALL);
		}
		link_close(link);
		inside_pool_end(pool);
		free(memory);
	}
}

/** RTE_VHOST_USER_EXTBUF_SUPPORT: one buffer of the library's, which DPDK's functions free. */
static void long_packets_in_external_buffers(void **state)
{
	struct rte_mempool *pool = inside_pool("ring_mp_mc", ALL, 0, 16, ROOM);
	struct link *link = link_open(NULL, RTE_VHOST_USER_EXTBUF_SUPPORT, false);
	struct rte_mbuf *packet, *clone;

	(void)state;
	for (int round = 0; round < 50; round++) {
		link_send(link, 1, 9000);
		assert_int_equal(link_take(link, pool, &packet, 1), 1);
		assert_int_equal(packet->nb_segs, 1);
		assert_true(RTE_MBUF_HAS_EXTBUF(packet));
		clone = rte_pktmbuf_clone(packet, pool);
		rte_pktmbuf_free(packet);
		assert_int_equal(rte_pktmbuf_pkt_len(clone), 9000);
		rte_pktmbuf_free(clone);
	}
	link_close(link);
	inside_pool_end(pool);
}

/** Towards the guest: all kinds of mbufs, and none is touched. */
static void any_mbuf_can_be_enqueued(void **state)
{
	struct rte_mempool *pool = inside_pool("ring_mp_mc", ALL, 4, 8, 1000);
	struct link *link = link_open(NULL, 0, true);
	uint16_t length = 8192;

	(void)state;
	for (int round = 0; round < 30; round++) {
		struct rte_mbuf *direct = rte_pktmbuf_alloc(pool), *tail = rte_pktmbuf_alloc(pool);
		struct rte_mbuf *external = rte_pktmbuf_alloc(pool), *clone;
		struct rte_mbuf_ext_shared_info *shared;
		void *buffer = malloc(length);

		/* A clone of a chain: indirect mbufs in a row. */
		link_stamp(link, 1300);
		memcpy(rte_pktmbuf_append(direct, 800), link->frame, 800);
		memcpy(rte_pktmbuf_append(tail, 500), link->frame + 800, 500);
		assert_int_equal(rte_pktmbuf_chain(direct, tail), 0);
		clone = rte_pktmbuf_clone(direct, pool);
		link_give(link, &clone, 1);
		assert_int_equal(rte_mbuf_refcnt_read(direct), 2);
		assert_int_equal(rte_mbuf_refcnt_read(clone), 1);
		/* An external buffer. */
		shared = rte_pktmbuf_ext_shinfo_init_helper(buffer, &length, count_free, &freed);
		rte_pktmbuf_attach_extbuf(external, buffer, RTE_BAD_IOVA, length, shared);
		link_stamp(link, 3000);
		memcpy(rte_pktmbuf_append(external, 3000), link->frame, 3000);
		link_give(link, &external, 1);
		link_receive(link);
		length = 8192;
		rte_pktmbuf_free(clone);
		rte_pktmbuf_free(direct);
		freed = 0;
		rte_pktmbuf_free(external);
		assert_int_equal(freed, 1);
	}
	link_close(link);
	inside_pool_end(pool);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(fresh_mbufs_are_as_after_a_reset),
	cmocka_unit_test(any_private_size_and_room),
	cmocka_unit_test(no_room_is_no_packet),
	cmocka_unit_test(the_library_frees_as_dpdk_does),
	cmocka_unit_test(pinned_buffers_stay),
	cmocka_unit_test(packets_go_into_pinned_buffers),
	cmocka_unit_test(long_packets_in_external_buffers),
	cmocka_unit_test(any_mbuf_can_be_enqueued),
};

int main(void)
{
	alarm(100);
	inside_start(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
