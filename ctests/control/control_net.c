/* SPDX-License-Identifier: BSD-3-Clause */
#include "control_net.h"

#include <string.h>

#define ETHER 14
#define TAG 4

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

uint32_t control_l2(const struct control_protocol *protocol)
{
	return ETHER + TAG * (uint32_t)protocol->vlans;
}

uint32_t control_l3(const struct control_protocol *protocol)
{
	return protocol->is_ipv6 ? 40 : 20 + (uint32_t)protocol->options;
}

uint32_t control_l4(const struct control_protocol *protocol)
{
	return protocol->l4 == 6 ? 20 : protocol->l4 == 17 ? 8 : protocol->l4 == 132 ? 12 : 0;
}

uint32_t control_checksum_offset(const struct control_protocol *protocol)
{
	return protocol->l4 == 6 ? 16 : protocol->l4 == 17 ? 6 : 8;
}

static uint32_t put_ethernet(uint8_t *frame, const struct control_protocol *protocol)
{
	uint32_t at = 12;

	memset(frame, 2, 12);
	for (int i = 0; i < protocol->vlans; i++, at += TAG) {
		put16(frame + at, i + 1 < protocol->vlans ? 0x88a8 : 0x8100);
		put16(frame + at + 2, 100);
	}
	put16(frame + at, protocol->l4 == 0 ? 0x0806 : protocol->is_ipv6 ? 0x86dd : 0x0800);
	return at + 2;
}

void control_protocol_frame(uint8_t *frame, uint32_t size,
			    const struct control_protocol *protocol)
{
	uint32_t l3 = put_ethernet(frame, protocol), l4;

	for (uint32_t i = l3; i < size; i++)
		frame[i] = (uint8_t)(i * 7);
	if (protocol->l4 == 0)
		return;
	l4 = l3 + control_l3(protocol);
	memset(frame + l3, 0, control_l3(protocol));
	memset(frame + l4, 0, control_l4(protocol));
	if (protocol->is_ipv6) {
		frame[l3] = 0x60;
		put16(frame + l3 + 4, size - l4);
		frame[l3 + 6] = protocol->l4;
		frame[l3 + 7] = 64;
	} else {
		frame[l3] = (uint8_t)(0x40 + control_l3(protocol) / 4);
		put16(frame + l3 + 2, size - l3);
		frame[l3 + 8] = 64;
		frame[l3 + 9] = protocol->l4;
		frame[l3 + 12] = 10;
		frame[l3 + 16] = 10;
	}
	if (protocol->l4 == 6)
		frame[l4 + 12] = 0x50;
	if (protocol->l4 == 17)
		put16(frame + l4 + 4, size - l4);
}

uint16_t control_sum(const uint8_t *bytes, uint32_t size)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < size; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}
