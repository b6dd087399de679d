/* SPDX-License-Identifier: BSD-3-Clause */

/* Postcopy migration: the guest runs here before its memory is all here. */
#define _GNU_SOURCE
#include "control.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define PAGE 4096
#define FRAMES 60

/** Who has the pages: the source of the migration. */
struct source {
	pthread_t thread;
	bool stop;
	int faults_fd;			/**< The backend's userfaultfd. */
	unsigned int count;
	_Atomic unsigned int faults;
	struct guest_region *regions[GUEST_MAX_REGIONS];
	uint64_t bases[GUEST_MAX_REGIONS]; /**< Where the backend has them. */
	uint8_t *saved[GUEST_MAX_REGIONS];
};

/** Put a page where all processes find it, from what was saved. */
static void place(struct source *source, unsigned int region, uint64_t offset)
{
	assert_int_equal(pwrite(source->regions[region]->fd, source->saved[region] + offset, PAGE,
				(off_t)(source->regions[region]->file_offset + offset)), PAGE);
}

static void serve_fault(struct source *source, uint64_t address)
{
	struct uffdio_range range = { .start = address & ~(uint64_t)(PAGE - 1), .len = PAGE };

	for (unsigned int i = 0; i < source->count; i++)
		if (range.start - source->bases[i] < source->regions[i]->size)
			place(source, i, range.start - source->bases[i]);
	source->faults++;
	ioctl(source->faults_fd, UFFDIO_WAKE, &range);
}

static void *serve(void *argument)
{
	struct source *source = argument;

	while (!__atomic_load_n(&source->stop, __ATOMIC_ACQUIRE)) {
		struct pollfd poller = { .fd = source->faults_fd, .events = POLLIN };
		struct uffd_msg message;

		if (poll(&poller, 1, 10) > 0 &&
		    read(source->faults_fd, &message, sizeof(message)) == sizeof(message) &&
		    message.event == UFFD_EVENT_PAGEFAULT)
			serve_fault(source, message.arg.pagefault.address);
	}
	return NULL;
}

/** The guest leaves its host: frames wait in its transmit ring. */
static void leave(struct control_device *device)
{
	struct guest_queue *queue = guest_tx_queue(device->guest, 0);
	static const struct guest_shape shape;
	uint8_t frame[1000];
	int from = control_events();

	for (uint64_t i = 0; i < FRAMES; i++) {
		control_frame(frame, sizeof(frame), 1000 + i);
		assert_int_equal(guest_tx(queue, frame, sizeof(frame), &shape), 0);
	}
	guest_submit(queue);
	guest_disconnect(device->guest);
	assert_true(control_wait_event(from, CONTROL_DESTROY_CONNECTION, device->vid) >= 0);
}

/** It arrives: SET_MEM_TABLE, its answer with addresses, the confirmation. */
static void arrive(struct control_device *device, struct source *source, bool is_served)
{
	struct guest_frontend *frontend = &device->guest->frontend;
	int fds[GUEST_WIRE_FDS], socket;
	struct guest_mem_table table;
	struct guest_message reply;
	uint64_t zero = 0;

	memset(source, 0, sizeof(*source));
	assert_int_equal(guest_connect(device->guest), 0);
	socket = frontend->socket;
	assert_int_equal(guest_postcopy_advise(frontend, &source->faults_fd), 0);
	assert_true(source->faults_fd >= 0);
	assert_int_equal(guest_postcopy_listen(frontend), 0);
	assert_int_equal(guest_set_features(frontend, device->guest->features), 0);
	guest_describe_memory(device->guest, &table, fds);
	assert_int_equal(control_send(socket, GUEST_SET_MEM_TABLE, 9, &table,
				      8 + 32 * table.count, fds, table.count), 0);
	assert_int_equal(guest_receive(socket, &reply, CONTROL_PATIENCE_MS), 0);
	assert_int_equal(reply.request, GUEST_SET_MEM_TABLE);
	assert_int_equal(reply.size, 8 + 32 * table.count);
	assert_int_equal(reply.payload.table.count, table.count);
	source->count = table.count;
	for (uint32_t i = 0; i < table.count; i++) {
		struct guest_region *region = &device->guest->memory.regions[i];

		assert_int_equal(reply.payload.table.regions[i].gpa, table.regions[i].gpa);
		source->regions[i] = region;
		source->bases[i] = reply.payload.table.regions[i].user_addr;
		source->saved[i] = malloc(region->size);
		memcpy(source->saved[i], region->host, region->size);
		assert_int_equal(fallocate(region->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					   (off_t)region->file_offset, (off_t)region->size), 0);
	}
	if (is_served)
		assert_int_equal(pthread_create(&source->thread, NULL, serve, source), 0);
	assert_int_equal(control_send(socket, GUEST_SET_MEM_TABLE, 9, &zero, 8, NULL, 0), 0);
}

static void forget(struct source *source)
{
	close(source->faults_fd);
	for (unsigned int i = 0; i < source->count; i++)
		free(source->saved[i]);
}

static void open_device(struct control_device *device, const char *name)
{
	struct guest_config config;

	control_listen(device, name, RTE_VHOST_USER_POSTCOPY_SUPPORT);
	control_config(&config, device);
	config.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_PAGEFAULT);
	config.region_count = 3;
	control_attach(device, &config);
}

static void packets_arrive_while_pages_do(void **state)
{
	struct rte_mbuf *mbufs[FRAMES];
	struct control_device device;
	struct guest_frontend *frontend;
	struct source source;
	uint64_t value = 9;
	uint16_t got = 0;
	int from;

	(void)state;
	open_device(&device, "pages");
	control_send_good(&device, 1);
	control_receive_good(&device, 2);
	leave(&device);
	arrive(&device, &source, true);
	frontend = &device.guest->frontend;
	from = control_events();
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(guest_send_ring(device.guest, i), 0);
	assert_int_equal(guest_enable_pair(device.guest, 0, true), 0);
	assert_int_equal(guest_set_status(frontend, 15), 0);
	from = control_wait_event(from, CONTROL_NEW_DEVICE, -1);
	assert_true(from >= 0);
	device.vid = control_event(from).vid;
	device.guest->started = true;
	/* Rings and buffers are not there: each is fetched when it is touched. */
	while (got < FRAMES) {
		uint16_t more = rte_vhost_dequeue_burst(device.vid, 1, control_pool(), mbufs + got,
							(uint16_t)(FRAMES - got));
		assert_true(more > 0);
		got += more;
	}
	for (uint64_t i = 0; i < FRAMES; i++)
		control_assert_frame(rte_pktmbuf_mtod(mbufs[i], uint8_t *), 1000, 1000 + i);
	rte_pktmbuf_free_bulk(mbufs, FRAMES);
	assert_in_range(source.faults, FRAMES / 4, 100000);
	/* The rest comes without being asked for; what is there by now was written since. */
	for (unsigned int i = 0; i < source.count; i++)
		for (uint64_t at = 0; at < source.regions[i]->size; at += PAGE) {
			unsigned char present = 0;

			mincore(source.regions[i]->host + at, PAGE, &present);
			if (!(present & 1))
				place(&source, i, at);
		}
	assert_int_equal(guest_postcopy_end(frontend, &value), 0);
	assert_int_equal(value, 0);
	__atomic_store_n(&source.stop, true, __ATOMIC_RELEASE);
	pthread_join(source.thread, NULL);
	guest_tx_reap(guest_tx_queue(device.guest, 0));
	control_send_good(&device, 3);
	control_receive_good(&device, 4);
	assert_int_equal(guest_complaints(device.guest), 0);
	forget(&source);
	control_close(&device);
	control_assert_pool();
}

/* A source that never sends a page loses its device, and nobody else does. */
static void pages_that_never_come_end_the_device(void **state)
{
	struct control_device device;
	struct control_echo echo;
	struct source source;
	int64_t start;
	int socket;

	(void)state;
	control_echo_start(&echo, "others");
	open_device(&device, "never");
	leave(&device);
	arrive(&device, &source, false);
	socket = device.guest->frontend.socket;
	start = control_now_ms();
	/* The event thread touches the ring in the first of these. */
	for (uint32_t i = 0; i < 2 && guest_send_ring(device.guest, i) == 0; i++)
		;
	assert_true(control_hangs_up(socket));
	assert_true(control_now_ms() - start < CONTROL_PATIENCE_MS);
	control_echo_check(&echo, 200);
	forget(&source);
	guest_destroy(device.guest);
	assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
	control_echo_stop(&echo);
}

/* Hanging up with pages missing and a burst waiting for one. */
static void *dequeue(void *argument)
{
	struct rte_mbuf *mbufs[FRAMES];
	uint16_t got = rte_vhost_dequeue_burst(*(int *)argument, 1, control_pool(), mbufs, FRAMES);

	rte_pktmbuf_free_bulk(mbufs, got);
	return NULL;
}

static void hanging_up_wakes_those_who_wait(void **state)
{
	struct control_device device;
	struct source source;
	pthread_t thread;
	int from, vid;
	int64_t start;

	(void)state;
	open_device(&device, "hangup");
	leave(&device);
	arrive(&device, &source, true);
	from = control_events();
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(guest_send_ring(device.guest, i), 0);
	assert_int_equal(guest_enable_pair(device.guest, 0, true), 0);
	assert_int_equal(guest_set_status(&device.guest->frontend, 15), 0);
	from = control_wait_event(from, CONTROL_NEW_DEVICE, -1);
	assert_true(from >= 0);
	vid = control_event(from).vid;
	__atomic_store_n(&source.stop, true, __ATOMIC_RELEASE);
	pthread_join(source.thread, NULL);
	assert_int_equal(pthread_create(&thread, NULL, dequeue, &vid), 0);
	control_sleep_ms(200);
	start = control_now_ms();
	guest_disconnect(device.guest);
	pthread_join(thread, NULL);
	assert_true(control_now_ms() - start < 5000);
	assert_true(control_wait_event(from, CONTROL_DESTROY_CONNECTION, vid) >= 0);
	forget(&source);
	guest_destroy(device.guest);
	assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
	control_assert_pool();
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(packets_arrive_while_pages_do),
	cmocka_unit_test(pages_that_never_come_end_the_device),
	cmocka_unit_test(hanging_up_wakes_those_who_wait),
};

CONTROL_MAIN_QUIET(200, tests)
