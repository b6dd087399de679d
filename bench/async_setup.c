/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The library, the device with its guest, and the engines. */
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>
#include <rte_dmadev.h>

#include "async.h"
#include "guest_fast.h"
#include "guest_packet.h"

/** Mbufs: one less than a power of two suits rte_ring. */
#define POOL_SIZE 8191
/** Bursts that the ring and the host's packets have room for. */
#define RING_BURSTS 3
#define PACKET_BURSTS 4
#define LEAST_RING 256
/** Copies that the DMA device has room for: 64 KiB have 33, a burst of them 264. */
#define DMA_COPIES 4096

static const struct guest_shape plain_shape;

static void find_functions(struct async_bench *bench)
{
	struct async_2108 *ours = &bench->r2108;
	struct async_2211 *theirs = &bench->r2211;

	if (bench->release2211) {
		more_find("rte_vhost_async_dma_configure", &theirs->dma_configure);
		more_find("rte_vhost_async_channel_register", &theirs->channel_register);
		more_find("rte_vhost_async_channel_unregister", &theirs->channel_unregister);
		more_find("rte_vhost_submit_enqueue_burst", &theirs->submit_enqueue_burst);
		more_find("rte_vhost_poll_enqueue_completed", &theirs->poll_enqueue_completed);
		more_find("rte_vhost_async_try_dequeue_burst", &theirs->try_dequeue_burst);
		return;
	}
	more_find("rte_vhost_async_channel_register", &ours->channel_register);
	more_find("rte_vhost_async_channel_unregister", &ours->channel_unregister);
	more_find("rte_vhost_submit_enqueue_burst", &ours->submit_enqueue_burst);
	more_find("rte_vhost_poll_enqueue_completed", &ours->poll_enqueue_completed);
	more_find("rte_vhost_async_try_dequeue_burst", &ours->try_dequeue_burst);
	more_find("rtevhostswift_vring_stats_get", &ours->vring_stats_get);
	more_find("rtevhostswift_dma_create", &ours->dma_create);
	more_find("rtevhostswift_dma_attach", &ours->dma_attach);
	more_find("rtevhostswift_dma_detach", &ours->dma_detach);
	more_find("rtevhostswift_dma_ops", &ours->dma_ops);
	more_find("rtevhostswift_dma_stats_get", &ours->dma_stats_get);
	more_find("rtevhostswift_dma_inject", &ours->dma_inject);
}

static bool uses(const struct async_bench *bench, enum async_kind kind)
{
	for (uint32_t i = 0; i < bench->way_count; i++)
		if (bench->ways[i].kind == kind)
			return true;
	return false;
}

/** All engines copy on the guest's core. */
static void start_engines(struct async_bench *bench)
{
	struct rte_dma_conf conf = { .nb_vchans = 1 };
	struct rte_dma_vchan_conf channel = {
		.direction = RTE_DMA_DIR_MEM_TO_MEM, .nb_desc = DMA_COPIES,
	};
	struct rtevhostswift_dma_config config = {
		.cpu_plus_one = (uint32_t)bench->guest_cpu + 1,
	};

	if (uses(bench, ASYNC_OWN))
		async_engine_start(bench->guest_cpu);
	if (uses(bench, ASYNC_SOFTWARE) || uses(bench, ASYNC_ASLEEP)) {
		bench->engine = bench->r2108.dma_create(&config);
		if (!bench->engine)
			more_die("rtevhostswift_dma_create failed");
	}
	if (!uses(bench, ASYNC_DMADEV))
		return;
	bench->dma = (int16_t)rte_dma_get_dev_id_by_name("dma_skeleton0");
	if (bench->dma < 0 || rte_dma_configure(bench->dma, &conf) ||
	    rte_dma_vchan_setup(bench->dma, 0, &channel) || rte_dma_start(bench->dma) ||
	    bench->r2211.dma_configure(bench->dma, 0))
		more_die("no dma_skeleton");
}

static void make_guest(struct async_bench *bench)
{
	uint32_t pieces = (bench->size + 12 + MORE_BUFFER - 1) / MORE_BUFFER;
	struct guest_config config;
	int ret;

	guest_config_init(&config);
	config.socket_path = bench->socket;
	config.ring_size = LEAST_RING;
	while (config.ring_size < RING_BURSTS * bench->burst * pieces)
		config.ring_size *= 2;
	config.buffer_size = MORE_BUFFER;
	/* guest_fast.h: a full ring is the end of a prefill, a lack of buffers is not. */
	config.tx_buffers = config.ring_size + pieces + 1;
	config.manual_rx = true;
	if (bench->packed)
		config.features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
	ret = guest_create(&config, &bench->guest);
	if (ret == 0)
		ret = guest_connect(bench->guest);
	if (ret == 0)
		ret = guest_start(bench->guest);
	if (ret < 0)
		more_die("guest: %s", strerror(-ret));
	if (bench->packed && !guest_has(bench->guest, VIRTIO_F_RING_PACKED))
		more_die("packed rings are not offered");
	if (!guest_has(bench->guest, VIRTIO_NET_F_MRG_RXBUF))
		more_die("mergeable buffers are not offered");
	bench->queue = bench->enqueue ? guest_rx_queue(bench->guest, 0) :
					guest_tx_queue(bench->guest, 0);
	bench->queue_id = (uint16_t)bench->queue->index;
	bench->chains_per_packet = bench->enqueue ? pieces : 1;
}

/** Fill the ring, without publishing, and learn the order of its chains. */
static void prefill(struct async_bench *bench)
{
	static uint8_t frame[GUEST_MAX_FRAME];
	struct guest_stamp stamp = { .sender = 1 };
	int count;

	if (bench->enqueue) {
		count = guest_fast_prefill_rx(bench->queue, MORE_BUFFER, &plain_shape);
	} else {
		guest_packet_fill(frame, bench->size, &stamp);
		count = guest_fast_prefill_tx(bench->queue, frame, bench->size, &plain_shape);
	}
	if (count < (int)(2 * bench->burst * bench->chains_per_packet))
		more_die("the ring has room for %d chains", count);
	bench->chain_count = (uint32_t)count;
	bench->heads = malloc(bench->chain_count * sizeof(*bench->heads));
	if (!bench->heads)
		more_die("out of memory");
	memcpy(bench->heads, bench->queue->order, bench->chain_count * sizeof(*bench->heads));
	if (bench->enqueue)
		bench->published = guest_fast_publish(bench->queue, UINT32_MAX);
}

/** Packets to be sent, in mbufs. */
static void make_packets(struct async_bench *bench)
{
	static uint8_t frame[GUEST_MAX_FRAME];

	bench->packet_count = PACKET_BURSTS * bench->burst;
	bench->packets = calloc(bench->packet_count + bench->burst, sizeof(*bench->packets));
	if (!bench->packets)
		more_die("out of memory");
	for (uint32_t i = 0; i < bench->packet_count; i++) {
		struct guest_stamp stamp = { .sender = 2, .sequence = i };
		struct rte_mbuf *segment;

		guest_packet_fill(frame, bench->size, &stamp);
		for (uint32_t done = 0; done < bench->size; done += segment->data_len) {
			uint16_t part = (uint16_t)RTE_MIN(bench->size - done, MORE_BUFFER);

			segment = rte_pktmbuf_alloc(bench->pool);
			if (!segment)
				more_die("out of mbufs");
			memcpy(rte_pktmbuf_append(segment, part), frame + done, part);
			if (done == 0)
				bench->packets[i] = segment;
			else if (rte_pktmbuf_chain(bench->packets[i], segment) < 0)
				more_die("too many mbufs");
		}
	}
	for (uint32_t i = 0; i < bench->burst; i++)
		bench->packets[bench->packet_count + i] = bench->packets[i];
}

void async_begin(struct async_bench *bench)
{
	bool dmadev = uses(bench, ASYNC_DMADEV);

	more_load(bench->library);
	find_functions(bench);
	more_start(bench->host_cpu, bench->guest_cpu,
		   dmadev ? "--vdev=dma_skeleton0,lcore=1" : NULL);
	more_pin(bench->host_cpu);
	more_calibrate();
	more_begin_guest(bench->guest_cpu);
	bench->pool = more_make_pool(POOL_SIZE);
	start_engines(bench);
	more_serve(bench->socket, RTE_VHOST_USER_ASYNC_COPY);
	make_guest(bench);
	bench->vid = more_device(0);
	for (uint16_t queue = 0; queue < 2; queue++)
		more_library.enable_guest_notification(bench->vid, queue, 0);
	prefill(bench);
	if (bench->enqueue)
		make_packets(bench);
}

/** Bytes of a packet in pieces that are not below the threshold. */
static uint64_t engine_bytes(const struct async_bench *bench, uint32_t threshold)
{
	uint32_t room = MORE_BUFFER - bench->queue->header_size, have = MORE_BUFFER;
	uint64_t sum = 0;

	for (uint32_t left = bench->size; left > 0;) {
		uint32_t part = RTE_MIN(left, RTE_MIN(room, have));

		sum += part >= threshold ? part : 0;
		left -= part;
		room = room == part ? MORE_BUFFER : room - part;
		have = have == part ? MORE_BUFFER : have - part;
	}
	return sum;
}

void async_attach(struct async_bench *bench, const struct async_way *way)
{
	struct rte_vhost_async_config config = {
		.async_threshold = way->threshold, .features = RTE_VHOST_ASYNC_INORDER,
	};
	struct rte_vhost_async_channel_ops *ops;
	int ret = 0;

	async_way = way;
	bench->engine_bytes = engine_bytes(bench, way->threshold);
	if (way->kind == ASYNC_DMADEV) {
		ret = bench->r2211.channel_register(bench->vid, bench->queue_id);
	} else if (way->kind >= ASYNC_SOFTWARE) {
		ops = way->kind == ASYNC_OWN ? async_engine_ops() : bench->r2108.dma_ops();
		if (way->kind != ASYNC_OWN)
			ret = bench->r2108.dma_attach(bench->engine, bench->vid, bench->queue_id);
		else
			async_engine_run(true);
		if (ret == 0)
			ret = bench->r2108.channel_register(bench->vid, bench->queue_id, config,
							    ops);
	}
	if (ret < 0)
		more_die("%s: no channel", way->name);
}

void async_detach(struct async_bench *bench, const struct async_way *way)
{
	int ret = 0;

	if (way->kind == ASYNC_DMADEV)
		ret = bench->r2211.channel_unregister(bench->vid, bench->queue_id);
	else if (way->kind >= ASYNC_SOFTWARE)
		ret = bench->r2108.channel_unregister(bench->vid, bench->queue_id);
	if (ret == 0 && (way->kind == ASYNC_SOFTWARE || way->kind == ASYNC_ASLEEP))
		ret = bench->r2108.dma_detach(bench->vid, bench->queue_id);
	if (way->kind == ASYNC_OWN)
		async_engine_run(false);
	if (ret < 0)
		more_die("%s: the channel does not end", way->name);
}

void async_end(struct async_bench *bench)
{
	unsigned int left;

	for (uint32_t i = 0; i < bench->packet_count; i++)
		rte_pktmbuf_free(bench->packets[i]);
	left = rte_mempool_avail_count(bench->pool);
	if (left != POOL_SIZE)
		more_die("pool: %u mbufs of %u after", left, POOL_SIZE);
	if (guest_complaints(bench->guest) > 0)
		more_die("the guest complains");
	guest_disconnect(bench->guest);
	more_await_count(0);
	if (more_library.driver_unregister(bench->socket) < 0)
		more_die("rte_vhost_driver_unregister failed");
}
