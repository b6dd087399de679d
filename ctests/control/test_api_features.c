/* SPDX-License-Identifier: BSD-3-Clause */

/* What a net device offers, by the flags of its driver: the bits of DPDK 21.08. */
#include "control.h"

#define TSO (GUEST_BIT(VIRTIO_NET_F_HOST_TSO4) | GUEST_BIT(VIRTIO_NET_F_HOST_TSO6) | \
	     GUEST_BIT(VIRTIO_NET_F_HOST_UFO))

static uint64_t offered(uint64_t flags)
{
	uint64_t features = 0;
	char path[108];

	control_path(path, "features");
	assert_int_equal(rte_vhost_driver_register(path, flags), 0);
	assert_int_equal(rte_vhost_driver_get_features(path, &features), 0);
	assert_int_equal(rte_vhost_driver_unregister(path), 0);
	return features;
}

/* A packet of 64 KiB fits into no mbuf: it is not offered where it has to. */
static void linear_buffers_offer_no_long_packets(void **state)
{
	(void)state;
	assert_int_equal(offered(0) & TSO, TSO);
	assert_int_equal(offered(RTE_VHOST_USER_LINEARBUF_SUPPORT), offered(0) & ~TSO);
	assert_int_equal(offered(RTE_VHOST_USER_LINEARBUF_SUPPORT |
				 RTE_VHOST_USER_EXTBUF_SUPPORT), offered(0));
}

static void both_ring_formats_and_in_order_are_offered(void **state)
{
	uint64_t wanted = GUEST_BIT(VIRTIO_F_RING_PACKED) | GUEST_BIT(VIRTIO_F_IN_ORDER) |
			  GUEST_BIT(VIRTIO_F_VERSION_1) | GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);

	(void)state;
	assert_int_equal(offered(0) & wanted, wanted);
	assert_int_equal(offered(RTE_VHOST_USER_ASYNC_COPY) & wanted, wanted);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(linear_buffers_offer_no_long_packets),
	cmocka_unit_test(both_ring_formats_and_in_order_are_offered),
};

CONTROL_MAIN(60, tests)
