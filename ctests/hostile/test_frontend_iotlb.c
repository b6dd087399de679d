/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Row F11: translations that are wrong, come at a bad time, or never. */
#define _GNU_SOURCE
#include "front.h"

#include <linux/virtio_config.h>

#define PAGE GUEST_IOTLB_PAGE

static void open_translated(struct hostile *hostile, uint64_t seed)
{
	struct bench_config config;

	hostile_config(hostile, &config);
	config.driver_flags |= RTE_VHOST_USER_IOMMU_SUPPORT;
	config.guest.features |= GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM);
	config.guest.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ);
	config.guest.region_count = 1;
	config.guest.region_size = 0;
	config.iommu = true;
	config.iommu_seed = seed;
	front_open(hostile, &config);
}

static struct guest_iotlb *iotlb(void)
{
	return &front.target->iotlb;
}

static const struct guest_region *region(void)
{
	return &front.target->guest->memory.regions[0];
}

/** What is wrong with a message. */
struct bad_message {
	const char *name;
	struct vhost_iotlb_msg message;	/**< uaddr: offset into the guest's memory. */
};

#define UPDATE .perm = VHOST_ACCESS_RW, .type = VHOST_IOTLB_UPDATE

static const struct bad_message bad_messages[] = {
	{ "empty", { UPDATE } },
	{ "wraps", { .iova = UINT64_MAX, .size = 2, UPDATE } },
	{ "wraps far", { .iova = 1, .size = UINT64_MAX, UPDATE } },
	{ "all", { .size = UINT64_MAX, UPDATE } },
	{ "frontend wraps", { .size = 1ULL << 63, .uaddr = 1ULL << 63, UPDATE } },
	{ "before", { .size = PAGE, .uaddr = -1ULL, UPDATE } },
	{ "behind", { .size = PAGE, .uaddr = 1ULL << 40, UPDATE } },
	{ "beyond", { .size = 1ULL << 32, UPDATE } },
	{ "permission 0", { .size = PAGE, .type = VHOST_IOTLB_UPDATE } },
	{ "permission 4", { .size = PAGE, .perm = 4, .type = VHOST_IOTLB_UPDATE } },
	{ "permission 255", { .size = PAGE, .perm = 255, .type = VHOST_IOTLB_UPDATE } },
	{ "a miss", { .size = PAGE, .perm = 3, .type = VHOST_IOTLB_MISS } },
	{ "a failure", { .size = PAGE, .perm = 3, .type = VHOST_IOTLB_ACCESS_FAIL } },
	{ "type 0", { .size = PAGE, .perm = 3 } },
	{ "type 255", { .size = PAGE, .perm = 3, .type = 255 } },
};

static void F11_updates_that_wrap_or_name_nothing(struct hostile *hostile)
{
	open_translated(hostile, 6);
	for (size_t i = 0; i < HOSTILE_COUNT(bad_messages); i++) {
		struct vhost_iotlb_msg message = bad_messages[i].message;

		front_load();
		message.uaddr += (uintptr_t)region()->host;
		if (guest_iotlb(front_frontend(), &message) != -EREMOTEIO)
			fail_msg("%s was taken", bad_messages[i].name);
		front_check();
	}
	/* What is not there may be forgotten, as far as that goes. */
	for (uint64_t size = 0; size <= 3; size++) {
		struct vhost_iotlb_msg message = { .iova = UINT64_MAX - 1, .size = size,
						   .type = VHOST_IOTLB_INVALIDATE };
		int ret = guest_iotlb(front_frontend(), &message);

		assert_true(ret == 0 || ret == -EREMOTEIO);
		front_load();
	}
	front_settle();
	front_close(hostile);
}

/** Whether a page holds a part of a ring. */
static bool holds_ring(uint32_t page)
{
	for (uint32_t queue = RX; queue <= TX; queue++) {
		uint32_t count, first = guest_iotlb_ring(iotlb(), queue, &count);

		if (page >= first && page < first + count)
			return true;
	}
	return false;
}

/* Later updates count, whatever they overlap, and memory stays as it is. */
static void F11_updates_that_overlap(struct hostile *hostile)
{
	struct control_counts start;
	uint64_t random = 8;

	open_translated(hostile, 8);
	for (uint32_t i = 0; i < front_times(102000, 4200); i++) {
		struct vhost_iotlb_msg update = { .type = VHOST_IOTLB_UPDATE };

		/* The first thousands touch what later ones need. */
		if (i == 4000)
			control_count(&start);
		if (i % 200 == 0)
			front_load();
		random = random * 0x5851f42d4c957f2dULL + 0x14057b7ef767814fULL;
		update.iova = region()->gpa + region()->size + (random >> 20) % (1ULL << 28);
		update.size = 1 + (random >> 50);
		update.uaddr = (uintptr_t)region()->host +
			       (random >> 33) % (region()->size - 20000);
		update.perm = (uint8_t)(1 + (random >> 60) % 3);
		assert_int_equal(guest_iotlb(front_frontend(), &update), 0);
	}
	control_assert_memory(&start, 1024);
	front_settle();
	/* Wrong ones over the buffers, then right ones over those. */
	for (uint32_t page = 0; page < iotlb()->pages; page++) {
		struct vhost_iotlb_msg update = {
			.type = VHOST_IOTLB_UPDATE, .iova = region()->gpa + (uint64_t)page * PAGE,
			.size = PAGE, .uaddr = (uintptr_t)region()->host, .perm = VHOST_ACCESS_RW,
		};

		if (holds_ring(page))
			continue;
		assert_int_equal(guest_iotlb(front_frontend(), &update), 0);
		assert_int_equal(guest_iotlb_tell(iotlb(), page), 0);
	}
	front_close(hostile);
}

/** A frontend on a thread of its own: forgets what it told, and tells again when asked. */
struct fickle {
	pthread_t thread;
	bool stop;
	_Atomic uint64_t rounds;	/**< Counted there, looked at by the test. */
};

static void *be_fickle(void *argument)
{
	struct fickle *fickle = argument;
	uint32_t page = 0;

	while (!__atomic_load_n(&fickle->stop, __ATOMIC_ACQUIRE)) {
		/* All of it, a page, and rings as well. */
		uint32_t count = fickle->rounds % 8 == 0 ? iotlb()->pages : 1;

		page = fickle->rounds % 8 == 0 ? 0 : (page * 7 + 13) % iotlb()->pages;
		if (guest_iotlb_forget(iotlb(), page, count) < 0 ||
		    guest_service(front.target->guest) < 0)
			return argument;
		fickle->rounds++;
		/* Answers are good for a moment. */
		usleep(100);
	}
	return NULL;
}

/** front_load() beside another thread: the queue may be locked, and then nothing is known. */
static void burst(void)
{
	struct bench *bench = front.target;
	int before = bench->from.inflight;
	struct rte_mbuf *mbufs[33];
	uint16_t got;

	for (int i = 0; i < 8 && bench->from.sent - bench->from.returned < 64; i++)
		bench_send(bench, 900, NULL);
	got = bench_dequeue_raw(bench, mbufs, 32);
	if (bench->from.inflight < 0) {
		assert_int_equal(got, 0);
		bench->from.inflight = before;
	}
	for (uint16_t i = 0; i < got; i++)
		bench_accept(bench, mbufs[i]);
	guest_tx_reap(bench->tx);
	if (bench->to.sent - bench->to.delivered < 64)
		bench_enqueue(bench, 8, 700);
	if (!bench->config.synchronous)
		bench_collect(bench, 32);
	bench_receive(bench);
}

/* Bursts go on, and with an engine copies are in flight, while the ground is taken away. */
static void F11_invalidations_during_bursts(struct hostile *hostile)
{
	struct fickle fickle = { .stop = false };
	uint32_t rounds = front_times(50000, 150);
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	uint64_t moved;
	void *failed;

	open_translated(hostile, 11);
	moved = front.target->from.returned;
	/* Looking for mbufs that are free, as an engine does, takes them away for a moment. */
	for (int queue = RX; queue <= TX; queue++)
		front.target->engines[queue].any_host = true;
	assert_int_equal(pthread_create(&fickle.thread, NULL, be_fickle, &fickle), 0);
	for (uint32_t i = 0; i < rounds ||
	     fickle.rounds < 100 ||
	     (front.target->from.returned == moved && control_now_ms() < deadline); i++)
		burst();
	__atomic_store_n(&fickle.stop, true, __ATOMIC_RELEASE);
	pthread_join(fickle.thread, &failed);
	assert_null(failed);
	assert_true(front.target->from.returned > moved);
	front_settle();
	front_close(hostile);
}

/** In the midst of a call of the innocent device, which has its queue's lock. */
static void ask_meanwhile(struct engine *engine, void *data)
{
	bool *all_answered = data;

	engine->hook = NULL;
	/* What the event thread does besides comes after the first answer, before the second. */
	for (int i = 0; i < 3; i++) {
		struct guest_message message;
		int socket = front_frontend()->socket;

		if (control_send(socket, GUEST_GET_FEATURES, GUEST_FLAG_VERSION, NULL, 0, NULL,
				 0) < 0 ||
		    guest_receive(socket, &message, 3000) < 0)
			*all_answered = false;
	}
}

/* Rings that wait for translations are asked about again and again; no other device's are. */
static void F11_rings_that_wait_disturb_no_others(struct hostile *hostile)
{
	struct engine *engine;
	bool all_answered = true;

	open_translated(hostile, 14);
	engine = &hostile->innocent->engines[TX];
	iotlb()->silent = true;
	assert_int_equal(guest_iotlb_forget(iotlb(), 0, iotlb()->pages), 0);
	for (int i = 0; i < 5; i++) {
		uint32_t calls = engine->transfers;

		engine->hook = ask_meanwhile;
		engine->hook_data = &all_answered;
		hostile_check_innocent(hostile);
		assert_true(engine->transfers > calls);
		assert_null(engine->hook);
		assert_true(all_answered);
	}
	iotlb()->silent = false;
	front_revive();
	front_load();
	front_settle();
	front_close(hostile);
}

/* In lock-step: each step forgets the buffers of packets that an engine copies. */
static void F11_invalidations_under_packets_in_flight(struct hostile *hostile)
{
	open_translated(hostile, 12);
	for (uint32_t i = 0; i < front_times(5000, 40); i++) {
		front_load();
		bench_forget_buffers(front.target);
		/* What it told to forget is not touched any more, by anybody. */
		for (int queue = RX; queue <= TX; queue++)
			assert_int_equal(engine_held(&front.target->engines[queue]), 0);
		front_check();
		bench_serve(front.target);
		if (i % 10 == 9)
			front_settle();
	}
	front_settle();
	front_close(hostile);
}

/* A miss that nobody answers: it costs its own device's packets time, and others nothing. */
static void F11_misses_that_are_never_answered(struct hostile *hostile)
{
	uint64_t misses;

	open_translated(hostile, 13);
	iotlb()->silent = true;
	bench_forget_buffers(front.target);
	misses = iotlb()->misses;
	for (uint32_t i = 0; i < front_times(100000, 150); i++) {
		front_load();
		if (i % 16 == 0)
			bench_serve(front.target);
	}
	assert_true(iotlb()->misses > misses);
	/* Asked once a second, not with each poll. */
	assert_in_range(iotlb()->misses - misses, 1, 64 * (front_times(120, 20) + 1));
	/* The channel is not read at all either. */
	for (int i = 0; i < 50; i++) {
		assert_int_equal(guest_iotlb_forget(iotlb(), 0, iotlb()->pages), 0);
		front_load();
	}
	/* A frontend that dies like this takes nobody with it. */
	iotlb()->silent = false;
	front_revive();
	front_load();
	front_settle();
	front_close(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(F11_updates_that_wrap_or_name_nothing),
	HOSTILE_TEST(F11_updates_that_overlap),
	HOSTILE_TEST(F11_invalidations_during_bursts),
	HOSTILE_TEST_ASYNC(F11_rings_that_wait_disturb_no_others),
	HOSTILE_TEST(F11_invalidations_under_packets_in_flight),
	HOSTILE_TEST(F11_misses_that_are_never_answered),
};

HOSTILE_MAIN(front_times(3600, 300), tests)
