/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Many frontends of one socket send the dearest messages there are, one behind the other. A
 * frontend of another socket is answered all the same, within a time.
 */
#define _GNU_SOURCE
#include "control.h"

#include <linux/virtio_config.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define GREEDY 16
#define ENTRIES 2000
#define MEMORY (64ull << 20)
#define ANSWER_MS 1500

static struct control_device target, victim;
static _Atomic bool stop;

struct translation {
	uint64_t address, size, frontend;
	uint8_t permission, type, padding[6];
};

static void translate(int socket, uint64_t address, uint32_t flags)
{
	struct translation message = {
		.address = address, .size = 4096, .frontend = 1ull << 40,
		.permission = 3, .type = 2,
	};

	control_send(socket, GUEST_IOTLB_MSG, flags, &message, sizeof(message), NULL, 0);
}

/** All queues, and as many translations as a queue keeps, for each of them. */
static int greedy(int file)
{
	struct {
		uint32_t count, padding;
		uint64_t gpa, size, address, offset;
	} table = { .count = 1, .size = MEMORY, .address = 1ull << 40 };
	uint64_t features = GUEST_DEFAULT_FEATURES | GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM);
	/* What a message costs for each queue is some ten times as much under a sanitizer. */
	uint32_t state[2] = { getenv("SANITIZER") ? 25 : 255, 256 };
	int socket = control_negotiate(&target);

	assert_int_equal(control_ask(socket, GUEST_SET_FEATURES, &features, 8, -1), 0);
	assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, state, 8, -1), 0);
	assert_int_equal(control_ask(socket, GUEST_SET_MEM_TABLE, &table, sizeof(table), file), 0);
	/* With gaps, so that none is joined to the one before. */
	for (uint64_t i = 0; i < ENTRIES; i++)
		translate(socket, (i + 1) << 13, GUEST_FLAG_VERSION);
	assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, state, 8, -1), 0);
	return socket;
}

/** The lowest address: everything behind it moves. */
static void *flood(void *argument)
{
	struct pollfd *entries = argument;

	while (!stop) {
		poll(entries, GREEDY, 10);
		for (int i = 0; i < GREEDY && !stop; i++) {
			static const uint8_t one[12 + 32] = {
				GUEST_IOTLB_MSG, 0, 0, 0, GUEST_FLAG_VERSION, 0, 0, 0, 32,
			};
			struct translation message = {
				.address = 0, .size = 1, .frontend = 1ull << 40, .permission = 3,
				.type = 2,
			};
			uint8_t bytes[sizeof(one)];

			memcpy(bytes, one, sizeof(one));
			memcpy(bytes + 12, &message, sizeof(message));
			if (!(entries[i].revents & POLLOUT))
				continue;
			for (int j = 0; j < 64; j++)
				if (send(entries[i].fd, bytes, sizeof(bytes),
					 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
					break;
		}
	}
	return NULL;
}

static void others_are_answered(void **state)
{
	static struct pollfd entries[GREEDY];
	int64_t worst = 0;
	pthread_t thread;
	int file = memfd_create("greedy", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(file, MEMORY), 0);
	control_listen(&target, "turns-greedy", RTE_VHOST_USER_IOMMU_SUPPORT);
	control_listen(&victim, "turns-victim", 0);
	for (int i = 0; i < GREEDY; i++)
		entries[i] = (struct pollfd){ .fd = greedy(file), .events = POLLOUT };
	pthread_create(&thread, NULL, flood, entries);
	control_sleep_ms(2000);
	for (int i = 0; i < 5; i++) {
		int64_t start = control_now_ms();
		int socket = control_connect(&victim);
		uint64_t value;

		control_send(socket, GUEST_GET_FEATURES, GUEST_FLAG_VERSION, NULL, 0, NULL, 0);
		assert_int_equal(control_reply(socket, &value), 0);
		close(socket);
		start = control_now_ms() - start;
		worst = start > worst ? start : worst;
	}
	stop = true;
	pthread_join(thread, NULL);
	print_message("answered after %lld ms at worst\n", (long long)worst);
	/* The rest of a turn is that much slower, too. */
	assert_in_range(worst, 0, ANSWER_MS * (getenv("SANITIZER") ? 10 : 1));
	for (int i = 0; i < GREEDY; i++)
		close(entries[i].fd);
	close(file);
	control_close(&target);
	control_close(&victim);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(others_are_answered),
};

CONTROL_MAIN_QUIET(240, tests)
