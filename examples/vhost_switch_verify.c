/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* vhost-switch --verify: the hash that the test guest computes over its packets. */
#include "vhost_switch.h"

/* The same code as the guest's, with its internal functions. */
#include "../ctests/guest/guest_packet.c"

/** Guests send such packets until one comes back, and start to count then. */
#define HELLO_SEQUENCE UINT64_MAX

void verify_packet(struct switch_hashes *hashes, const struct rte_mbuf *packet)
{
	static uint8_t buffer[UINT16_MAX + 1];
	uint32_t size = packet->pkt_len;
	struct guest_stamp stamp;
	const uint8_t *frame;
	uint64_t hash = 0;
	bool swapped;
	int ret;

	if (size < GUEST_PACKET_MIN || size > sizeof(buffer))
		return;
	frame = rte_pktmbuf_read(packet, 0, size, buffer);
	if (frame == NULL) {
		hashes->changed++;
		return;
	}
	ret = guest_packet_check(frame, size, &stamp, &hash, &swapped);
	if (ret == 0 && stamp.sequence == HELLO_SEQUENCE) {
		hashes->hellos++;
		return;
	}
	/* Packets that are not the test guest's have a hash, too. */
	if (ret == -ENOMSG)
		hash = hash_frame(frame, size);
	hashes->changed += ret == -EBADMSG;
	hashes->sum += hash;
}
