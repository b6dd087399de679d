/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control_iommu.h"

#include <rte_vhost_async.h>

#define TX 1
#define BURST 32

void control_iommu_config(struct guest_config *config)
{
	guest_config_init(config);
	config->features |= GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM);
	config->protocol_features |= GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ);
	control_choose_ring(config);
}

void control_iommu_listen(struct control_iommu *iommu, const char *name, uint64_t flags)
{
	memset(iommu, 0, sizeof(*iommu));
	control_listen(&iommu->device, name, RTE_VHOST_USER_IOMMU_SUPPORT | flags);
}

void control_iommu_attach(struct control_iommu *iommu, const struct guest_config *config,
			  uint64_t seed)
{
	struct control_device *device = &iommu->device;
	struct guest_config wanted = *config;
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	int from = control_events();

	wanted.socket_path = device->path;
	wanted.timeout_ms = CONTROL_PATIENCE_MS;
	assert_int_equal(guest_create(&wanted, &device->guest), 0);
	assert_int_equal(guest_iotlb_create(&iommu->iotlb, device->guest, seed), 0);
	assert_int_equal(guest_connect(device->guest), 0);
	assert_true(guest_has(device->guest, VIRTIO_F_ACCESS_PLATFORM));
	assert_int_equal(guest_start(device->guest), 0);
	/* Rings start when their addresses are known, not before. */
	while (control_count_events(from, CONTROL_NEW_DEVICE, -1) == 0) {
		assert_true(control_now_ms() < deadline);
		assert_true(guest_service(device->guest) >= 0);
		usleep(50);
	}
	device->vid = control_event(control_wait_event(from, CONTROL_NEW_DEVICE, -1)).vid;
	assert_true(iommu->iotlb.answers > 0);
}

void control_iommu_use_engine(struct control_iommu *iommu)
{
	struct rte_vhost_async_config config = { .features = RTE_VHOST_ASYNC_INORDER,
						 .async_threshold = 256 };

	iommu->engine = rtevhostswift_dma_create(NULL);
	assert_non_null(iommu->engine);
	for (uint16_t queue = 0; queue <= TX; queue++) {
		assert_int_equal(
			rtevhostswift_dma_attach(iommu->engine, iommu->device.vid, queue), 0);
		assert_int_equal(
			rte_vhost_async_channel_register(iommu->device.vid, queue, config,
							 rtevhostswift_dma_ops()), 0);
	}
}

void control_iommu_detach(struct control_iommu *iommu)
{
	int vid = iommu->device.vid;

	if (iommu->device.guest)
		guest_iotlb_destroy(&iommu->iotlb);
	control_detach(&iommu->device);
	for (uint16_t queue = 0; queue <= TX && iommu->engine; queue++)
		assert_int_equal(rtevhostswift_dma_detach(vid, queue), 0);
	if (iommu->engine)
		assert_int_equal(rtevhostswift_dma_destroy(iommu->engine), 0);
	iommu->engine = NULL;
}

void control_iommu_close(struct control_iommu *iommu)
{
	control_iommu_detach(iommu);
	assert_int_equal(rte_vhost_driver_unregister(iommu->device.path), 0);
	control_assert_pool();
}

uint16_t control_iommu_dequeue(struct control_iommu *iommu, struct rte_mbuf **mbufs,
			       uint16_t count)
{
	int inflight;

	if (!iommu->engine)
		return rte_vhost_dequeue_burst(iommu->device.vid, TX, control_pool(), mbufs,
					       count);
	return rte_vhost_async_try_dequeue_burst(iommu->device.vid, TX, control_pool(), mbufs,
						 count, &inflight);
}

/** Fail unless an mbuf chain is the next frame. */
static void accept(struct control_iommu *iommu, struct rte_mbuf *mbuf)
{
	static uint8_t frame[CONTROL_IOMMU_FRAME];
	uint32_t size = 0;

	for (const struct rte_mbuf *at = mbuf; at; at = at->next) {
		assert_true(size + at->data_len <= sizeof(frame));
		memcpy(frame + size, rte_pktmbuf_mtod(at, const uint8_t *), at->data_len);
		size += at->data_len;
	}
	control_assert_frame(frame, size, iommu->sent++);
	rte_pktmbuf_free(mbuf);
}

/** What is done between two polls; fails when there were too many. */
static void between(struct control_iommu *iommu, int64_t deadline, const char *what)
{
	if (control_now_ms() > deadline)
		fail_msg("%s: nothing arrives after %lu, %lu packets; %lu misses, %lu answers",
			 what, iommu->sent, iommu->received, iommu->iotlb.misses,
			 iommu->iotlb.answers);
	assert_true(guest_service(iommu->device.guest) >= 0);
}

void control_iommu_send(struct control_iommu *iommu, uint32_t count, uint32_t size,
			const struct guest_shape *shape)
{
	struct guest_queue *queue = guest_tx_queue(iommu->device.guest, 0);
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	static uint8_t frame[CONTROL_IOMMU_FRAME];
	struct rte_mbuf *mbufs[BURST];
	uint64_t first = iommu->sent, made = first;

	while (iommu->sent < first + count) {
		uint16_t got;

		for (; made < first + count && made < iommu->sent + BURST; made++) {
			control_frame(frame, size, made);
			if (guest_tx(queue, frame, size, shape) < 0)
				break;
		}
		guest_submit(queue);
		got = control_iommu_dequeue(iommu, mbufs, BURST);
		for (uint16_t i = 0; i < got; i++)
			accept(iommu, mbufs[i]);
		guest_tx_reap(queue);
		between(iommu, deadline, "dequeue");
	}
	assert_int_equal(guest_complaints(iommu->device.guest), 0);
}

struct rte_mbuf *control_iommu_frame(uint32_t size, uint64_t sequence)
{
	static uint8_t frame[CONTROL_IOMMU_FRAME];
	struct rte_mbuf *packet;

	control_frame(frame, size, sequence);
	packet = control_chain(frame, size, 1500);
	assert_non_null(packet);
	return packet;
}

bool control_iommu_give(struct control_iommu *iommu, struct rte_mbuf *mbuf)
{
	struct rte_mbuf *done[BURST];
	uint32_t count = 0;
	uint16_t taken;

	if (!iommu->engine) {
		taken = rte_vhost_enqueue_burst(iommu->device.vid, 0, &mbuf, 1);
		if (taken == 1)
			rte_pktmbuf_free(mbuf);
		return taken == 1;
	}
	taken = rte_vhost_submit_enqueue_burst(iommu->device.vid, 0, &mbuf, 1, done, &count);
	rte_pktmbuf_free_bulk(done, count);
	count = rte_vhost_poll_enqueue_completed(iommu->device.vid, 0, done, BURST);
	rte_pktmbuf_free_bulk(done, count);
	return taken == 1;
}

/** Take what the guest has received, other than the first packet that is not complete. */
static void take(struct control_iommu *iommu, uint32_t size)
{
	struct guest_queue *queue = guest_rx_queue(iommu->device.guest, 0);
	static uint8_t frame[CONTROL_IOMMU_FRAME];
	struct guest_received received;

	while (guest_rx(queue, frame, sizeof(frame), &received) >= 0) {
		assert_int_equal(received.length, size);
		control_assert_frame(frame, size, iommu->received++);
	}
	guest_rx_fill(queue);
	guest_submit(queue);
}

void control_iommu_receive(struct control_iommu *iommu, uint32_t count, uint32_t size)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	uint64_t first = iommu->received, made = first;
	struct rte_mbuf *mbuf = NULL, *done[BURST];

	while (iommu->received < first + count) {
		if (!mbuf && made < first + count)
			mbuf = control_iommu_frame(size, made++);
		if (mbuf && control_iommu_give(iommu, mbuf))
			mbuf = NULL;
		if (!mbuf && iommu->engine)
			rte_pktmbuf_free_bulk(done, rte_vhost_poll_enqueue_completed(
				iommu->device.vid, 0, done, BURST));
		take(iommu, size);
		between(iommu, deadline, "enqueue");
	}
	assert_int_equal(guest_complaints(iommu->device.guest), 0);
}

void control_iommu_forget_buffers(struct control_iommu *iommu)
{
	struct guest_iotlb *iotlb = &iommu->iotlb;
	uint32_t start = 0;

	for (uint32_t queue = 0; queue < 2; queue++) {
		uint32_t count, first = guest_iotlb_ring(iotlb, queue, &count);

		if (first > start)
			assert_int_equal(guest_iotlb_forget(iotlb, start, first - start), 0);
		start = first + count;
	}
	assert_int_equal(guest_iotlb_forget(iotlb, start, iotlb->pages - start), 0);
}

void control_iommu_check(struct control_iommu *iommu)
{
	static const uint32_t sizes[] = { 64, 1500, 1900 };
	static const struct guest_shape shape;

	for (size_t i = 0; i < CONTROL_COUNT(sizes); i++) {
		control_iommu_send(iommu, 20, sizes[i], &shape);
		control_iommu_receive(iommu, 20, sizes[i]);
	}
}

uint32_t control_iommu_serve(struct control_iommu *iommu, int ms)
{
	uint64_t before = iommu->iotlb.misses;

	for (int64_t end = control_now_ms() + ms; control_now_ms() < end;) {
		assert_true(guest_service(iommu->device.guest) >= 0);
		control_sleep_ms(1);
	}
	return (uint32_t)(iommu->iotlb.misses - before);
}
