/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * What travels on a vhost-user socket: message numbers, feature bits, payload layouts.
 *
 * The names follow the vhost-user specification; all fields are little-endian on the wire and
 * only little-endian hosts are supported here.
 */
#ifndef GUEST_WIRE_H
#define GUEST_WIRE_H

#include <linux/vhost_types.h>
#include <stdint.h>

/** Requests that the frontend sends. */
enum guest_request {
	GUEST_GET_FEATURES = 1,
	GUEST_SET_FEATURES = 2,
	GUEST_SET_OWNER = 3,
	GUEST_RESET_OWNER = 4,
	GUEST_SET_MEM_TABLE = 5,
	GUEST_SET_LOG_BASE = 6,
	GUEST_SET_LOG_FD = 7,
	GUEST_SET_VRING_NUM = 8,
	GUEST_SET_VRING_ADDR = 9,
	GUEST_SET_VRING_BASE = 10,
	GUEST_GET_VRING_BASE = 11,
	GUEST_SET_VRING_KICK = 12,
	GUEST_SET_VRING_CALL = 13,
	GUEST_SET_VRING_ERR = 14,
	GUEST_GET_PROTOCOL_FEATURES = 15,
	GUEST_SET_PROTOCOL_FEATURES = 16,
	GUEST_GET_QUEUE_NUM = 17,
	GUEST_SET_VRING_ENABLE = 18,
	GUEST_SEND_RARP = 19,
	GUEST_NET_SET_MTU = 20,
	GUEST_SET_BACKEND_REQ_FD = 21,
	GUEST_IOTLB_MSG = 22,
	GUEST_SET_VRING_ENDIAN = 23,
	GUEST_GET_CONFIG = 24,
	GUEST_SET_CONFIG = 25,
	GUEST_CREATE_CRYPTO_SESSION = 26,
	GUEST_CLOSE_CRYPTO_SESSION = 27,
	GUEST_POSTCOPY_ADVISE = 28,
	GUEST_POSTCOPY_LISTEN = 29,
	GUEST_POSTCOPY_END = 30,
	GUEST_GET_INFLIGHT_FD = 31,
	GUEST_SET_INFLIGHT_FD = 32,
	GUEST_GPU_SET_SOCKET = 33,
	GUEST_RESET_DEVICE = 34,
	GUEST_VRING_KICK = 35,
	GUEST_GET_MAX_MEM_SLOTS = 36,
	GUEST_ADD_MEM_REG = 37,
	GUEST_REM_MEM_REG = 38,
	GUEST_SET_STATUS = 39,
	GUEST_GET_STATUS = 40,
};

/** Requests that the backend sends, on the socket of SET_BACKEND_REQ_FD. */
enum guest_backend_request {
	GUEST_BACKEND_IOTLB_MSG = 1,
	GUEST_BACKEND_CONFIG_CHANGE_MSG = 2,
	GUEST_BACKEND_VRING_HOST_NOTIFIER_MSG = 3,
	GUEST_BACKEND_VRING_CALL = 4,
	GUEST_BACKEND_VRING_ERR = 5,
};

/** Bits of a message's flags field. */
enum guest_message_flags {
	GUEST_FLAG_VERSION = 0x1,
	GUEST_FLAG_VERSION_MASK = 0x3,
	GUEST_FLAG_REPLY = 0x4,
	GUEST_FLAG_NEED_REPLY = 0x8,
};

/** Protocol feature bit numbers. */
enum guest_protocol_feature {
	GUEST_PROTOCOL_MQ = 0,
	GUEST_PROTOCOL_LOG_SHMFD = 1,
	GUEST_PROTOCOL_RARP = 2,
	GUEST_PROTOCOL_REPLY_ACK = 3,
	GUEST_PROTOCOL_MTU = 4,
	GUEST_PROTOCOL_BACKEND_REQ = 5,
	GUEST_PROTOCOL_CROSS_ENDIAN = 6,
	GUEST_PROTOCOL_CRYPTO_SESSION = 7,
	GUEST_PROTOCOL_PAGEFAULT = 8,
	GUEST_PROTOCOL_CONFIG = 9,
	GUEST_PROTOCOL_BACKEND_SEND_FD = 10,
	GUEST_PROTOCOL_HOST_NOTIFIER = 11,
	GUEST_PROTOCOL_INFLIGHT_SHMFD = 12,
	GUEST_PROTOCOL_RESET_DEVICE = 13,
	GUEST_PROTOCOL_INBAND_NOTIFICATIONS = 14,
	GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS = 15,
	GUEST_PROTOCOL_STATUS = 16,
};

/** Feature bits that belong to vhost and not to the virtio device. */
#define GUEST_F_LOG_ALL 26
#define GUEST_F_PROTOCOL_FEATURES 30

/** A bit number as a mask. */
#define GUEST_BIT(number) (1ULL << (number))

/** SET_VRING_KICK, _CALL, _ERR: "no file descriptor comes with this message". */
#define GUEST_VRING_NOFD 0x100

/** SET_VRING_ADDR flags bit: log writes to the used ring at log_guest_addr. */
#define GUEST_VRING_F_LOG 1

/** Regions one SET_MEM_TABLE can describe. */
#define GUEST_WIRE_REGIONS 8

/** Most file descriptors that travel with one message. */
#define GUEST_WIRE_FDS 8

/** The largest payload that the guest accepts in a reply. */
#define GUEST_WIRE_PAYLOAD 4096

/** Payload with a ring's index and a number. */
struct guest_vring_state {
	uint32_t index;
	uint32_t number;
};

/** Payload of SET_VRING_ADDR: frontend-virtual addresses, or IOVAs under ACCESS_PLATFORM. */
struct guest_vring_addr {
	uint32_t index;
	uint32_t flags;
	uint64_t descriptors;
	uint64_t used;
	uint64_t available;
	uint64_t log;
};

/** One region in SET_MEM_TABLE, ADD_MEM_REG, REM_MEM_REG. */
struct guest_wire_region {
	uint64_t gpa;
	uint64_t size;
	uint64_t user_addr;
	uint64_t mmap_offset;
};

/** Payload of SET_MEM_TABLE. */
struct guest_mem_table {
	uint32_t count;
	uint32_t padding;
	struct guest_wire_region regions[GUEST_WIRE_REGIONS];
};

/** Payload of ADD_MEM_REG and REM_MEM_REG. */
struct guest_mem_single {
	uint64_t padding;
	struct guest_wire_region region;
};

/** Payload of SET_LOG_BASE. */
struct guest_log_area {
	uint64_t size;
	uint64_t offset;
};

/** Payload of GET_INFLIGHT_FD and SET_INFLIGHT_FD (24 bytes on the wire). */
struct guest_inflight_area {
	uint64_t size;
	uint64_t offset;
	uint16_t queues;
	uint16_t ring_size;
	uint32_t padding;
};

/** Payload of GET_CONFIG and SET_CONFIG. */
struct guest_config_space {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
	uint8_t bytes[256];
};

/** Any payload. */
union guest_payload {
	uint64_t u64;
	struct guest_vring_state state;
	struct guest_vring_addr addr;
	struct guest_mem_table table;
	struct guest_mem_single single;
	struct guest_log_area log;
	struct guest_inflight_area inflight;
	struct guest_config_space config;
	struct vhost_iotlb_msg iotlb;
	uint8_t bytes[GUEST_WIRE_PAYLOAD];
};

/** One message, sent or received. The first three fields are its 12 bytes of header. */
struct guest_message {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
	union guest_payload payload;
	int fds[GUEST_WIRE_FDS];
	unsigned int fd_count;
};

/** Bytes of a message's header. */
#define GUEST_WIRE_HEADER 12

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "vhost-user is little-endian here");
_Static_assert(sizeof(struct guest_vring_addr) == 40, "SET_VRING_ADDR payload");
_Static_assert(sizeof(struct guest_mem_table) == 8 + 8 * 32, "SET_MEM_TABLE payload");
_Static_assert(sizeof(struct guest_inflight_area) == 24, "SET_INFLIGHT_FD payload");

#endif
