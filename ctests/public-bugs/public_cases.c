/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#define _GNU_SOURCE
#include "public.h"

#include <linux/virtio_config.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_log.h"
#include "guest_misbehave.h"

#define PAGE 4096u

static void fill(struct guest_message *message, uint32_t request, const void *payload,
		 uint32_t size)
{
	guest_message_begin(message, (enum guest_request)request, size);
	if (payload)
		memcpy(&message->payload, payload, size);
}

/** A message with so many descriptors of one file, on a connection of its own. */
static void send_once(const struct public_backend *backend, uint32_t request, const void *payload,
		      uint32_t size, unsigned int fds)
{
	int file = memfd_create("public", MFD_CLOEXEC), socket = public_connect(backend);
	struct guest_message message;

	fill(&message, request, payload, size);
	if (ftruncate(file, PAGE) == 0)
		for (message.fd_count = 0; message.fd_count < fds; message.fd_count++)
			message.fds[message.fd_count] = file;
	guest_send(socket, &message);
	usleep(500);
	close(socket);
	close(file);
}

static void descriptors_of_messages_without(struct public_backend *backend)
{
	for (int i = 0; i < 200; i++)
		send_once(backend, GUEST_SET_OWNER, NULL, 0, 8);
}

static void descriptors_beyond_the_expected(struct public_backend *backend)
{
	const struct guest_mem_table table = { .count = 1, .regions = {
		{ .gpa = 0, .size = PAGE, .user_addr = 0x10000 } } };
	const struct guest_vring_state state = { 0, 256 };

	for (int i = 0; i < 100; i++) {
		send_once(backend, GUEST_SET_MEM_TABLE, &table, 8 + 32, 8);
		send_once(backend, GUEST_SET_VRING_NUM, &state, sizeof(state), 8);
	}
}

/* The connection stays: what it holds is what is counted. */
static void areas_in_flight_again_and_again(struct public_backend *backend)
{
	struct guest *guest = public_guest(backend, false,
					   GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD));
	uint32_t done = 0;

	for (int i = 0; guest && i < 300; i++) {
		struct guest_inflight_area area = { 0, 0, 2, 1024, 0 };
		int fd = -1;

		if (guest_get_inflight_fd(&guest->frontend, &area, &fd) < 0)
			break;
		close(fd);
		/* What a device has anyway is no leak. */
		if (done++ == 0)
			public_measure(backend, &backend->fds, &backend->kib);
	}
	snprintf(public_remark, sizeof(public_remark), "%u areas given", done);
}

/** A log of one page of which so much is said; the device writes it if it was taken. */
static void log_that_lies(struct public_backend *backend, uint64_t size, uint64_t offset)
{
	struct guest *guest = public_guest(backend, false, GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD));
	int file = memfd_create("log", MFD_CLOEXEC), ret;

	if (!guest || ftruncate(file, PAGE) < 0)
		return;
	ret = guest_set_log_base(&guest->frontend, size, offset, file);
	snprintf(public_remark, sizeof(public_remark), "%s", ret == 0 ? "accepted" : "refused");
	if (ret == 0 && guest_log_switch(guest, true) == 0) {
		backend->shared->gives = true;
		public_turn(backend);
	}
	backend->shared->gives = false;
	guest_destroy(guest);
}

static void a_log_whose_end_wraps(struct public_backend *backend)
{
	log_that_lies(backend, UINT64_MAX - PAGE + 1, 2 * PAGE);
}

static void a_log_smaller_than_memory(struct public_backend *backend)
{
	/* The file ends before what is said of it. */
	log_that_lies(backend, 1 << 20, 0);
}

static void indices_with_high_bits(struct public_backend *backend)
{
	static const uint32_t indices[] = { 0x100, 0x101, 0x10000, 0xff, 0xffffffff };
	static const uint32_t requests[] = { GUEST_SET_VRING_NUM, GUEST_SET_VRING_BASE,
		GUEST_SET_VRING_ENABLE, GUEST_GET_VRING_BASE, GUEST_SET_VRING_ADDR };

	for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++) {
		struct guest_vring_addr state = { .index = indices[i], .flags = 1 };
		uint64_t number = indices[i] & ~(uint64_t)GUEST_VRING_NOFD;

		for (size_t j = 0; j < sizeof(requests) / sizeof(requests[0]); j++)
			send_once(backend, requests[j], &state,
				  requests[j] == GUEST_SET_VRING_ADDR ? 40 : 8, 0);
		for (uint32_t kick = GUEST_SET_VRING_KICK; kick <= GUEST_SET_VRING_ERR; kick++)
			send_once(backend, kick, &number, 8, 1);
	}
}

static void an_area_that_is_too_small(struct public_backend *backend)
{
	static const struct guest_inflight_area areas[] = {
		{ PAGE, 0, 0xffff, 0xffff, 0 }, { PAGE, 0, 0, 0, 0 }, { 64, 0, 2, 32768, 0 },
		{ 0, 0, 1, 256, 0 }, { PAGE, 1ULL << 40, 2, 256, 0 }, { PAGE, 0, 256, 32768, 0 },
	};

	for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++) {
		struct guest *guest = NULL;

		/* Before any ring, and with rings behind it. */
		send_once(backend, GUEST_SET_INFLIGHT_FD, &areas[i], 24, 1);
		guest = public_guest(backend, false, GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD));
		if (guest) {
			int file = memfd_create("area", MFD_CLOEXEC);
			uint32_t base;

			if (ftruncate(file, PAGE) == 0 &&
			    guest_get_vring_base(&guest->frontend, 1, &base) == 0) {
				guest_set_inflight_fd(&guest->frontend, &areas[i], file);
				guest_send_ring(guest, 1);
			}
			close(file);
		}
		guest_destroy(guest);
	}
}

static void sizes_of_a_running_ring(struct public_backend *backend)
{
	static const uint32_t sizes[] = { 0, 3, 32768, 65536, 0xffffffff };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct guest *guest = public_guest(backend, false, 0);

		if (!guest)
			continue;
		backend->shared->gives = true;
		guest_set_vring_num(&guest->frontend, 0, sizes[i]);
		guest_set_vring_num(&guest->frontend, 1, sizes[i]);
		public_turn(backend);
		backend->shared->gives = false;
		guest_destroy(guest);
	}
}

/** Ten good packets behind what was done to the transmit queue. */
static void try_good_ones(struct public_backend *backend, struct guest *guest)
{
	const struct guest_shape shape = { .header_pieces = 0 };
	struct guest_queue *queue = guest_tx_queue(guest, 0);
	uint8_t frame[PUBLIC_GOOD] = { 0 };
	uint64_t before, now;
	int sent = 0;

	public_turn(backend);
	guest_tx_reap(queue);
	before = backend->shared->good;
	for (int i = 0; i < 10; i++)
		sent += guest_tx(queue, frame, sizeof(frame), &shape) == 0;
	guest_submit(queue);
	for (int i = 0; i < 1500 && backend->shared->good < before + 10; i++)
		usleep(1000);
	now = backend->shared->good - before;
	snprintf(public_remark, sizeof(public_remark), "%lu of %d good packets behind it arrive",
		 now, sent);
	public_is_stuck |= now < 10;
}

/** Chains of some kinds on the transmit queue, one after the other, with good packets behind. */
static void send_bad(struct public_backend *backend, bool packed, const enum guest_bad *kinds,
		     unsigned int count, uint32_t arguments)
{
	struct guest *guest = public_guest(backend, packed, 0);
	uint8_t frame[200] = { 1 };

	if (!guest)
		return;
	for (unsigned int i = 0; i < count; i++)
		for (uint32_t argument = 0; argument < arguments; argument++) {
			guest_bad_add(guest_tx_queue(guest, 0), kinds[i], frame, sizeof(frame),
				      argument);
			guest_submit(guest_tx_queue(guest, 0));
		}
	try_good_ones(backend, guest);
	guest_destroy(guest);
}

static const enum guest_bad short_kinds[] = { GUEST_BAD_ZERO, GUEST_BAD_ZERO_CHAIN,
	GUEST_BAD_ZERO_MIXED, GUEST_BAD_SHORT, GUEST_BAD_SHORT_CHAIN, GUEST_BAD_HEADER_ONLY,
	GUEST_ODD_HEADER_CUT, GUEST_ODD_HEADER_BYTES };

static void short_chains_split(struct public_backend *backend)
{
	send_bad(backend, false, short_kinds, sizeof(short_kinds) / sizeof(short_kinds[0]), 13);
}

static void short_chains_packed(struct public_backend *backend)
{
	send_bad(backend, true, short_kinds, sizeof(short_kinds) / sizeof(short_kinds[0]), 13);
}

static const enum guest_bad address_kinds[] = { GUEST_BAD_CROSSING, GUEST_BAD_CROSSING_LONE,
	GUEST_BAD_UNMAPPED, GUEST_BAD_WRAP, GUEST_BAD_LENGTH_MAX };

static void addresses_split(struct public_backend *backend)
{
	send_bad(backend, false, address_kinds, 5, 1);
}

static void addresses_packed(struct public_backend *backend)
{
	send_bad(backend, true, address_kinds, 5, 1);
}

static const enum guest_bad loop_kinds[] = { GUEST_BAD_LOOP, GUEST_BAD_LOOP_SELF,
	GUEST_BAD_HEAD_RANGE, GUEST_BAD_NEXT_RANGE, GUEST_BAD_TABLE_LOOP, GUEST_BAD_TABLE_NESTED };

static void loops(struct public_backend *backend)
{
	send_bad(backend, false, loop_kinds, 6, 1);
}

/* Four descriptors at once, none of which is mapped, where the host writes. */
static void packed_batch_unmapped(struct public_backend *backend)
{
	struct guest *guest = public_guest(backend, true, 0);
	struct guest_queue *queue;
	uint8_t frame[64] = { 0 };

	if (!guest)
		return;
	queue = guest_rx_queue(guest, 0);
	guest_stop(guest);
	guest_queue_reset(queue);
	guest->config.manual_rx = true;
	if (guest_start(guest) == 0) {
		for (int i = 0; i < 16; i++)
			guest_bad_add(queue, GUEST_BAD_UNMAPPED_LONE, frame, sizeof(frame), 0);
		guest_submit(queue);
		backend->shared->gives = true;
		public_turn(backend);
		backend->shared->gives = false;
		public_turn(backend);
	}
	guest_destroy(guest);
}

static void checksum_places(struct public_backend *backend)
{
	struct guest *guest = public_guest(backend, false, 0);
	const struct guest_shape shape = { .header_pieces = 0 };
	uint8_t frame[64] = { [12] = 8, [14] = 0x45, [23] = 6 };

	if (!guest)
		return;
	for (int kind = 0; kind < GUEST_HEADER_COUNT; kind++) {
		struct virtio_net_hdr_v1 header;

		guest_bad_header_fill((enum guest_bad_header)kind, sizeof(frame), &header);
		guest_tx_header(guest_tx_queue(guest, 0), &header, frame, sizeof(frame), &shape);
	}
	guest_submit(guest_tx_queue(guest, 0));
	try_good_ones(backend, guest);
	guest_destroy(guest);
}

/* This process must not touch the guest's memory afterwards. */
static void memory_cut_short(struct public_backend *backend)
{
	struct guest *guest = public_guest(backend, false, 0);

	if (!guest || ftruncate(guest->memory.regions[0].fd, 0) < 0)
		return;
	backend->shared->gives = true;
	usleep(300000);
	backend->shared->gives = false;
	close(guest->frontend.socket);
	usleep(300000);
}

/* The connection stays. */
static void half_a_message(struct public_backend *backend)
{
	const uint32_t header[3] = { GUEST_SET_FEATURES, GUEST_FLAG_VERSION, 8 };

	guest_send_raw(public_connect(backend), header, sizeof(header), NULL, 0);
	usleep(200000);
}

const struct public_case public_cases[] = {
	{ "CVE-2022-0669", "200 messages with 8 descriptors that they do not have",
	  descriptors_of_messages_without },
	{ "CVE-2019-14818", "200 messages with more descriptors than they have",
	  descriptors_beyond_the_expected },
	{ "CVE-2020-10726", "GET_INFLIGHT_FD 300 times", areas_in_flight_again_and_again },
	{ "CVE-2020-10722", "SET_LOG_BASE whose size and offset wrap", a_log_whose_end_wraps },
	{ "hostile.md", "SET_LOG_BASE, file shorter than the log", a_log_smaller_than_memory },
	{ "CVE-2020-10723", "ring indices with high bits", indices_with_high_bits },
	{ "CVE-2021-3839", "SET_INFLIGHT_FD, area too small or of no queues",
	  an_area_that_is_too_small },
	{ "live in 21.08", "SET_VRING_NUM of a running ring", sizes_of_a_running_ring },
	{ "CVE-2022-2132", "headers cut, empty and short chains, split", short_chains_split },
	{ "CVE-2022-2132", "headers cut, empty and short chains, packed", short_chains_packed },
	{ "CVE-2018-1059", "buffers that end outside of memory, split", addresses_split },
	{ "CVE-2018-1059", "buffers that end outside of memory, packed", addresses_packed },
	{ "libvhost-user", "chains that loop, indices out of range", loops },
	{ "CVE-2020-10725", "packed ring, batch to the guest unmapped", packed_batch_unmapped },
	{ "CVE-2024-11614", "checksum places and GSO types that cannot be", checksum_places },
	{ "every backend", "memory file truncated under the mapping", memory_cut_short },
	{ "hostile.md", "half a message, and nothing more", half_a_message },
};

const unsigned int public_case_count = sizeof(public_cases) / sizeof(public_cases[0]);
