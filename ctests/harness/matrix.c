/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#include "matrix.h"

#include <linux/virtio_config.h>

#define SETTLE_TURNS 20000

struct matrix matrix = { .log.fd = -1 };

static const struct guest_shape rx_shapes[MATRIX_SHAPES] = {
	[MATRIX_CHAINED] = { .header_pieces = 1, .data_pieces = 3 },
	[MATRIX_INDIRECT] = { .indirect = true, .header_pieces = 2, .data_pieces = 5 },
};

static const struct guest_shape tx_shapes[MATRIX_SHAPES] = {
	[MATRIX_CHAINED] = { .header_pieces = 2, .data_pieces = 3 },
	[MATRIX_INDIRECT] = { .indirect = true, .header_pieces = 1, .data_pieces = 7 },
};

static void choose_features(const struct matrix_cell *cell, struct bench_config *config)
{
	uint64_t *features = &config->guest.features;

	*features &= ~GUEST_BIT(VIRTIO_F_RING_PACKED);
	if (cell->packed)
		*features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
	if (!cell->mergeable)
		*features &= ~GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
	if (cell->in_order)
		*features |= GUEST_BIT(VIRTIO_F_IN_ORDER);
	config->guest.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
	if (cell->iommu == MATRIX_PHYSICAL)
		return;
	*features |= GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM);
	config->guest.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ);
	config->driver_flags |= RTE_VHOST_USER_IOMMU_SUPPORT;
	config->iommu = true;
	config->iommu_seed = cell->iommu == MATRIX_SCATTERED ? cell->ring_size : 0;
}

static void choose_copy(const struct matrix_cell *cell, struct bench_config *config)
{
	config->synchronous = cell->copy == MATRIX_PROCESSOR;
	if (cell->copy == MATRIX_ALL)
		config->async.async_threshold = 0;
	if (cell->copy == MATRIX_NONE)
		config->async.async_threshold = UINT32_MAX;
	if (cell->copy == MATRIX_RELAXED)
		config->async.features |= RTE_VHOST_ASYNC_RELAXED_ORDER;
}

void matrix_open(void **state, const struct matrix_cell *cell)
{
	struct bench_config config;

	matrix.cell = *cell;
	matrix.log.fd = -1;
	bench_config_init(&config);
	choose_features(cell, &config);
	choose_copy(cell, &config);
	config.guest.ring_size = cell->ring_size;
	config.guest.rx_shape = rx_shapes[cell->shape];
	/* A chain for a frame and its header; mergeable ones hold less than most frames. */
	config.guest.rx_capacity = cell->mergeable ? 1000 : MATRIX_FRAME + 12;
	/* Eight buffers are the most of one chain. */
	config.guest.rx_buffers = config.guest.tx_buffers = 8 * cell->ring_size;
	config.pool_size = 2048;
	matrix.bench = bench_open(state, &config);
	for (int queue = RX; queue <= TX; queue++)
		matrix.bench->engines[queue].slow = 2;
	if (!cell->log)
		return;
	assert_int_equal(guest_log_start(matrix.bench->guest, &matrix.log), 0);
	assert_int_equal(guest_snapshot_begin(&matrix.copy, matrix.bench->guest), 0);
	guest_snapshot_round(&matrix.copy, &matrix.log);
}

int matrix_teardown(void **state)
{
	const struct matrix_cell *cell = &matrix.cell;

	if (*state)
		print_message("cell: %s, copy %d, iommu %d, shape %d, ring of %u%s%s%s\n",
			      cell->packed ? "packed" : "split", cell->copy, cell->iommu,
			      cell->shape, cell->ring_size, cell->log ? ", log" : "",
			      cell->mergeable ? ", mergeable" : "",
			      cell->in_order ? ", in order" : "");
	guest_snapshot_end(&matrix.copy);
	guest_log_destroy(&matrix.log);
	return bench_teardown(state);
}

void matrix_assert_same(void)
{
	uint64_t gpa = 0, count;

	if (!matrix.cell.log)
		return;
	guest_snapshot_round(&matrix.copy, &matrix.log);
	count = guest_snapshot_differs(&matrix.copy, &gpa);
	if (count > 0)
		fail_msg("%lu pages are not what they should be, the first at 0x%lx",
			 (unsigned long)count, (unsigned long)gpa);
}

uint32_t matrix_offer(uint32_t count, uint32_t size)
{
	const struct guest_shape *shape = &tx_shapes[matrix.cell.shape];
	struct bench *bench = matrix.bench;
	uint32_t offered = 0;

	/* The longest chain has eight descriptors, and buffers in proportion. */
	for (; offered < count && bench->tx->free_count > 8; offered++)
		bench_send(bench, size, shape);
	return offered;
}

void matrix_take(void)
{
	struct bench *bench = matrix.bench;

	for (int queue = RX; queue <= TX; queue++)
		engine_finish(&bench->engines[queue], ENGINE_ALL);
	bench_dequeue(bench, 32);
	if (!bench->config.synchronous)
		bench_collect(bench, 32);
	bench_receive(bench);
}

void matrix_settle(void)
{
	struct bench *bench = matrix.bench;

	for (int i = 0; i < 2; i++)
		bench->engines[i].accept = ENGINE_ALL;
	for (int turn = 0; turn < SETTLE_TURNS; turn++) {
		bench_serve(bench);
		matrix_take();
		if (bench->from.returned == bench->from.sent &&
		    bench->to.returned == bench->to.sent && bench->to.delivered == bench->to.sent)
			return;
	}
	fail_msg("from the guest %lu of %lu, to the guest %lu of %lu, %lu misses, %lu answers",
		 bench->from.returned, bench->from.sent, bench->to.delivered, bench->to.sent,
		 bench->iotlb.misses, bench->iotlb.answers);
}

void matrix_forget(void)
{
	if (matrix.bench->config.iommu)
		bench_forget_buffers(matrix.bench);
}

void matrix_close(void)
{
	struct bench *bench = matrix.bench;

	matrix_settle();
	for (uint16_t queue = RX; queue <= TX; queue++) {
		struct rtevhostswift_vring_stats stats = bench_stats(bench, queue);

		assert_int_equal(bench_dropped(&stats) + stats.ring_broken, 0);
	}
	for (uint32_t queue = RX; queue <= TX; queue++) {
		uint32_t base = 0;

		assert_int_equal(guest_get_vring_base(&bench->guest->frontend, queue, &base), 0);
	}
	matrix_assert_same();
	guest_snapshot_end(&matrix.copy);
	guest_log_destroy(&matrix.log);
	bench_close(bench);
}
