/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * Frames with protocol headers, and what offload tests ask of them.
 */
#ifndef CONTROL_NET_H
#define CONTROL_NET_H

#include <stdbool.h>
#include <stdint.h>

/** What a frame is made of. */
struct control_protocol {
	uint8_t vlans;		/**< 0 to 2 tags. */
	bool is_ipv6;
	uint8_t options;	/**< Bytes of IPv4 options, a multiple of 4. */
	uint8_t l4;		/**< 6, 17, 132 or any other protocol number; 0: ARP. */
};

/** Bytes of the headers up to IP and up to the transport protocol. */
uint32_t control_l2(const struct control_protocol *protocol);
uint32_t control_l3(const struct control_protocol *protocol);
/** Bytes of the transport header. */
uint32_t control_l4(const struct control_protocol *protocol);
/** Where the checksum lies in it. */
uint32_t control_checksum_offset(const struct control_protocol *protocol);
/** Write a frame; all checksums are 0. */
void control_protocol_frame(uint8_t *frame, uint32_t size,
			    const struct control_protocol *protocol);
/** Ones' complement sum of bytes, folded. */
uint16_t control_sum(const uint8_t *bytes, uint32_t size);

#endif
