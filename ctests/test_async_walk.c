/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Random walks of an honest guest, an honest application and an engine with moods: packets in both
 * directions, and between them all that a frontend may do with rings, memory and connection. After
 * each step the invariants of the bench hold.
 */
#include <unistd.h>

#include "bench.h"
#include "guest_log.h"

#define STEPS 400

/* WALK_FIRST, WALK_COUNT: which walks. WALK_TRACE: say what is done. */
#define TRACE(...) do { if (verbose) print_message(__VA_ARGS__); } while (0)

static uint64_t seed;
static struct guest_log dirty;
/* The log is on; packets wait whose chains were used; every step is told. */
static bool logging, settled, verbose;

static uint32_t pick(uint32_t limit)
{
	seed = seed * 0x5851f42d4c957f2dULL + 0x14057b7ef767814fULL;
	return (uint32_t)(seed >> 33) % limit;
}

static void send(struct bench *bench)
{
	struct guest_shape shape = { .header_pieces = pick(3), .data_pieces = pick(4),
				     .indirect = pick(2) };
	uint32_t lengths[GUEST_MAX_PIECES];
	uint32_t size = 60 + pick(pick(4) ? 1500 : 5000);
	int pieces = guest_shape_cut(&shape, bench->tx->header_size, size,
				     bench->tx->slots.buffer_size, lengths);

	if (pieces < 0 || bench->tx->free_count < (shape.indirect ? 1u : (uint32_t)pieces))
		return;
	TRACE("send %u in %d%s\n", size, pieces, shape.indirect ? " indirect" : "");
	bench_stamp(bench, size);
	if (guest_tx(bench->tx, bench->frame, size, &shape) == 0)
		assert_int_equal(guest_submit(bench->tx), 0);
	else
		bench->from.sent--;
}

static void mood(struct engine *engine)
{
	engine->at_once = pick(4) == 0;
	engine->accept = pick(2) ? ENGINE_ALL : pick(6);
	engine->refusals = pick(4) ? 0 : pick(3);
	engine->refusal = pick(2) ? 0 : -1;
	engine->check_errors = pick(4) ? 0 : pick(3);
	engine->check_error = -1;
}

static void patient(struct bench *bench, uint32_t slow)
{
	for (int i = 0; i < 2; i++) {
		if (slow)
			engine_behave(&bench->engines[i]);
		bench->engines[i].at_once = false;
		bench->engines[i].slow = slow;
	}
}

static void restart(struct bench *bench)
{
	uint32_t index = pick(2);
	struct guest_queue *queue = &bench->guest->queues[index];

	TRACE("restart %u\n", index);
	assert_int_equal(guest_get_vring_base(&bench->guest->frontend, index, &queue->base), 0);
	if (!guest_is_packed(queue))
		assert_int_equal(queue->base, ((const uint16_t *)queue->areas[2].host)[1]);
	else
		assert_int_equal(queue->base & 0xffff, queue->base >> 16);
	settled = true;
	assert_int_equal(guest_send_ring(bench->guest, index), 0);
	assert_true(bench_wait(bench_has_device, bench));
}

/** Packets that the library has. */
static uint64_t waiting(const struct bench *bench, uint32_t index)
{
	if (index == RX)
		return bench->to.sent - bench->to.returned;
	return bench->from.inflight > 0 ? (uint64_t)bench->from.inflight : 0;
}

/** Another driver takes the queue over: what was in the ring is forgotten. */
static void renew(struct bench *bench)
{
	uint32_t index = pick(2);
	struct guest_queue *queue = &bench->guest->queues[index];
	uint32_t size, most = bench->config.guest.ring_size;

	if (bench->relaxed)
		return;
	TRACE("renew %u\n", index);
	assert_int_equal(guest_get_vring_base(&bench->guest->frontend, index, &queue->base), 0);
	if (index == RX) {
		bench_receive(bench);
		assert_int_equal(bench->to.delivered, bench->to.sent);
	} else {
		guest_tx_reap(queue);
		bench->from.sent = bench->from.returned + waiting(bench, TX);
	}
	settled = true;
	size = guest_is_packed(queue) ? 1 + pick(most) : 1u << pick(__builtin_ctz(most) + 1);
	/* Packets that wait count as in flight: the bench wants a slot for each. */
	if (size < waiting(bench, index))
		size = most;
	TRACE("size %u\n", size);
	bench_renew_ring(queue, size);
	assert_int_equal(guest_send_ring(bench->guest, index), 0);
	assert_true(bench_wait(bench_has_device, bench));
	if (index == RX) {
		guest_rx_fill(queue);
		guest_submit(queue);
	}
}

static void end_log(struct bench *bench)
{
	if (!logging)
		return;
	assert_int_equal(guest_log_stop(bench->guest), 0);
	guest_log_destroy(&dirty);
	logging = false;
}

/** The guest is started anew, with other features. */
static void renegotiate(struct bench *bench)
{
	struct guest *guest = bench->guest;
	uint64_t change = pick(2) ? GUEST_BIT(VIRTIO_RING_F_EVENT_IDX) : 0;

	if (bench->relaxed)
		return;
	end_log(bench);
	assert_int_equal(guest_stop(guest), 0);
	while (bench->vid >= 0)
		usleep(100);
	bench_receive(bench);
	assert_int_equal(bench->to.delivered, bench->to.sent);
	guest_tx_reap(bench->tx);
	bench->from.sent = bench->from.returned + waiting(bench, TX);
	/* virtio 1.2, 2.7: a split ring's size is a power of two. */
	if ((bench->rx->size & (bench->rx->size - 1)) == 0 &&
	    (bench->tx->size & (bench->tx->size - 1)) == 0 && pick(2))
		change |= GUEST_BIT(VIRTIO_F_RING_PACKED);
	guest->features ^= change & guest->offered;
	guest->config.features ^= change & guest->offered;
	TRACE("renegotiate %lx\n", (unsigned long)guest->features);
	for (uint32_t queue = RX; queue <= TX; queue++) {
		struct guest_queue *at = &guest->queues[queue];

		assert_int_equal(guest_queue_set_format(
			at, guest_has(guest, VIRTIO_F_RING_PACKED)), 0);
		bench_renew_ring(at, at->size);
	}
	settled = true;
	assert_int_equal(guest_start(guest), 0);
	assert_true(bench_wait(bench_has_device, bench));
	for (int i = 0; i < 2; i++)
		assert_int_equal(engine_learn_memory(&bench->engines[i]), 0);
}

/** The calls without an engine, between those with one. */
static void synchronous(struct bench *bench)
{
	uint32_t got;

	bench->config.synchronous = true;
	if (bench->from.inflight <= 0) {
		got = bench_dequeue(bench, (uint16_t)(1 + pick(20)));
		TRACE("synchronous dequeue: %u\n", got);
	}
	if (bench->to.returned == bench->to.sent) {
		got = bench_enqueue(bench, (uint16_t)(1 + pick(4)), 60 + pick(3000));
		TRACE("synchronous enqueue: %u\n", got);
	}
	bench->config.synchronous = false;
}

static void hang_up(struct bench *bench)
{
	/* What was settled is used, and lost; so is what was overtaken. */
	if (settled || (bench->relaxed && bench->from.inflight > 0))
		return;
	TRACE("hang up\n");
	if (logging)
		guest_log_destroy(&dirty);
	logging = false;
	bench_hang_up(bench);
	while (bench->vid >= 0)
		usleep(100);
	bench->from.inflight = 0;
	bench->to.returned = bench->to.sent;
	bench_receive(bench);
	bench->to.delivered = bench->to.sent;
	bench_come_back(bench);
	settled = false;
}

static void memory(struct bench *bench)
{
	TRACE("memory\n");
	assert_int_equal(guest_send_memory(bench->guest), 0);
	settled = true;
	for (int i = 0; i < 2; i++)
		assert_int_equal(engine_learn_memory(&bench->engines[i]), 0);
	bench_serve(bench);
}

static void toggle_log(struct bench *bench)
{
	if (bench->config.iommu)
		return;
	TRACE("log %d\n", !logging);
	if (logging)
		return end_log(bench);
	assert_int_equal(guest_log_start(bench->guest, &dirty), 0);
	logging = settled = true;
}

static void register_again(struct bench *bench)
{
	for (uint16_t queue = RX; queue <= TX; queue++) {
		if (rte_vhost_async_get_inflight(bench->vid, queue) != 0)
			continue;
		TRACE("register %u\n", queue);
		assert_int_equal(rte_vhost_async_channel_unregister(bench->vid, queue), 0);
		bench->config.async.async_threshold = pick(2000);
		assert_int_equal(bench_register(bench, queue), 0);
	}
}

static void forget(struct bench *bench)
{
	if (!bench->config.iommu)
		return;
	TRACE("forget\n");
	bench_forget_buffers(bench);
	settled = true;
}

static void disable(struct bench *bench)
{
	TRACE("disable, enable\n");
	assert_int_equal(guest_enable_pair(bench->guest, 0, false), 0);
	assert_int_equal(guest_enable_pair(bench->guest, 0, true), 0);
	settled = true;
	assert_true(bench_wait(bench_has_device, bench));
}

/** What a frontend does; engines finish meanwhile, each copy when it was asked for some times. */
static void control(struct bench *bench)
{
	static void (*const turns[])(struct bench *bench) = {
		disable, restart, restart, memory, toggle_log, hang_up, register_again, forget,
		renew, renew, renegotiate,
	};

	patient(bench, 20);
	turns[pick(sizeof(turns) / sizeof(turns[0]))](bench);
	patient(bench, 0);
	if (bench->from.inflight <= 0)
		settled = false;
	bench_check(bench);
}

static void step(struct bench *bench)
{
	struct engine *engine = &bench->engines[pick(2)];
	uint16_t count = (uint16_t)(1 + pick(40));
	uint32_t which = pick(17), got = 0;

	TRACE("step %u, %u: ", which, count);
	switch (which) {
	case 0: case 1: case 2: case 3:
		for (uint32_t i = pick(12); i > 0; i--)
			send(bench);
		break;
	case 4: case 5: case 6:
		got = bench_dequeue(bench, count);
		break;
	case 7: case 8:
		got = bench_enqueue(bench, 1 + pick(8), 60 + pick(pick(3) ? 1500 : 6000));
		break;
	case 9:
		got = bench_collect(bench, count);
		break;
	case 10:
		got = bench_receive(bench);
		break;
	case 11: case 12:
		got = engine_finish(engine, pick(2) ? ENGINE_ALL : pick(5));
		break;
	case 13:
		mood(engine);
		break;
	case 14:
		got = bench_clear(bench, count);
		break;
	case 15:
		control(bench);
		break;
	case 16:
		synchronous(bench);
		break;
	}
	TRACE("%u\n", got);
	bench_serve(bench);
	if (bench->from.inflight <= 0)
		settled = false;
}

static void configure(struct bench_config *config)
{
	static const uint32_t thresholds[] = { 0, 64, 256, 1000, 4000 };
	static const uint32_t split[] = { 8, 16, 64, 256 }, packed[] = { 5, 9, 16, 100, 256 };

	bench_config_init(config);
	config->guest.ring_size =
		config->guest.features & GUEST_BIT(VIRTIO_F_RING_PACKED) ? packed[pick(5)] :
									   split[pick(4)];
	config->guest.tx_buffers = 4096;
	config->guest.rx_buffers = 2048;
	config->guest.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
	config->async.async_threshold = thresholds[pick(5)];
	if (pick(4) == 0)
		config->guest.features |= GUEST_BIT(VIRTIO_F_IN_ORDER);
	if (pick(2))
		config->guest.features &= ~GUEST_BIT(VIRTIO_RING_F_EVENT_IDX);
	config->guest.buffer_size = pick(3) ? 2048 : 512;
	if (pick(3) == 0) {
		config->iommu = true;
		config->iommu_seed = seed;
		config->driver_flags |= RTE_VHOST_USER_IOMMU_SUPPORT;
		config->guest.features |= GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM);
		config->guest.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ);
	}
	if (pick(5) == 0)
		config->async.features |= RTE_VHOST_ASYNC_RELAXED_ORDER;
	if (pick(4) == 0)
		config->pool_size = 8 + pick(40);
	config->guest.shuffle_seed = pick(2) ? 0 : seed;
}

static void walk(void **state, uint64_t number)
{
	struct bench_config config;
	struct bench *bench;

	seed = number;
	pick(2);
	configure(&config);
	TRACE("size %u threshold %u iommu %d\n", config.guest.ring_size,
	      config.async.async_threshold, config.iommu);
	bench = bench_open(state, &config);
	settled = logging = false;
	for (int i = 0; i < STEPS; i++)
		step(bench);
	patient(bench, 20);
	for (; bench->from.returned < bench->from.sent; bench_serve(bench))
		bench_dequeue(bench, 32);
	if (logging)
		guest_log_destroy(&dirty);
	bench_close(bench);
	*state = NULL;
}

static void random_walks(void **state)
{
	const char *first = getenv("WALK_FIRST"), *count = getenv("WALK_COUNT");
	uint64_t from = strtoull(first ? first : "1", NULL, 0);
	uint64_t walks = strtoull(count ? count : getenv("SANITIZER") ? "2" : "10", NULL, 0);

	verbose = getenv("WALK_TRACE") != NULL;
	for (uint64_t i = from; i < from + walks; i++) {
		/* The last one that is printed is the one that failed. */
		print_message("walk %lu\n", (unsigned long)i);
		walk(state, i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BENCH_TEST(random_walks),
	};

	return BENCH_RUN(tests);
}
