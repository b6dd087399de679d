/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Row F12: files that the frontend shares are cut short under their mapping. The next access raises
 * SIGBUS, in whatever thread it is; the device ends with a line in the log, and no other one.
 */
#define _GNU_SOURCE
#include "front.h"
#include "guest_log.h"

#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE 4096

extern char **environ;

/** A sanitizer reports a SIGBUS that nobody handles, and the end of a child is one here. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "handle_sigbus=0";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "handle_sigbus=0";
}

/** The library's handler; cmocka has one of its own, which a test takes away again. */
static struct sigaction library;
/** The application's, from before there was a library. */
static struct sigaction application;
static volatile sig_atomic_t own_faults, strange_faults;
static uint8_t *volatile own_page;
static char text[CONTROL_TEXT];

/** What an application does about a fault of its own: it gives the page some memory. */
static void handle(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (info->si_addr != own_page) {
		strange_faults++;
		signal(SIGBUS, SIG_DFL);
		return;
	}
	own_faults++;
	mmap(own_page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
	     0);
}

/** An application that came later and asks the one from before about what it does not know. */
static void handle_later(int number, siginfo_t *info, void *context)
{
	if (info->si_addr == own_page)
		handle(number, info, context);
	else
		library.sa_sigaction(number, info, context);
}

/** The application's own file is cut short, and it touches it. */
static void fault_of_our_own(void)
{
	int before = own_faults, file = front_file(PAGE);

	own_page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	assert_true(own_page != MAP_FAILED);
	assert_int_equal(ftruncate(file, 0), 0);
	*(volatile uint8_t *)own_page = 7;
	assert_int_equal(*(volatile uint8_t *)own_page, 7);
	assert_int_equal(own_faults, before + 1);
	munmap(own_page, PAGE);
	close(file);
}

static void take_signals(void)
{
	assert_int_equal(sigaction(SIGBUS, &library, NULL), 0);
	own_faults = strange_faults = 0;
}

static bool is_closed(void *data)
{
	(void)data;
	return front.target->vid < 0;
}

/**
 * The device ends, with a line that says why; others go on meanwhile. What it did is polled by the
 * application all the time.
 */
static void ends(struct hostile *hostile, void (*touch)(void))
{
	for (int i = 0; i < 20000 && !is_closed(NULL); i++) {
		touch();
		if (i % 10 == 0)
			hostile_check_innocent(hostile);
		usleep(50);
	}
	assert_true(is_closed(NULL));
	hostile_check_innocent(hostile);
	assert_int_equal(strange_faults, 0);
}

static void ends_with_a_line(struct hostile *hostile, void (*touch)(void))
{
	control_capture_begin();
	ends(hostile, touch);
	/* The line comes before the device is told that it ends. */
	control_capture_end(text);
	if (!strstr(text, front.door.path) || !strstr(text, "connection dropped"))
		fail_msg("no line in the log: \"%s\"", text);
}

/** A region's file is cut to so many bytes, and later is as it was. */
static void cut_region(struct hostile *hostile, uint32_t number, uint64_t left,
		       void (*touch)(void))
{
	struct guest_region *region = &front.target->guest->memory.regions[number];
	uint8_t *kept = malloc(region->size);

	assert_non_null(kept);
	for (int i = 0; i < 3; i++)
		front_load();
	memcpy(kept, region->host, region->size);
	assert_int_equal(ftruncate(region->fd, (off_t)left), 0);
	ends_with_a_line(hostile, touch);
	assert_int_equal(ftruncate(region->fd, (off_t)region->size), 0);
	memcpy(region->host, kept, region->size);
	free(kept);
	front_revive();
	front_load();
	front_settle();
}

/** Calls, and the engine's turn: it is in the middle of copies that it took before. */
static void touch_all(void)
{
	for (int queue = RX; queue <= TX; queue++)
		engine_finish(&front.target->engines[queue], 4);
	front_poll_blindly();
}

/* Rings lie in the first region, and half of the buffers in the second: only copies touch that. */
static void F12_memory_cut_short_under_copies(struct hostile *hostile)
{
	front_open(hostile, NULL);
	take_signals();
	for (int i = 0; i < 3; i++) {
		cut_region(hostile, 1, 0, touch_all);
		cut_region(hostile, 1, PAGE, touch_all);
	}
	fault_of_our_own();
	front_close(hostile);
}

static void F12_memory_cut_short_under_rings(struct hostile *hostile)
{
	front_open(hostile, NULL);
	take_signals();
	for (int i = 0; i < 3; i++) {
		cut_region(hostile, 0, 0, touch_all);
		cut_region(hostile, 0, PAGE, touch_all);
	}
	front_close(hostile);
}

/** The event thread touches it: a ring moves, and its flags are written. */
static void move_ring(void)
{
	static uint64_t turn;
	struct guest_vring_addr addr;

	guest_ring_addr(front.target->tx, &addr);
	addr.used += ++turn % 2 * 64;
	guest_set_vring_addr(front_frontend(), &addr);
	front_poll_blindly();
}

static void F12_memory_cut_short_under_the_event_thread(struct hostile *hostile)
{
	front_open(hostile, NULL);
	take_signals();
	for (int i = 0; i < 3; i++)
		cut_region(hostile, 0, 0, move_ring);
	front_close(hostile);
}

static void F12_log_cut_short_under_bursts(struct hostile *hostile)
{
	const char *sanitizer = getenv("SANITIZER");
	struct bench_config config;

	/* ThreadSanitizer does atomic operations under a lock of its own: a fault would keep it. */
	if (sanitizer && strcmp(sanitizer, "thread") == 0)
		skip();
	hostile_config(hostile, &config);
	config.guest.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD);
	front_open(hostile, &config);
	take_signals();
	for (int i = 0; i < 5; i++) {
		struct guest_log log;

		assert_int_equal(guest_log_start(front.target->guest, &log), 0);
		for (int j = 0; j < 3; j++)
			front_load();
		assert_true(guest_log_count(&log) > 0);
		assert_int_equal(ftruncate(log.fd, 0), 0);
		ends_with_a_line(hostile, touch_all);
		guest_log_destroy(&log);
		front.target->guest->features &= ~GUEST_BIT(GUEST_F_LOG_ALL);
		front_revive();
		front_load();
		front_settle();
	}
	front_close(hostile);
}

/** An application that records what it has in flight, as storage backends do. */
static void record(void)
{
	int vid = front.target->vid;
	uint16_t entry = 0;

	if (control_is_packed())
		rte_vhost_set_inflight_desc_packed(vid, TX, 3, 3, &entry);
	else
		rte_vhost_set_inflight_desc_split(vid, TX, 3);
	front_poll_blindly();
}

static void F12_record_cut_short_under_the_application(struct hostile *hostile)
{
	struct bench_config config;
	struct guest *guest;

	hostile_config(hostile, &config);
	config.protocol = GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD);
	config.guest.protocol_features |= config.protocol;
	if (hostile->packed)
		control_packed(NULL);
	else
		control_split(NULL);
	front_open(hostile, &config);
	take_signals();
	guest = front.target->guest;
	for (int i = 0; i < 3; i++) {
		/* The library's own file cannot be cut; the frontend's can. */
		assert_int_equal(ftruncate(guest->inflight_fd, 0), -1);
		front_stop_rings();
		close(guest->inflight_fd);
		guest->inflight_fd = front_file((guest->inflight.size + PAGE) & ~(PAGE - 1ULL));
		guest->inflight.offset = 0;
		front_start_rings();
		for (int j = 0; j < 3; j++)
			front_load();
		assert_int_equal(ftruncate(guest->inflight_fd, 0), 0);
		ends_with_a_line(hostile, record);
		front_revive();
		front_load();
		front_settle();
	}
	front_close(hostile);
}

/* The application's handler has its own faults, whether it was there first or came later. */
static void F12_faults_of_the_application_are_its_own(struct hostile *hostile)
{
	struct sigaction later = { .sa_sigaction = handle_later,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK };

	front_open(hostile, NULL);
	take_signals();
	for (int i = 0; i < 3; i++) {
		front_load();
		fault_of_our_own();
		front_check();
		cut_region(hostile, 1, 0, touch_all);
		fault_of_our_own();
	}
	assert_int_equal(sigaction(SIGBUS, &later, NULL), 0);
	fault_of_our_own();
	cut_region(hostile, 1, 0, touch_all);
	cut_region(hostile, 0, 0, touch_all);
	fault_of_our_own();
	front_close(hostile);
}

static void note(int number)
{
	(void)number;
	own_faults++;
}

/** A process of its own that is sent the signal and did this about it before. @return its exit. */
static int run_child(const char *before)
{
	struct sigaction now, first;
	char path[108];

	if (strcmp(before, "ignores") == 0)
		signal(SIGBUS, SIG_IGN);
	else if (strcmp(before, "plain") == 0)
		signal(SIGBUS, note);
	else if (strcmp(before, "off") == 0)
		setenv("RTEVHOSTSWIFT_SIGBUS", "off", 1);
	control_path(path, "child");
	if (rte_vhost_driver_register(path, 0) < 0 || rte_vhost_driver_unregister(path) < 0)
		return 1;
	sigaction(SIGBUS, NULL, &first);
	raise(SIGBUS);
	raise(SIGBUS);
	sigaction(SIGBUS, NULL, &now);
	/* Whatever was sent, faults are still the library's. */
	return own_faults + (now.sa_sigaction == first.sa_sigaction ? 10 : 0);
}

static int child_status(char *before)
{
	char *words[] = { "/proc/self/exe", "--child", before, NULL };
	pid_t child;
	int status;

	assert_int_equal(posix_spawn(&child, words[0], NULL, NULL, words, environ), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* SIGBUS that somebody sends does what it did before there was a library. */
static void F12_signals_that_are_no_faults(struct hostile *hostile)
{
	int status;

	front_open(hostile, NULL);
	front_load();
	status = child_status("plain");
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 12);
	status = child_status("ignores");
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 10);
	status = child_status("default");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
	status = child_status("off");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
	front_close(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(F12_signals_that_are_no_faults),
	HOSTILE_TEST(F12_memory_cut_short_under_copies),
	HOSTILE_TEST(F12_memory_cut_short_under_rings),
	HOSTILE_TEST(F12_memory_cut_short_under_the_event_thread),
	HOSTILE_TEST(F12_log_cut_short_under_bursts),
	HOSTILE_TEST(F12_record_cut_short_under_the_application),
	HOSTILE_TEST(F12_faults_of_the_application_are_its_own),
};

int main(int argc, char **argv)
{
	char path[108];

	if (argc > 2)
		return run_child(argv[2]);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	/* The line that is looked for is a warning. */
	setenv("RTEVHOSTSWIFT_LOG", "warning", 1);
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(front_times(3600, 300));
	application.sa_sigaction = handle;
	application.sa_flags = SA_SIGINFO;
	sigaction(SIGBUS, &application, NULL);
	/* The library takes the signal over with the first socket. */
	control_path(path, "first");
	if (rte_vhost_driver_register(path, 0) < 0 || rte_vhost_driver_unregister(path) < 0)
		return 1;
	sigaction(SIGBUS, NULL, &library);
	return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);
}
