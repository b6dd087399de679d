/* SPDX-License-Identifier: BSD-3-Clause */

/* Memory by slots: GET_MAX_MEM_SLOTS, ADD_MEM_REG, REM_MEM_REG; and tables that change live. */
#define _GNU_SOURCE
#include "control.h"

#include <sys/mman.h>

#define SLOTS 509
#define PAGE 4096
#define SPARE_GPA (1ULL << 40)
#define SPARE_USER (1ULL << 44)

static struct control_stage stage;

/** A connection that negotiated slots. */
static int negotiate(const struct control_device *device)
{
	uint64_t protocol = GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) |
		GUEST_BIT(GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS);
	int socket = control_negotiate(device);

	assert_int_equal(control_send(socket, GUEST_SET_PROTOCOL_FEATURES, GUEST_FLAG_VERSION,
				      &protocol, 8, NULL, 0), 0);
	return socket;
}

static struct guest_mem_single spare(uint64_t number)
{
	struct guest_mem_single single = { .region = {
		.gpa = SPARE_GPA + number * 2 * PAGE,
		.size = PAGE,
		.user_addr = SPARE_USER + number * 2 * PAGE,
	} };

	return single;
}

static int page_file(void)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	assert_int_equal(ftruncate(fd, PAGE), 0);
	return fd;
}

static int add(int socket, const struct guest_mem_single *single, int fd)
{
	return control_ask(socket, GUEST_ADD_MEM_REG, single, sizeof(*single), fd);
}

static int remove_region(int socket, const struct guest_mem_single *single, int fd)
{
	return control_ask(socket, GUEST_REM_MEM_REG, single, sizeof(*single), fd);
}

static void slots_need_negotiation(void **state)
{
	struct guest_mem_single single = spare(0);
	int fd, socket;

	(void)state;
	control_stage_begin(&stage, "unnegotiated");
	fd = page_file();
	socket = control_negotiate(&stage.target);
	assert_int_equal(control_ask(socket, GUEST_GET_MAX_MEM_SLOTS, NULL, 0, -1), 1);
	assert_int_equal(add(socket, &single, fd), 1);
	assert_int_equal(remove_region(socket, &single, -1), 1);
	close(socket);
	close(fd);
	control_stage_end(&stage);
}

static void the_510th_region_is_refused(void **state)
{
	int fd, socket;
	struct guest_mem_single single;
	uint64_t count = 0;

	(void)state;
	control_stage_begin(&stage, "many");
	fd = page_file();
	socket = negotiate(&stage.target);
	control_send(socket, GUEST_GET_MAX_MEM_SLOTS, 1, NULL, 0, NULL, 0);
	assert_int_equal(control_reply(socket, &count), 0);
	assert_int_equal(count, SLOTS);
	for (int round = 0; round < 2; round++) {
		/* In no order. */
		for (uint64_t i = 0; i < SLOTS; i++) {
			single = spare(i * 200 % SLOTS);
			assert_int_equal(add(socket, &single, fd), 0);
		}
		single = spare(SLOTS);
		assert_int_equal(add(socket, &single, fd), 1);
		for (uint64_t i = 0; i < SLOTS; i++) {
			single = spare(i * 100 % SLOTS);
			assert_int_equal(remove_region(socket, &single, i % 2 ? fd : -1), 0);
			assert_int_equal(remove_region(socket, &single, -1), 1);
		}
	}
	/* Full, and gone. */
	for (uint64_t i = 0; i < SLOTS; i++) {
		single = spare(i);
		assert_int_equal(add(socket, &single, fd), 0);
	}
	close(socket);
	close(fd);
	control_stage_end(&stage);
}

static void bad_regions_are_refused(void **state)
{
	struct guest_mem_single good = spare(10), bad;
	int fd, fds[2], other, socket;

	(void)state;
	control_stage_begin(&stage, "bad");
	fds[0] = fds[1] = fd = page_file();
	other = page_file();
	socket = negotiate(&stage.target);
	assert_int_equal(add(socket, &good, fd), 0);
	/* The same place again in another file, and with another address of the frontend's. */
	assert_int_equal(add(socket, &good, other), 1);
	close(other);
	bad = good;
	bad.region.user_addr += PAGE;
	assert_int_equal(add(socket, &bad, fd), 1);
	/* Its start, its end, around it. */
	for (int64_t shift = -2048; shift <= 2048; shift += 1024) {
		bad = good;
		bad.region.gpa += (uint64_t)shift;
		bad.region.user_addr += 1 << 20;
		assert_int_equal(add(socket, &bad, fd), 1);
	}
	/* Beside it is fine. */
	bad = good;
	bad.region.gpa -= PAGE;
	assert_int_equal(add(socket, &bad, fd), 0);
	bad.region.gpa += 2 * PAGE;
	assert_int_equal(add(socket, &bad, fd), 0);
	/* Sizes that no file has, sums that wrap. */
	for (int i = 0; i < 5; i++) {
		bad = spare(20);
		if (i == 0)
			bad.region.size = 0;
		if (i == 1)
			bad.region.size = 2 * PAGE;
		if (i == 2)
			bad.region.mmap_offset = UINT64_MAX;
		if (i == 3)
			bad.region.gpa = UINT64_MAX - 100;
		if (i == 4)
			bad.region.user_addr = UINT64_MAX - 100;
		assert_int_equal(add(socket, &bad, fd), 1);
	}
	close(socket);
	/* Descriptors: exactly one, and at most one. */
	for (unsigned int count = 0; count <= 2; count += 2) {
		socket = negotiate(&stage.target);
		control_send(socket, GUEST_ADD_MEM_REG, 9, &good, sizeof(good), fds, count);
		assert_true(control_hangs_up(socket));
		close(socket);
	}
	socket = negotiate(&stage.target);
	control_send(socket, GUEST_REM_MEM_REG, 9, &good, sizeof(good), fds, 2);
	assert_true(control_hangs_up(socket));
	close(socket);
	close(fd);
	control_stage_end(&stage);
}

static void only_what_is_there_is_removed(void **state)
{
	struct guest_mem_single good = spare(10), bad;
	int fd, socket;

	(void)state;
	control_stage_begin(&stage, "removed");
	fd = page_file();
	socket = negotiate(&stage.target);
	assert_int_equal(add(socket, &good, fd), 0);
	/* What is not there in just this way is not removed; the offset says nothing. */
	for (int i = 0; i < 4; i++) {
		bad = good;
		if (i == 0)
			bad.region.gpa += PAGE / 2;
		if (i == 1)
			bad.region.user_addr++;
		if (i == 2)
			bad.region.size--;
		if (i == 3)
			bad = spare(11);
		assert_int_equal(remove_region(socket, &bad, -1), 1);
	}
	bad = good;
	bad.region.mmap_offset = 77;
	assert_int_equal(remove_region(socket, &bad, -1), 0);
	assert_int_equal(remove_region(socket, &good, -1), 1);
	close(socket);
	close(fd);
	control_stage_end(&stage);
}

/* QEMU before 8.1 sends ADD_MEM_REG and REM_MEM_REG for each pair of queues. */
static void a_region_stays_until_removed_as_often_as_added(void **state)
{
	struct guest_mem_single single = spare(10);
	int fd, socket;

	(void)state;
	control_stage_begin(&stage, "again");
	fd = page_file();
	socket = negotiate(&stage.target);
	for (int round = 1; round <= 8; round++) {
		for (int i = 0; i < round; i++)
			assert_int_equal(add(socket, &single, fd), 0);
		for (int i = 0; i < round; i++) {
			/* While it is there, nothing else has room. */
			single.region.user_addr += PAGE;
			assert_int_equal(add(socket, &single, fd), 1);
			single.region.user_addr -= PAGE;
			assert_int_equal(remove_region(socket, &single, -1), 0);
		}
		assert_int_equal(remove_region(socket, &single, -1), 1);
	}
	close(socket);
	close(fd);
	control_stage_end(&stage);
}

static void open_slots(struct control_device *device, const char *name)
{
	struct guest_config config;

	control_listen(device, name, 0);
	control_config(&config, device);
	config.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS);
	config.region_count = 8;
	control_attach(device, &config);
}

static void exchange(struct control_device *device, uint64_t *sequence, int count)
{
	for (int i = 0; i < count; i++) {
		control_send_good(device, (*sequence)++);
		control_receive_good(device, (*sequence)++);
	}
}

static void packets_pass_with_many_regions(void **state)
{
	struct rte_vhost_memory *memory;
	struct control_device device;
	uint64_t sequence = 0;
	int fd = page_file();

	(void)state;
	open_slots(&device, "pass");
	exchange(&device, &sequence, 200);
	for (uint64_t total = 8; total < SLOTS; total += 167) {
		for (uint64_t i = total - 8; i < total + 167 - 8; i++) {
			struct guest_mem_single single = spare(i);

			assert_int_equal(guest_add_mem_reg(&device.guest->frontend,
							   &single.region, fd), 0);
		}
		exchange(&device, &sequence, 200);
	}
	assert_int_equal(rte_vhost_get_mem_table(device.vid, &memory), 0);
	assert_int_equal(memory->nregions, SLOTS);
	for (uint32_t i = 0; i + 1 < SLOTS; i++)
		assert_true(memory->regions[i].guest_phys_addr + memory->regions[i].size <=
			    memory->regions[i + 1].guest_phys_addr);
	free(memory);
	assert_int_equal(guest_complaints(device.guest), 0);
	close(fd);
	control_close(&device);
}

static int region_of(const struct guest *guest, uint64_t gpa)
{
	for (unsigned int i = 0; i < guest->memory.count; i++)
		if (gpa - guest->memory.regions[i].gpa < guest->memory.regions[i].size)
			return (int)i;
	return -1;
}

/** A region of a guest as the messages say it. */
static struct guest_wire_region wire_region(const struct guest *guest, int index, int *fd)
{
	int fds[GUEST_WIRE_FDS];
	struct guest_mem_table table;

	guest_describe_memory(guest, &table, fds);
	*fd = fds[index];
	return table.regions[index];
}

/* A ring in a region that goes stops; it goes on when the region is back, without a new address. */
static void rings_stop_with_their_region(void **state)
{
	struct control_device device;
	struct guest_wire_region region;
	struct guest_vring_addr addr;
	struct rte_vhost_vring ring;
	uint64_t sequence = 0;
	int fd, index;

	(void)state;
	open_slots(&device, "stop");
	guest_ring_addr(guest_tx_queue(device.guest, 0), &addr);
	index = region_of(device.guest,
			  guest_memory_gpa(&device.guest->memory,
					   (void *)(uintptr_t)addr.descriptors));
	if (index < 0)
		index = 0;
	region = wire_region(device.guest, index, &fd);
	for (int round = 0; round < 5; round++) {
		struct rte_mbuf *mbuf;

		exchange(&device, &sequence, 20);
		/* Added once more and taken back: nothing stops. */
		assert_int_equal(guest_add_mem_reg(&device.guest->frontend, &region, fd), 0);
		assert_int_equal(guest_rem_mem_reg(&device.guest->frontend, &region), 0);
		exchange(&device, &sequence, 20);
		assert_int_equal(guest_rem_mem_reg(&device.guest->frontend, &region), 0);
		assert_int_equal(rte_vhost_get_vhost_vring(device.vid, 1, &ring), 0);
		assert_null(ring.desc);
		assert_int_equal(rte_vhost_dequeue_burst(device.vid, 1, control_pool(), &mbuf, 1),
				 0);
		assert_int_equal(guest_add_mem_reg(&device.guest->frontend, &region, fd), 0);
		assert_int_equal(rte_vhost_get_vhost_vring(device.vid, 1, &ring), 0);
		assert_non_null(ring.desc);
	}
	exchange(&device, &sequence, 20);
	assert_int_equal(guest_complaints(device.guest), 0);
	control_close(&device);
}

/* Regions come and go while packets pass on another thread: none is lost. */
static void regions_change_under_traffic(void **state)
{
	struct control_echo echo;
	int fd = page_file();

	(void)state;
	control_echo_start(&echo, "traffic");
	assert_int_equal(guest_set_protocol_features(
		&echo.device.guest->frontend, echo.device.guest->protocol_features |
		GUEST_BIT(GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS)), 0);
	for (uint64_t i = 0; i < 300; i++) {
		struct guest_mem_single single = spare(i);

		assert_int_equal(guest_add_mem_reg(&echo.device.guest->frontend, &single.region,
						   fd), 0);
		control_echo_check(&echo, 20);
		if (i % 3 == 0)
			assert_int_equal(guest_rem_mem_reg(&echo.device.guest->frontend,
							   &single.region), 0);
		if (i % 50 == 49)
			assert_int_equal(guest_send_memory(echo.device.guest), 0);
		control_echo_check(&echo, 20);
	}
	close(fd);
	control_echo_stop(&echo);
	control_assert_pool();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(slots_need_negotiation),
	cmocka_unit_test(the_510th_region_is_refused),
	cmocka_unit_test(bad_regions_are_refused),
	cmocka_unit_test(only_what_is_there_is_removed),
	cmocka_unit_test(a_region_stays_until_removed_as_often_as_added),
	cmocka_unit_test(packets_pass_with_many_regions),
	cmocka_unit_test(rings_stop_with_their_region),
	cmocka_unit_test(regions_change_under_traffic),
};

CONTROL_MAIN_QUIET(300, tests)
