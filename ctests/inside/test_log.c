/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Log lines go where DPDK's go, under the types and levels of DPDK's own library. Each case is a
 * process: there is one EAL in each.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inside.h"

/** Runs a case, by its name, in a process of its own. */
static void in_child(const char *name)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		execl("/proc/self/exe", "inside_log", name, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static int level(const char *name)
{
	int type = rte_log_register(name);

	return type < 0 ? type : rte_log_get_level(type);
}

/** A connection comes and goes. @return its path, which is gone. */
static const char *visit(void)
{
	static char path[64];
	struct link *link = link_open(NULL, 0, false);

	strcpy(path, link->path);
	link_close(link);
	return path;
}

static void defaults(void **state)
{
	char wanted[128];

	(void)state;
	inside_start(NULL);
	assert_true(level("lib.vhost.config") == RTE_LOG_INFO);
	assert_true(level("lib.vhost.data") == RTE_LOG_WARNING);
	inside_catch_log();
	snprintf(wanted, sizeof(wanted), "VHOST_CONFIG: (%s) new connection, device 0\n", visit());
	assert_true(inside_count_log(wanted) == 1);
	assert_true(inside_count_log("VHOST_CONFIG: ") == inside_count_log("\n"));
	assert_true(inside_count_log("vhost: ") == 0);
}

static void defaults_are_dpdks(void **state)
{
	(void)state;
	in_child("defaults");
}

static void quiet(void **state)
{
	(void)state;
	inside_start("--log-level=lib.vhost.config:error", NULL);
	assert_true(level("lib.vhost.config") == RTE_LOG_ERR);
	inside_catch_log();
	visit();
	assert_true(inside_count_log("\n") == 0);
	assert_true(rte_vhost_driver_start("/nowhere/at/all") == -1);
	assert_int_equal(inside_count_log("VHOST_CONFIG: (/nowhere/at/all) "
					"rte_vhost_driver_start: not found\n"), 1);
}

static void levels_of_the_command_line_count(void **state)
{
	(void)state;
	in_child("quiet");
}

/** Used before there is an EAL, as DPDK's library may be: options count all the same. */
static void before_eal(void **state)
{
	(void)state;
	assert_true(rte_vhost_driver_start("/nowhere/at/all") == -1);
	inside_start("--log-level=lib.vhost.*:debug", NULL);
	assert_true(level("lib.vhost.config") == RTE_LOG_DEBUG);
	assert_true(level("lib.vhost.data") == RTE_LOG_DEBUG);
	inside_catch_log();
	visit();
	assert_true(inside_count_log("SET_MEM_TABLE") == 1);
}

static void the_eal_may_come_later(void **state)
{
	(void)state;
	in_child("before_eal");
}

/** DPDK's library has its types when it is loaded. */
static void pattern(void **state)
{
	(void)state;
	inside_start(NULL);
	assert_true(rte_log_set_level_pattern("lib.vhost.config", RTE_LOG_CRIT) == 0);
	inside_catch_log();
	visit();
	assert_true(inside_count_log("\n") == 0);
	assert_true(level("lib.vhost.config") == RTE_LOG_CRIT);
}

static void levels_may_be_set_before_the_first_driver(void **state)
{
	(void)state;
	in_child("pattern");
}

static struct link *busy;
static unsigned int calls;

/** A log stream of an application that looks at the device whose line it gets. */
static ssize_t call_back(void *cookie, const char *bytes, size_t size)
{
	struct rte_vhost_vring ring;
	char name[64];

	if (busy && busy->vid >= 0 && calls < 1000) {
		calls++;
		rte_vhost_get_ifname(busy->vid, name, sizeof(name));
		rte_vhost_get_vhost_vring(busy->vid, 1, &ring);
		rte_vhost_avail_entries(busy->vid, 0);
		rte_vhost_rx_queue_count(busy->vid, 1);
	}
	fwrite(bytes, 1, size, cookie);
	fflush(cookie);
	return (ssize_t)size;
}

static void reentrant(void **state)
{
	cookie_io_functions_t functions = { .write = call_back };
	struct rte_mempool *pool;
	struct rte_mbuf *packets[4];
	FILE *stream;

	(void)state;
	inside_start("--log-level=lib.vhost.*:debug", NULL);
	inside_catch_log();
	stream = fopencookie(rte_log_get_stream(), "w", functions);
	setvbuf(stream, NULL, _IOLBF, 4096);
	assert_true(rte_openlog_stream(stream) == 0);
	pool = inside_pool("ring_mp_mc", 63, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE);
	busy = link_open(NULL, 0, false);
	link_send(busy, 2, 100);
	assert_true(link_take(busy, pool, packets, 4) == 2);
	rte_pktmbuf_free(packets[0]);
	rte_pktmbuf_free(packets[1]);
	/* The guest breaks its ring: a line of the data path. */
	busy->tx->ring.split.available->idx += 1000;
	for (int i = 0; i < 10; i++)
		assert_true(rte_vhost_dequeue_burst(busy->vid, 1, pool, packets, 4) == 0);
	assert_true(inside_count_log("VHOST_DATA: (/tmp/dpdk-link-") == 1);
	assert_true(inside_count_log("the guest offers more than the ring has slots") == 1);
	assert_true(calls > 0);
	assert_true(rte_mempool_avail_count(pool) == 63);
	guest_disconnect(busy->guest);
}

static void a_log_stream_may_call_the_library(void **state)
{
	(void)state;
	in_child("reentrant");
}

static const struct CMUnitTest cases[] = {
	cmocka_unit_test(defaults),
	cmocka_unit_test(quiet),
	cmocka_unit_test(before_eal),
	cmocka_unit_test(pattern),
	cmocka_unit_test(reentrant),
};

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(defaults_are_dpdks),
	cmocka_unit_test(levels_of_the_command_line_count),
	cmocka_unit_test(the_eal_may_come_later),
	cmocka_unit_test(levels_may_be_set_before_the_first_driver),
	cmocka_unit_test(a_log_stream_may_call_the_library),
};

int main(int count, char **arguments)
{
	alarm(100);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(*cases) && count > 1; i++)
		if (strcmp(cases[i].name, arguments[1]) == 0) {
			const struct CMUnitTest one[] = { cases[i] };

			return cmocka_run_group_tests(one, NULL, NULL);
		}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
