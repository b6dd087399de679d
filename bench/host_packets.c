/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* What packets contain. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "guest_fast.h"
#include "guest_packet.h"
#include "host.h"

#define ETHERNET 14u
#define HEADERS ((uint32_t)(ETHERNET + sizeof(struct iphdr) + sizeof(struct tcphdr)))

/** Packets that are sent in turn; more would be other bytes in the same place. */
#define PACKETS 256u

/** RFC 1071, not complemented, in the order of the network. */
static uint16_t sum_up(const void *bytes, uint32_t size, uint32_t sum)
{
	const uint8_t *at = bytes;

	for (uint32_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)sum);
}

/** Ethernet, IPv4 and TCP headers: libraries look at them when there is something to offload. */
static void fill_headers(uint8_t *frame, uint32_t size)
{
	struct iphdr ip = {
		.version = 4, .ihl = sizeof(struct iphdr) / 4, .ttl = 64, .protocol = IPPROTO_TCP,
		.tot_len = htons((uint16_t)(size - ETHERNET < 65535 ? size - ETHERNET : 65535)),
		.saddr = htonl(0xc0000201), .daddr = htonl(0xc0000202),
	};
	struct tcphdr tcp = {
		.source = htons(1), .dest = htons(2), .doff = sizeof(struct tcphdr) / 4, .ack = 1,
	};

	ip.check = (uint16_t)~sum_up(&ip, sizeof(ip), 0);
	/* virtio 1.2, 5.1.6.2.1: of the pseudo header, without the length, as segments differ. */
	tcp.check = sum_up(&ip.saddr, 2 * sizeof(ip.saddr), IPPROTO_TCP);
	memset(frame, 2, 12);
	frame[12] = 8;
	frame[13] = 0;
	memcpy(frame + ETHERNET, &ip, sizeof(ip));
	memcpy(frame + ETHERNET + sizeof(ip), &tcp, sizeof(tcp));
}

void bench_fill(const struct bench *bench, uint8_t *frame, uint32_t lane, uint64_t sequence)
{
	struct guest_stamp stamp = { .sender = 1, .queue = (uint16_t)lane, .sequence = sequence };
	uint32_t size = bench->cell.size, skip = bench->cell.offloads ? HEADERS : 0;

	if (skip)
		fill_headers(frame, size);
	guest_packet_fill(frame + skip, size - skip, &stamp);
}

struct virtio_net_hdr_v1 bench_header(const struct bench *bench)
{
	struct virtio_net_hdr_v1 header = { 0 };

	if (bench->cell.offloads) {
		header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		header.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		header.hdr_len = (uint16_t)HEADERS;
		header.gso_size = BENCH_SEGMENT;
		header.csum_start = ETHERNET + sizeof(struct iphdr);
		header.csum_offset = offsetof(struct tcphdr, check);
	}
	return header;
}

int bench_check(struct bench *bench, const uint8_t *frame, uint32_t size, uint32_t lane,
		uint64_t sequence)
{
	uint32_t skip = bench->cell.offloads ? HEADERS : 0;
	uint8_t expected[BENCH_FRAME];
	struct guest_stamp stamp;
	uint64_t hash;
	bool swapped;

	if (size != bench->cell.size)
		return bench_fail(bench, "packet %llu: %u bytes", (unsigned long long)sequence,
				  size);
	bench_fill(bench, expected, lane, sequence);
	if (memcmp(frame, expected, size) != 0) {
		int ret = guest_packet_check(frame + skip, size - skip, &stamp, &hash, &swapped);

		if (ret < 0 || swapped || stamp.sequence == sequence)
			return bench_fail(bench, "packet %llu: changed",
					  (unsigned long long)sequence);
		return bench_fail(bench, "packet %llu of queue %u in place of %llu of %u",
				  (unsigned long long)stamp.sequence, stamp.queue,
				  (unsigned long long)sequence, lane);
	}
	bench->verified++;
	return 0;
}

/** What a host says to a library about a packet to be segmented. */
static void ask_for_offloads(struct rte_mbuf *packet)
{
	packet->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
	packet->l2_len = ETHERNET;
	packet->l3_len = sizeof(struct iphdr);
	packet->l4_len = sizeof(struct tcphdr);
	packet->tso_segsz = BENCH_SEGMENT;
}

struct rte_mbuf *bench_make_packet(struct bench *bench, uint32_t lane, uint64_t sequence)
{
	uint8_t frame[BENCH_FRAME];
	uint32_t size = bench->cell.size, done = 0;
	struct rte_mbuf *first = NULL;

	bench_fill(bench, frame, lane, sequence);
	while (done < size) {
		uint32_t part = size - done < BENCH_BUFFER ? size - done : BENCH_BUFFER;
		struct rte_mbuf *segment = rte_pktmbuf_alloc(bench->pool);

		if (!segment)
			break;
		memcpy(rte_pktmbuf_append(segment, (uint16_t)part), frame + done, part);
		if (!first)
			first = segment;
		else if (rte_pktmbuf_chain(first, segment) < 0)
			break;
		done += part;
	}
	if (done < size)
		return NULL;
	if (bench->cell.offloads)
		ask_for_offloads(first);
	return first;
}

int bench_take_packet(struct bench *bench, struct rte_mbuf *packet, uint32_t lane,
		      uint64_t sequence)
{
	uint8_t copy[BENCH_FRAME];
	uint32_t size = rte_pktmbuf_pkt_len(packet);
	const void *frame = NULL;
	int ret = -1;

	if (size <= sizeof(copy))
		frame = rte_pktmbuf_read(packet, 0, size, copy);
	if (!frame)
		bench_fail(bench, "a packet of %u bytes in %u mbufs", size, packet->nb_segs);
	else if (bench->cell.offloads && (!(packet->ol_flags & RTE_MBUF_F_RX_LRO) ||
					  packet->tso_segsz != BENCH_SEGMENT))
		bench_fail(bench, "packet %llu: segmentation was lost",
			   (unsigned long long)sequence);
	else
		ret = bench_check(bench, frame, size, lane, sequence);
	rte_pktmbuf_free(packet);
	return ret;
}

/** Packets to send, and one burst of them again behind it. */
static int make_packets(struct bench *bench)
{
	uint32_t count = PACKETS, burst = bench->cell.burst;
	uint32_t segments = (bench->cell.size + BENCH_BUFFER - 1) / BENCH_BUFFER;

	/* Half of the pool at most. */
	while (count > burst && count * segments > bench->pool_size / 2)
		count /= 2;
	bench->packets = calloc(count + burst, sizeof(struct rte_mbuf *));
	bench->packet_count = bench->next_packet = 0;
	for (uint32_t i = 0; bench->packets && i < count; i++) {
		bench->packets[i] = bench_make_packet(bench, 0, i);
		if (!bench->packets[i])
			return bench_fail(bench, "out of mbufs");
		bench->packet_count++;
	}
	for (uint32_t i = 0; bench->packets && i < burst; i++)
		bench->packets[count + i] = bench->packets[i % count];
	return bench->packets ? 0 : bench_fail(bench, "out of memory");
}

/** Fill one ring. @return chains in it or a negative errno. */
static int prefill_lane(struct bench *bench, uint32_t lane)
{
	struct guest_queue *queue = bench->lanes[lane].queue;
	struct virtio_net_hdr_v1 header = bench_header(bench);
	uint8_t frame[BENCH_FRAME];
	int ret = 0;

	if (bench->cell.enqueue)
		return guest_fast_prefill_rx(queue, bench->plan.capacity, &bench->plan.shape);
	bench_fill(bench, frame, lane, 0);
	while (ret == 0 && queue->free_count > 0)
		ret = guest_tx_header(queue, &header, frame, bench->cell.size,
				      &bench->plan.shape);
	return ret == 0 || ret == -ENOSPC ? (int)queue->in_flight : ret;
}

int bench_prefill(struct bench *bench)
{
	if (bench->cell.enqueue && make_packets(bench) < 0)
		return -1;
	for (uint32_t i = 0; i < bench->cell.queues; i++) {
		int ret = prefill_lane(bench, i);

		if (ret <= 0)
			return bench_fail(bench, "prefill: %s", strerror(-ret));
		guest_fast_publish(bench->lanes[i].queue, UINT32_MAX);
	}
	return 0;
}
