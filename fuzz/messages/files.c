/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#include "messages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Descriptors of each kind, made once: making them anew would take most of an input's time. */
static int numbers[FILE_KINDS];
static const uint8_t margin[MARGIN_BYTES] = { [0 ... MARGIN_BYTES - 1] = 0xa5 };
/* What guests, and this file, see of FILE_MEMORY; nobody cuts it short. */
static uint8_t *memory;
static int inflight_kept = -1;

static const uint8_t page[4096] = { [0 ... 4095] = 0x5a };

static int make_file(const char *name, uint64_t size, unsigned int seals)
{
	int number = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	FUZZ_CHECK(number >= 0 && ftruncate(number, (off_t)size) == 0);
	if (seals != 0)
		FUZZ_CHECK(fcntl(number, F_ADD_SEALS, seals) == 0);
	return number;
}

static int reopen(int number, int flags)
{
	char path[64];
	int result;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", number);
	result = open(path, flags | O_CLOEXEC);
	FUZZ_CHECK(result >= 0);
	return result;
}

static void fill_margins(void)
{
	memcpy(memory, margin, MARGIN_BYTES);
	memcpy(memory + MARGIN_BYTES + MEMORY_BYTES, margin, MARGIN_BYTES);
}

void files_prepare(void)
{
	int ends[2];

	numbers[FILE_MEMORY] = make_file("memory", FILE_BYTES, 0);
	memory = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
		numbers[FILE_MEMORY], 0);
	FUZZ_CHECK(memory != MAP_FAILED);
	fill_margins();
	numbers[FILE_BRITTLE] = make_file("brittle", FILE_BYTES, 0);
	numbers[FILE_EVENT] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	numbers[FILE_LOG] = make_file("log", 0x10000, 0);
	numbers[FILE_INFLIGHT] = make_file("inflight", 0x10000, 0);
	numbers[FILE_CHANNEL] = -1;
	numbers[FILE_PAGE] = make_file("page", 4096, 0);
	FUZZ_CHECK(pwrite(numbers[FILE_PAGE], page, sizeof(page), 0) == sizeof(page));
	numbers[FILE_EMPTY] = make_file("empty", 0, 0);
	numbers[FILE_SEALED] = make_file("sealed", FILE_BYTES,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	numbers[FILE_UNWRITABLE] = make_file("unwritable", FILE_BYTES, F_SEAL_WRITE);
	numbers[FILE_READ_ONLY] = make_file("read-only", 0, 0);
	FUZZ_CHECK(write(numbers[FILE_READ_ONLY], page, sizeof(page)) == sizeof(page));
	ends[0] = numbers[FILE_READ_ONLY];
	numbers[FILE_READ_ONLY] = reopen(ends[0], O_RDONLY);
	close(ends[0]);
	numbers[FILE_BLOCKING_EVENT] = eventfd(0, EFD_CLOEXEC);
	numbers[FILE_SEMAPHORE] = eventfd(3, EFD_CLOEXEC | EFD_SEMAPHORE | EFD_NONBLOCK);
	FUZZ_CHECK(pipe2(ends, O_CLOEXEC) == 0);
	numbers[FILE_PIPE_OUT] = ends[0];
	numbers[FILE_PIPE_IN] = ends[1];
	numbers[FILE_DATAGRAM] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	numbers[FILE_DIRECTORY] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	numbers[FILE_EPOLL] = epoll_create1(EPOLL_CLOEXEC);
	numbers[FILE_TIMER] = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	numbers[FILE_NULL] = open("/dev/null", O_RDWR | O_CLOEXEC);
	numbers[FILE_PATH] = reopen(numbers[FILE_PAGE], O_PATH);
	numbers[FILE_TCP] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	numbers[FILE_ZERO] = open("/dev/zero", O_RDWR | O_CLOEXEC);
	/* Nothing is written to most of it: it takes no memory. */
	numbers[FILE_HUGE] = make_file("huge", 1ULL << 40, 0);
}

int files_number(enum file_kind kind, struct attack *attack)
{
	int ends[2];

	if (kind == FILE_INFLIGHT && inflight_kept >= 0)
		return inflight_kept;
	if (kind != FILE_CHANNEL)
		return numbers[kind];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		return numbers[FILE_EVENT];
	if (numbers[FILE_CHANNEL] >= 0)
		close(numbers[FILE_CHANNEL]);
	numbers[FILE_CHANNEL] = ends[1];
	if (attack->channel >= 0)
		close(attack->channel);
	attack->channel = ends[0];
	return ends[1];
}

void files_keep_inflight(int number)
{
	if (inflight_kept >= 0)
		close(inflight_kept);
	inflight_kept = number;
}

void files_write(enum file_kind kind, uint64_t offset, const void *bytes, size_t count)
{
	if (kind == FILE_MEMORY) {
		if (offset <= FILE_BYTES && count <= FILE_BYTES - offset)
			memcpy(memory + offset, bytes, count);
		return;
	}
	/* Where it was cut short it grows again, as a frontend could have it. */
	if (offset <= FILE_BYTES && count <= FILE_BYTES - offset)
		FUZZ_CHECK(pwrite(numbers[kind], bytes, count, (off_t)offset) == (ssize_t)count);
}

/* What an earlier backend may have left in the record of chains in flight. */
void files_write_inflight(uint64_t offset, uint64_t value, size_t count)
{
	int number = inflight_kept >= 0 ? inflight_kept : numbers[FILE_INFLIGHT];

	/* One of the library's own cannot grow. */
	FUZZ_CHECK(pwrite(number, &value, count, (off_t)offset) >= 0 || errno == EPERM);
}

void files_truncate(enum file_kind kind, uint64_t size)
{
	FUZZ_CHECK(ftruncate(numbers[kind], (off_t)size) == 0);
}

static void empty_event(int number)
{
	uint64_t value;

	/* Only when it would not wait. */
	if (fcntl(number, F_GETFL) & O_NONBLOCK)
		while (read(number, &value, sizeof(value)) == sizeof(value))
			;
}

/* Nothing that came in an input may be there in the next: it would not be found again. */
bool files_reset(bool is_margin_shared)
{
	uint8_t bytes[4096];
	bool result = true;

	if (!is_margin_shared)
		result = memcmp(memory, margin, MARGIN_BYTES) == 0 &&
			memcmp(memory + MARGIN_BYTES + MEMORY_BYTES, margin, MARGIN_BYTES) == 0;
	else
		fill_margins();
	memset(memory + MARGIN_BYTES, 0, MEMORY_BYTES);
	/* Nobody can map it to write: it is what it was. */
	result = result &&
		pread(numbers[FILE_READ_ONLY], bytes, sizeof(bytes), 0) == sizeof(bytes) &&
		memcmp(bytes, page, sizeof(page)) == 0;
	if (ftruncate(numbers[FILE_LOG], 0) != 0 || ftruncate(numbers[FILE_LOG], 0x10000) != 0 ||
			ftruncate(numbers[FILE_INFLIGHT], 0) != 0 ||
			ftruncate(numbers[FILE_INFLIGHT], 0x10000) != 0)
		fuzz_fail("ftruncate");
	if (ftruncate(numbers[FILE_BRITTLE], 0) != 0 ||
			ftruncate(numbers[FILE_BRITTLE], FILE_BYTES) != 0)
		fuzz_fail("ftruncate");
	if (pwrite(numbers[FILE_PAGE], page, sizeof(page), 0) != sizeof(page))
		fuzz_fail("pwrite");
	/* What was written to the sparse file gives its memory back. */
	if (fallocate(numbers[FILE_HUGE], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			1LL << 40) != 0)
		fuzz_fail("fallocate");
	empty_event(numbers[FILE_EVENT]);
	empty_event(numbers[FILE_SEMAPHORE]);
	if (inflight_kept >= 0) {
		close(inflight_kept);
		inflight_kept = -1;
	}
	if (numbers[FILE_CHANNEL] >= 0) {
		close(numbers[FILE_CHANNEL]);
		numbers[FILE_CHANNEL] = -1;
	}
	return result;
}
