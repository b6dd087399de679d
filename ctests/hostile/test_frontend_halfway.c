/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* Row F10: a message that fails half-way leaves nothing behind, and the next one works. */
#define _GNU_SOURCE
#include "front.h"
#include "guest_log.h"

#include <sys/eventfd.h>

#define PAGE 4096

static int event, file;

static void open_all(struct hostile *hostile)
{
	struct bench_config config;

	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	file = front_file(4 * PAGE);
	hostile_config(hostile, &config);
	config.protocol = GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD);
	config.guest.protocol_features |= config.protocol | GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD) |
		GUEST_BIT(GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS) |
		GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ);
	front_open(hostile, &config);
	/* The other end of the backend's channel is the guest's. */
	control_count(&front.before);
}

static void close_all(struct hostile *hostile)
{
	front_close(hostile);
	close(event);
	close(file);
}

/** What a device must be able to do after anything that failed. */
static void next_messages_work(void)
{
	struct guest *guest = front.target->guest;
	uint64_t value = 0;

	assert_int_equal(guest_get_features(front_frontend(), &value), 0);
	assert_int_equal(value, guest->offered);
	assert_int_equal(guest_set_features(front_frontend(), guest->features), 0);
	assert_int_equal(guest_set_vring_call(front_frontend(), TX, front.target->tx->call_fd), 0);
	assert_int_equal(guest_set_vring_enable(front_frontend(), RX, true), 0);
	front_load();
	front_check();
}

/** Three good regions, and one whose file is too short, or that overlaps, or is in no memory. */
static void tables(int kind)
{
	struct guest_mem_table table = { .count = 4 };
	int fds[4], ret;

	for (uint64_t i = 0; i < 4; i++) {
		fds[i] = front_file(PAGE);
		table.regions[i] = (struct guest_wire_region){
			.gpa = i * PAGE, .size = PAGE, .user_addr = i * PAGE };
	}
	if (kind == 0)
		table.regions[3].size = 2 * PAGE;
	else if (kind == 1)
		table.regions[3].gpa = 2 * PAGE;
	else
		table.regions[3].mmap_offset = UINT64_MAX - PAGE + 1;
	ret = guest_set_mem_table(front_frontend(), &table, fds);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	assert_int_equal(ret, -EREMOTEIO);
}

static void F10_tables_that_end_badly(struct hostile *hostile)
{
	open_all(hostile);
	for (uint32_t i = 0; i < front_times(10000, 60); i++) {
		front_load();
		tables((int)(i % 3));
		/* The old memory is there, and packets in flight went on in it. */
		next_messages_work();
	}
	front_settle();
	control_assert_flat(&front.before);
	close_all(hostile);
}

/** Region that overlaps one that is there; nobody's; and one that is not there, to be removed. */
static void slots(void)
{
	const struct guest_region *own = &front.target->guest->memory.regions[0];
	struct guest_wire_region over = { own->gpa + PAGE, PAGE, 1ULL << 45, 0 };
	struct guest_wire_region shorter = { 1ULL << 44, 16 * PAGE, 1ULL << 45, 0 };
	struct guest_wire_region other = { 1ULL << 44, PAGE, 1ULL << 45, 0 };

	assert_int_equal(guest_add_mem_reg(front_frontend(), &over, file), -EREMOTEIO);
	assert_int_equal(guest_add_mem_reg(front_frontend(), &shorter, file), -EREMOTEIO);
	assert_int_equal(guest_rem_mem_reg(front_frontend(), &other), -EREMOTEIO);
	next_messages_work();
	/* And the same once it is right, twice. */
	assert_int_equal(guest_add_mem_reg(front_frontend(), &other, file), 0);
	assert_int_equal(guest_add_mem_reg(front_frontend(), &other, file), 0);
	assert_int_equal(guest_rem_mem_reg(front_frontend(), &other), 0);
	assert_int_equal(guest_rem_mem_reg(front_frontend(), &other), 0);
	assert_int_equal(guest_rem_mem_reg(front_frontend(), &other), -EREMOTEIO);
}

static void F10_slots_that_cannot_be(struct hostile *hostile)
{
	open_all(hostile);
	for (int i = 0; i < 10; i++) {
		front_load();
		slots();
		next_messages_work();
	}
	front_settle();
	control_assert_flat(&front.before);
	close_all(hostile);
}

/** Messages that fail after something of them was looked at, made, or taken. */
static void F10_each_kind_of_failure(struct hostile *hostile)
{
	struct guest_vring_addr good, bad;
	struct guest_inflight_area area = { 1 << 20, 0, 2, 256, 0 };
	uint64_t queue = TX, none = GUEST_VRING_NOFD | TX, bits = UINT64_MAX, log[2] = { 16, 0 };
	struct vhost_iotlb_msg iotlb = { .size = PAGE, .perm = 3, .type = VHOST_IOTLB_UPDATE };

	open_all(hostile);
	guest_ring_addr(front.target->tx, &good);
	for (int i = 0; i < 6; i++) {
		const struct {
			uint32_t request;
			const void *payload;
			uint32_t size;
			int fd;
		} wrong[] = {
			{ GUEST_SET_VRING_ADDR, &bad, 40, -1 },
			{ GUEST_SET_VRING_KICK, &queue, 8, file },
			{ GUEST_SET_VRING_CALL, &queue, 8, file },
			{ GUEST_SET_VRING_ERR, &queue, 8, file },
			{ GUEST_SET_LOG_BASE, log, 16, file },
			{ GUEST_SET_LOG_FD, NULL, 0, file },
			{ GUEST_SET_INFLIGHT_FD, &area, 24, file },
			{ GUEST_SET_BACKEND_REQ_FD, NULL, 0, event },
			{ GUEST_IOTLB_MSG, &iotlb, 32, -1 },
			{ GUEST_SET_FEATURES, &bits, 8, -1 },
			{ GUEST_SET_PROTOCOL_FEATURES, &bits, 8, -1 },
			{ GUEST_SET_VRING_ENABLE, (uint32_t[]){ TX, 2 }, 8, -1 },
			{ GUEST_SET_VRING_BASE, (uint32_t[]){ TX, 5 }, 8, -1 },
			{ GUEST_SET_STATUS, &bits, 8, -1 },
			{ GUEST_NET_SET_MTU, &bits, 8, -1 },
			{ GUEST_POSTCOPY_END, NULL, 0, -1 },
		};

		for (size_t j = 0; j < HOSTILE_COUNT(wrong); j++) {
			bad = good;
			bad.used += i % 2 ? 1 : 1ULL << 40;
			front_load();
			front_refused(wrong[j].request, wrong[j].payload, wrong[j].size,
				      wrong[j].fd);
			if (wrong[j].request == GUEST_SET_VRING_ADDR)
				assert_int_equal(guest_set_vring_addr(front_frontend(), &good), 0);
			next_messages_work();
		}
		/* A refused kick took nothing away; one that says "none" is not refused. */
		assert_int_equal(front_ask(GUEST_SET_VRING_KICK, &none, 8, -1), 0);
		assert_int_equal(guest_set_vring_kick(front_frontend(), TX,
						      front.target->tx->kick_fd), 0);
	}
	close_all(hostile);
}

/*
 * An engine that holds its copies: the message waits for a second, fails, and takes nothing away;
 * when the engine goes on, so do the packets and the next message of the same kind.
 */
static void F10_an_engine_that_holds_on(struct hostile *hostile)
{
	struct bench *bench;

	open_all(hostile);
	bench = front.target;
	front_load();
	for (int queue = RX; queue <= TX && hostile->async; queue++)
		bench->engines[queue].slow = 0;
	if (hostile->async) {
		uint32_t held = engine_held(&bench->engines[TX]);
		struct guest_vring_addr addr;

		guest_ring_addr(bench->tx, &addr);
		addr.used += 64;
		assert_true(held > 0);
		assert_int_equal(guest_send_memory(bench->guest), -EREMOTEIO);
		assert_int_equal(guest_set_vring_enable(front_frontend(), TX, false), -EREMOTEIO);
		assert_int_equal(guest_set_vring_addr(front_frontend(), &addr), -EREMOTEIO);
		front_refused(GUEST_GET_VRING_BASE, (uint32_t[]){ TX, 0 }, 8, -1);
		hostile_check_innocent(hostile);
		assert_int_equal(engine_held(&bench->engines[TX]), held);
		for (int queue = RX; queue <= TX; queue++)
			engine_finish(&bench->engines[queue], ENGINE_ALL);
	}
	assert_int_equal(guest_send_memory(bench->guest), 0);
	assert_int_equal(guest_set_vring_enable(front_frontend(), TX, true), 0);
	front_learn();
	for (int queue = RX; queue <= TX; queue++)
		bench->engines[queue].slow = 3;
	front_settle();
	front_stop_rings();
	front_start_rings();
	close_all(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(F10_tables_that_end_badly),
	HOSTILE_TEST(F10_slots_that_cannot_be),
	HOSTILE_TEST(F10_each_kind_of_failure),
	HOSTILE_TEST(F10_an_engine_that_holds_on),
};

HOSTILE_MAIN(front_times(3600, 300), tests)
