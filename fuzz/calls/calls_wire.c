/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Frontends: connections, and messages as they should be and not. */
#include <sys/socket.h>
#include <unistd.h>

#include "calls.h"

void connect_link(struct rig_link *link, unsigned int path)
{
	struct record record = { .a = (uint8_t)path };
	const char *chosen = chosen_path(&record);

	if (link->socket < 0 && chosen != NULL)
		(void)rig_connect(link, chosen);
}

/* Any request: its payload by the record, mostly of a size that fits. */
static void send_any(struct rig_link *link, const struct record *record)
{
	static const uint8_t sizes[44] = {
		0, 0, 8, 0, 0, 40, 16, 0, 8, 40, 8, 8, 8, 8, 8, 0, 8, 0, 8, 8, 8, 0, 32, 8, 24, 24,
		8, 8, 0, 0, 0, 24, 24, 0, 0, 8, 0, 40, 40, 8, 0,
	};
	union guest_payload payload = { 0 };
	uint32_t request = record->b % 44;
	size_t size = record->c & 64 ? record->e % 300 : sizes[request];
	int files[2], pair[2] = { -1, -1 };
	unsigned int count = record->c & 3;

	payload.state.index = record->d & 0x8000 ? record->f : record->d % 6;
	payload.state.number = record->g;
	if (request == GUEST_SET_FEATURES || request == GUEST_SET_PROTOCOL_FEATURES)
		payload.u64 = (uint64_t)record->g << 32 | record->f;
	if (request == GUEST_IOTLB_MSG) {
		payload.iotlb = (struct vhost_iotlb_msg){
			.iova = REGION_GPA + (record->f & 0xf000), .uaddr = REGION_USER +
			(record->f & 0xf000), .size = record->g & 1 ? 0x1000 : record->g,
			.perm = record->d & 3, .type = record->e & 3,
		};
	}
	if (request == GUEST_SET_LOG_BASE)
		payload.log = (struct guest_log_area){ record->d, record->e };
	if (request == GUEST_SET_INFLIGHT_FD || request == GUEST_GET_INFLIGHT_FD)
		payload.inflight = (struct guest_inflight_area){
			.size = record->f, .queues = record->d & 15, .ring_size = record->e & 63,
		};
	if (request == GUEST_GET_CONFIG || request == GUEST_SET_CONFIG) {
		payload.config.offset = record->d % 300;
		payload.config.size = record->c & 64 ? record->g % 300 : 12;
	}
	if (request == GUEST_ADD_MEM_REG || request == GUEST_REM_MEM_REG)
		payload.single.region = (struct guest_wire_region){
			.gpa = REGION_GPA + (record->d & 1 ? REGION_SIZE : 0), .size = REGION_SIZE,
			.user_addr = REGION_USER + (record->d & 1 ? REGION_SIZE : 0),
		};
	/* A link without connection is not taken down. */
	if (request == GUEST_SET_BACKEND_REQ_FD && link->socket >= 0 && link->backend < 0 &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0) {
		link->backend = pair[0];
		count = 1;
	}
	files[0] = pair[1] >= 0 ? pair[1] : request == GUEST_SET_LOG_BASE ? bench.log_file :
		request == GUEST_SET_INFLIGHT_FD ? bench.inflight_file :
		request == GUEST_ADD_MEM_REG ? bench.region_file : bench.event_file;
	files[1] = bench.event_file;
	if (count == 3)
		count = 0;
	if (record->c & 16)
		rig_send(link, request, GUEST_FLAG_VERSION, &payload, size, files, count);
	else
		(void)rig_ask(link, request, &payload, size, files, count);
	if (pair[1] >= 0)
		close(pair[1]);
}

void call_wire(unsigned int code, const struct record *record)
{
	struct rig_link *link = chosen_link(record);
	union guest_payload payload;
	uint32_t request;

	switch (code) {
	case 0:
		connect_link(link, record->b);
		break;
	case 1:
		rig_hang_up(link);
		(void)rig_turn();
		break;
	case 2:
		bring_up(link, record->b);
		break;
	case 3:
	case 4:
	case 5:
		send_any(link, record);
		break;
	case 6:
		if (record->c & 16)
			send_table(link, record);
		else
			send_queue(link, record->b % QUEUES, record);
		break;
	case 7:
		while (rig_receive(link->backend, &request, &payload, sizeof(payload)) >= 0)
			continue;
		(void)rig_turn();
		break;
	default:
		for (unsigned int times = 0; times <= record->a >> 4; times++)
			offer(link, record);
		break;
	}
}
