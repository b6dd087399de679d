/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * A second thread changes what the guest wrote while bursts look for addresses that they do not
 * know, and pages are taken back all the time: no poll takes long, and all is well afterwards.
 */
#define _GNU_SOURCE
#include "control_iommu.h"

#include "guest_flip.h"

#define TURNS 2000
#define WINDOW 64
#define BURST 32
/* Turns without a packet after which a ring is taken to be broken. */
#define STUCK 200
/* What a poll may take of the processor, however much else runs on this machine. */
#define LONGEST_NS 20000000ULL

static struct control_iommu iommu;

static uint64_t processor_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/** Both directions once. @return packets that the library took from the guest. */
static uint32_t turn(struct guest *guest, struct guest_random *random, uint64_t *longest)
{
	struct guest_queue *tx = guest_tx_queue(guest, 0), *rx = guest_rx_queue(guest, 0);
	struct guest_shape shape = {
		.indirect = guest_random_range(random, 0, 1),
		.header_pieces = (uint16_t)guest_random_range(random, 0, 3),
		.data_pieces = (uint16_t)guest_random_range(random, 0, 4),
	};
	struct guest_received received;
	struct rte_mbuf *mbufs[BURST];
	static uint8_t frame[65536];
	uint64_t start, time;
	uint16_t got;

	guest_tx_reap(tx);
	for (int i = 0; i < WINDOW; i++)
		if (guest_tx(tx, frame, guest_random_range(random, 60, 4000), &shape) < 0)
			break;
	guest_submit(tx);
	start = processor_ns();
	got = rte_vhost_dequeue_burst(iommu.device.vid, 1, control_pool(), mbufs, BURST);
	rte_vhost_enqueue_burst(iommu.device.vid, 0, mbufs, got);
	time = processor_ns() - start;
	*longest = time > *longest ? time : *longest;
	rte_pktmbuf_free_bulk(mbufs, got);
	while (guest_rx(rx, frame, sizeof(frame), &received) >= 0)
		;
	guest_rx_fill(rx);
	guest_submit(rx);
	assert_true(guest_service(guest) >= 0);
	return got;
}

/** What a flipped index left behind is forgotten: stop, reset, start. */
static void restart(struct guest *guest)
{
	int from = control_events();

	assert_int_equal(guest_stop(guest), 0);
	guest_reset(guest);
	assert_int_equal(guest_start(guest), 0);
	while (control_count_events(from, CONTROL_NEW_DEVICE, -1) == 0)
		control_iommu_serve(&iommu, 1);
}

static void flip_fields(unsigned int fields, uint64_t without, uint64_t seed)
{
	struct guest_random random = { .state = seed };
	uint64_t packets = 0, flips = 0, longest = 0;
	struct guest_config config;
	struct guest *guest;

	control_pool();
	control_iommu_config(&config);
	config.features &= ~without;
	config.tx_buffers = 1024;
	config.buffer_size = 5000;
	control_iommu_listen(&iommu, "flip", 0);
	control_iommu_attach(&iommu, &config, seed);
	guest = iommu.device.guest;
	for (int turns = 0; turns < TURNS;) {
		struct guest_flip *flip;
		int idle = 0;

		assert_int_equal(guest_flip_start(guest, fields, seed + packets, &flip), 0);
		for (; turns < TURNS && idle < STUCK; turns++) {
			uint32_t got = turn(guest, &random, &longest);

			packets += got;
			idle = got ? 0 : idle + 1;
			if (turns % 64 == 0)
				control_iommu_forget_buffers(&iommu);
		}
		flips += guest_flip_stop(flip);
		restart(guest);
	}
	printf("%lu packets, %lu flips, %lu us at most, %lu misses\n", packets, flips,
	       longest / 1000, iommu.iotlb.misses);
	assert_true(flips > 1000);
	assert_true(packets > TURNS / 10);
	assert_true(longest < LONGEST_NS);
	/* What the guest did to itself it keeps; the next one has nothing of it. */
	control_iommu_detach(&iommu);
	iommu.sent = iommu.received = 0;
	control_iommu_attach(&iommu, &config, seed);
	control_iommu_check(&iommu);
	control_iommu_close(&iommu);
}

static void descriptors_and_tables(void **state)
{
	unsigned int fields = GUEST_FLIP_ADDR | GUEST_FLIP_LENGTH | GUEST_FLIP_FLAGS |
			      GUEST_FLIP_NEXT | GUEST_FLIP_TABLE;

	(void)state;
	flip_fields(fields, 0, 1);
	flip_fields(fields, GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF), 2);
}

static void everything(void **state)
{
	(void)state;
	flip_fields(GUEST_FLIP_ALL, 0, 3);
	flip_fields(GUEST_FLIP_ALL, GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF), 4);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(descriptors_and_tables),
	CONTROL_TEST(everything),
};

CONTROL_MAIN_QUIET(300, tests)
