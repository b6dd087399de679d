/* SPDX-License-Identifier: BSD-3-Clause */

/* virtio-net headers that ask for the impossible (virtio 1.2, 5.1.6.2). */
#include <string.h>

#include "guest_misbehave.h"

#define TCP_CSUM_OFFSET 16
#define ETHER_SIZE 14
#define IPV4_TCP_SIZE 54
#define SEGMENT 1460

static const char *const names[GUEST_HEADER_COUNT] = {
	[GUEST_HEADER_CSUM_LAST] = "csum-last",
	[GUEST_HEADER_CSUM_END] = "csum-end",
	[GUEST_HEADER_CSUM_BEYOND] = "csum-beyond",
	[GUEST_HEADER_CSUM_MAX] = "csum-max",
	[GUEST_HEADER_CSUM_OFFSET_MAX] = "csum-offset-max",
	[GUEST_HEADER_CSUM_BOTH_MAX] = "csum-both-max",
	[GUEST_HEADER_GSO_SIZE_ZERO] = "gso-size-zero",
	[GUEST_HEADER_GSO_SIZE_MAX] = "gso-size-max",
	[GUEST_HEADER_GSO_UNKNOWN] = "gso-unknown",
	[GUEST_HEADER_GSO_UDP] = "gso-udp",
	[GUEST_HEADER_HDR_LEN_BEYOND] = "hdr-len-beyond",
	[GUEST_HEADER_HDR_LEN_MAX] = "hdr-len-max",
	[GUEST_HEADER_FLAGS_ALL] = "flags-all",
	[GUEST_HEADER_NUM_BUFFERS] = "num-buffers",
	[GUEST_HEADER_ONES] = "ones",
};

const char *guest_bad_header_name(enum guest_bad_header kind)
{
	return kind < GUEST_HEADER_COUNT ? names[kind] : NULL;
}

static void checksum_at(struct virtio_net_hdr_v1 *header, uint32_t start, uint32_t offset)
{
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->csum_start = (uint16_t)start;
	header->csum_offset = (uint16_t)offset;
}

static void segment(struct virtio_net_hdr_v1 *header, uint8_t type, uint32_t size,
		    uint32_t headers)
{
	checksum_at(header, IPV4_TCP_SIZE - 20, TCP_CSUM_OFFSET);
	header->gso_type = type;
	header->gso_size = (uint16_t)size;
	header->hdr_len = (uint16_t)headers;
}

static void fill_checksum(enum guest_bad_header kind, uint32_t size,
			  struct virtio_net_hdr_v1 *header)
{
	switch (kind) {
	case GUEST_HEADER_CSUM_LAST:
		checksum_at(header, size - 1, 0);
		break;
	case GUEST_HEADER_CSUM_END:
		checksum_at(header, size, 0);
		break;
	case GUEST_HEADER_CSUM_BEYOND:
		checksum_at(header, size + 1, 0);
		break;
	case GUEST_HEADER_CSUM_MAX:
		checksum_at(header, 0xffff, TCP_CSUM_OFFSET);
		break;
	case GUEST_HEADER_CSUM_OFFSET_MAX:
		checksum_at(header, ETHER_SIZE, 0xffff);
		break;
	default:
		checksum_at(header, 0xffff, 0xffff);
		break;
	}
}

void guest_bad_header_fill(enum guest_bad_header kind, uint32_t size,
			   struct virtio_net_hdr_v1 *header)
{
	memset(header, kind == GUEST_HEADER_ONES ? 0xff : 0, sizeof(*header));
	switch (kind) {
	case GUEST_HEADER_GSO_SIZE_ZERO:
		segment(header, VIRTIO_NET_HDR_GSO_TCPV4, 0, IPV4_TCP_SIZE);
		break;
	case GUEST_HEADER_GSO_SIZE_MAX:
		segment(header, VIRTIO_NET_HDR_GSO_TCPV4, 0xffff, IPV4_TCP_SIZE);
		break;
	case GUEST_HEADER_GSO_UNKNOWN:
		segment(header, 0x7f, SEGMENT, IPV4_TCP_SIZE);
		break;
	case GUEST_HEADER_GSO_UDP:
		segment(header, VIRTIO_NET_HDR_GSO_UDP, SEGMENT, IPV4_TCP_SIZE);
		break;
	case GUEST_HEADER_HDR_LEN_BEYOND:
		segment(header, VIRTIO_NET_HDR_GSO_TCPV4, SEGMENT, size + 1);
		break;
	case GUEST_HEADER_HDR_LEN_MAX:
		segment(header, VIRTIO_NET_HDR_GSO_TCPV4, SEGMENT, 0xffff);
		break;
	case GUEST_HEADER_FLAGS_ALL:
		header->flags = 0xff;
		break;
	case GUEST_HEADER_NUM_BUFFERS:
		header->num_buffers = 0xffff;
		break;
	case GUEST_HEADER_ONES:
		break;
	default:
		fill_checksum(kind, size, header);
		break;
	}
}
