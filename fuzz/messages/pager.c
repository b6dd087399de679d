/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#include "messages.h"

#include <errno.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * The source of a migration: a thread that has a page of zeroes for every fault. It may have one
 * descriptor; handing one over and taking it back waits for the thread.
 */
static int wake, done;
static int watched = -1;
static bool is_used;

static void fetch(int number)
{
	struct uffd_msg message;
	struct uffdio_zeropage zero;

	while (read(number, &message, sizeof(message)) == sizeof(message)) {
		if (message.event != UFFD_EVENT_PAGEFAULT)
			continue;
		zero = (struct uffdio_zeropage){
			.range = { message.arg.pagefault.address & ~0xfffULL, 4096 },
		};
		if (ioctl(number, UFFDIO_ZEROPAGE, &zero) != 0)
			ioctl(number, UFFDIO_WAKE, &zero.range);
	}
}

static void *run(void *unused)
{
	struct pollfd polled[2] = { { .fd = wake, .events = POLLIN }, { .events = POLLIN } };
	uint64_t value;

	(void)unused;
	for (;;) {
		polled[1].fd = __atomic_load_n(&watched, __ATOMIC_ACQUIRE);
		if (poll(polled, 2, -1) < 0)
			continue;
		if (polled[1].revents & POLLIN)
			fetch(polled[1].fd);
		if (polled[0].revents & POLLIN && read(wake, &value, sizeof(value)) > 0) {
			value = 1;
			FUZZ_CHECK(write(done, &value, sizeof(value)) == sizeof(value));
		}
	}
	return NULL;
}

/* The thread looks at `watched` anew. */
static void tell(void)
{
	uint64_t value = 1;

	FUZZ_CHECK(write(wake, &value, sizeof(value)) == sizeof(value));
	/* The fuzzer's own clock interrupts. */
	while (read(done, &value, sizeof(value)) != sizeof(value))
		FUZZ_CHECK(errno == EINTR);
}

void pager_prepare(void)
{
	pthread_t thread;

	wake = eventfd(0, EFD_CLOEXEC);
	done = eventfd(0, EFD_CLOEXEC);
	FUZZ_CHECK(wake >= 0 && done >= 0);
	FUZZ_CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
}

void pager_adopt(int number)
{
	pager_stop();
	is_used = true;
	__atomic_store_n(&watched, number, __ATOMIC_RELEASE);
	tell();
}

void pager_stop(void)
{
	int number = watched;

	if (!is_used)
		return;
	__atomic_store_n(&watched, -1, __ATOMIC_RELEASE);
	/* Once for the thread to stop looking, once more because it may have been about to look. */
	tell();
	tell();
	close(number);
	is_used = false;
}
