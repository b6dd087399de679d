/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Translations for a guest behind an IOMMU. */
#include "bench.h"

#include <linux/virtio_config.h>

void bench_iommu_create(struct bench *bench)
{
	assert_true(bench->config.guest.features & GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM));
	assert_int_equal(guest_iotlb_create(&bench->iotlb, bench->guest,
					    bench->config.iommu_seed), 0);
}

int bench_serve(struct bench *bench)
{
	int served = bench->config.iommu ? guest_service(bench->guest) : 0;

	assert_true(served >= 0);
	return served;
}

void bench_forget_buffers(struct bench *bench)
{
	uint32_t start = 0;

	for (uint32_t queue = RX; queue <= TX; queue++) {
		uint32_t count, first = guest_iotlb_ring(&bench->iotlb, queue, &count);

		if (first > start)
			assert_int_equal(guest_iotlb_forget(&bench->iotlb, start, first - start),
					 0);
		start = first + count;
	}
	assert_int_equal(guest_iotlb_forget(&bench->iotlb, start, bench->iotlb.pages - start), 0);
}
