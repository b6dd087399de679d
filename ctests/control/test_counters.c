/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Counters by name, of queues and of devices: the tables, that each row counts what it says, and
 * that setting them to zero while traffic runs neither loses a packet nor counts one twice.
 */
#define _GNU_SOURCE
#include "control.h"

#define NOBODY 77
#define MOST 96

static char text[CONTROL_TEXT];
static struct control_device one;

/** A table as the library tells it. */
struct table {
	int count;
	struct rtevhostswift_counter_name names[MOST];
	struct rtevhostswift_counter counters[MOST];
};

static void read_queue(struct table *table, uint16_t queue)
{
	memset(table, 0xee, sizeof(*table));
	table->count = rtevhostswift_vring_counters_get_names(one.vid, queue, table->names, MOST);
	assert_in_range(table->count, 1, MOST - 1);
	assert_int_equal(rtevhostswift_vring_counters_get(one.vid, queue, table->counters, MOST),
			 table->count);
}

static void read_device(struct table *table)
{
	memset(table, 0xee, sizeof(*table));
	table->count = rtevhostswift_device_counters_get_names(one.vid, table->names, MOST);
	assert_in_range(table->count, 1, MOST - 1);
	assert_int_equal(rtevhostswift_device_counters_get(one.vid, table->counters, MOST),
			 table->count);
}

static uint64_t in(const struct table *table, const char *name)
{
	for (int i = 0; i < table->count; i++)
		if (strcmp(table->names[i].name, name) == 0)
			return table->counters[i].value;
	fail_msg("there is no counter %s", name);
	return 0;
}

static uint64_t of_queue(uint16_t queue, const char *name)
{
	struct table table;

	read_queue(&table, queue);
	return in(&table, name);
}

static uint64_t of_device(const char *name)
{
	struct table table;

	read_device(&table);
	return in(&table, name);
}

/** Every row has an id, a name of its own that C programs can make identifiers of, and no more. */
static void assert_table(const struct table *table)
{
	for (int i = 0; i < table->count; i++) {
		const char *name = table->names[i].name;
		size_t length = strnlen(name, RTEVHOSTSWIFT_COUNTER_NAME_SIZE);

		assert_int_equal(table->counters[i].id, i);
		assert_in_range(length, 1, RTEVHOSTSWIFT_COUNTER_NAME_SIZE - 1);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_"), length);
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name, table->names[j].name);
	}
	assert_int_equal((uint8_t)table->names[table->count].name[0], 0xee);
	assert_true(table->counters[table->count].id == 0xeeeeeeeeeeeeeeee);
}

static void tables_are_well_formed(void **state)
{
	struct table table;

	(void)state;
	control_open(&one, "tables", 0, NULL);
	for (uint16_t queue = 0; queue < 2; queue++) {
		read_queue(&table, queue);
		assert_table(&table);
		assert_string_equal(table.names[0].name, "packets");
		for (int i = 0; i < table.count; i++)
			assert_int_equal(table.counters[i].value, 0);
	}
	read_device(&table);
	assert_table(&table);
	assert_string_equal(table.names[0].name, "messages_handled");
	control_close(&one);
}

static void too_little_room_is_left_alone(void **state)
{
	struct rtevhostswift_counter_name name = { "untouched" };
	struct rtevhostswift_counter counter = { 5, 6 };
	int queue, device;

	(void)state;
	control_open(&one, "room", 0, NULL);
	queue = rtevhostswift_vring_counters_get_names(one.vid, 0, NULL, 0);
	device = rtevhostswift_device_counters_get_names(one.vid, NULL, 0);
	assert_int_equal(rtevhostswift_vring_counters_get_names(one.vid, 0, &name, 1), queue);
	assert_int_equal(rtevhostswift_vring_counters_get(one.vid, 0, &counter,
							  (unsigned int)queue - 1), queue);
	assert_int_equal(rtevhostswift_vring_counters_get(one.vid, 0, NULL, MOST), queue);
	assert_int_equal(rtevhostswift_device_counters_get_names(one.vid, &name, 1), device);
	assert_int_equal(rtevhostswift_device_counters_get(one.vid, &counter, 1), device);
	assert_int_equal(rtevhostswift_device_counters_get(one.vid, NULL, MOST), device);
	assert_string_equal(name.name, "untouched");
	assert_int_equal(counter.value, 6);
	control_close(&one);
}

static void nothing_without_device_or_queue(void **state)
{
	struct rtevhostswift_counter counters[MOST];

	(void)state;
	control_open(&one, "nobody", 0, NULL);
	for (int i = 0; i < 4; i++) {
		int vid = (int[]){ -1, NOBODY, 1 << 20, one.vid }[i];
		uint16_t queue = vid == one.vid ? 2 : 0;

		assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_vring_counters_get_names(
			vid, queue, NULL, 0)), -1);
		control_assert_line(text, "rtevhostswift_vring_counters_get_names", "not found",
				    NULL);
		assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_vring_counters_get(
			vid, queue, counters, MOST)), -1);
		control_assert_line(text, "rtevhostswift_vring_counters_get", "not found", NULL);
		assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_vring_counters_reset(
			vid, queue)), -1);
		control_assert_line(text, "rtevhostswift_vring_counters_reset", "not found",
				    NULL);
		if (vid == one.vid)
			continue;
		assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_device_counters_get_names(
			vid, NULL, 0)), -1);
		control_assert_line(text, "rtevhostswift_device_counters_get_names", "not found",
				    NULL);
		assert_int_equal(CONTROL_LOGGED(text, rtevhostswift_device_counters_get(
			vid, counters, MOST)), -1);
		control_assert_line(text, "rtevhostswift_device_counters_get", "not found", NULL);
		assert_int_equal(CONTROL_LOGGED(text,
						rtevhostswift_device_counters_reset(vid)), -1);
		control_assert_line(text, "rtevhostswift_device_counters_reset", "not found",
				    NULL);
	}
	control_close(&one);
}

/** The rows that `struct rtevhostswift_vring_stats` has as well say the same. */
static void assert_same(uint16_t queue)
{
	struct rtevhostswift_vring_stats stats = control_stats(one.vid, queue);
	const struct { const char *name; uint64_t value; } rows[] = {
		{ "packets", stats.packets }, { "bytes", stats.bytes },
		{ "cpu_bytes", stats.cpu_bytes }, { "engine_bytes", stats.engine_bytes },
		{ "in_flight", stats.in_flight }, { "notifications", stats.notifications },
		{ "notifications_suppressed", stats.notifications_suppressed },
		{ "pool_empty", stats.pool_empty },
		{ "dropped_bad_chain", stats.dropped_bad_chain },
		{ "dropped_unmapped", stats.dropped_unmapped },
		{ "dropped_short", stats.dropped_short },
		{ "dropped_direction", stats.dropped_direction },
		{ "dropped_too_long", stats.dropped_too_long },
		{ "bad_offload", stats.bad_offload }, { "ring_broken", stats.ring_broken },
		{ "engine_refused", stats.engine_refused },
	};
	struct table table;

	read_queue(&table, queue);
	for (size_t i = 0; i < CONTROL_COUNT(rows); i++)
		if (in(&table, rows[i].name) != rows[i].value)
			fail_msg("%s: %lu instead of %lu", rows[i].name, in(&table, rows[i].name),
				 rows[i].value);
	assert_int_equal(in(&table, "cpu_packets") + in(&table, "engine_packets"), stats.packets);
}

static void traffic_is_counted(void **state)
{
	(void)state;
	control_open(&one, "traffic", 0, NULL);
	for (uint64_t i = 0; i < 10; i++) {
		control_send_good(&one, i);
		control_receive_good(&one, i);
		assert_same(0);
		assert_same(1);
	}
	assert_int_equal(of_queue(1, "packets"), 10);
	assert_int_equal(of_queue(0, "packets"), 10);
	assert_int_equal(of_queue(1, "cpu_packets"), 10);
	assert_true(of_queue(1, "bytes") >= 140);
	assert_int_equal(of_queue(1, "engine_packets"), 0);
	/* From zero again, and what else tells of the queue goes on. */
	assert_int_equal(rtevhostswift_vring_counters_reset(one.vid, 1), 0);
	assert_int_equal(of_queue(1, "packets"), 0);
	assert_int_equal(of_queue(1, "bytes"), 0);
	assert_int_equal(of_queue(1, "cpu_packets"), 0);
	assert_int_equal(of_queue(0, "packets"), 10);
	assert_int_equal(control_stats(one.vid, 1).packets, 10);
	control_send_good(&one, 0);
	assert_int_equal(of_queue(1, "packets"), 1);
	control_close(&one);
	control_assert_pool();
}

static void a_full_guest_is_counted(void **state)
{
	struct rte_mbuf *mbuf = control_mbuf(100, 0);
	uint64_t sent = 0;

	(void)state;
	control_open(&one, "full", 0, NULL);
	while (rte_vhost_enqueue_burst(one.vid, 0, &mbuf, 1) == 1)
		sent++;
	assert_true(sent > 0);
	assert_int_equal(of_queue(0, "packets"), sent);
	assert_int_equal(of_queue(0, "no_guest_buffers"), 1);
	assert_int_equal(rte_vhost_enqueue_burst(one.vid, 0, &mbuf, 1), 0);
	assert_int_equal(of_queue(0, "no_guest_buffers"), 2);
	rte_pktmbuf_free(mbuf);
	control_close(&one);
	control_assert_pool();
}

static void a_bad_chain_is_counted(void **state)
{
	static const struct guest_shape shape;
	struct guest_queue *queue;
	struct rte_mbuf *mbuf;
	uint8_t frame[64] = { 0 };

	(void)state;
	control_open(&one, "bad", 0, NULL);
	queue = guest_tx_queue(one.guest, 0);
	assert_true(guest_tx(queue, frame, 0, &shape) >= 0);
	guest_submit(queue);
	assert_int_equal(rte_vhost_dequeue_burst(one.vid, 1, control_pool(), &mbuf, 1), 0);
	assert_int_equal(of_queue(1, "dropped_short"), 1);
	assert_int_equal(of_queue(1, "packets"), 0);
	assert_same(1);
	control_close(&one);
}

/** Numbers of a thread that sets counters to zero and adds up what they were. */
struct resetter {
	pthread_t thread;
	bool stop;
	uint64_t resets;
};

static void *reset_all_the_time(void *argument)
{
	struct resetter *resetter = argument;
	struct rtevhostswift_counter counters[MOST];

	while (!__atomic_load_n(&resetter->stop, __ATOMIC_RELAXED)) {
		for (uint16_t queue = 0; queue < 2; queue++) {
			int count;

			count = rtevhostswift_vring_counters_get(one.vid, queue, counters, MOST);
			if (count < 2 || counters[0].value > UINT32_MAX)
				abort();
			if (rtevhostswift_vring_counters_reset(one.vid, queue) != 0 ||
			    rtevhostswift_device_counters_reset(one.vid) != 0)
				abort();
		}
		__atomic_fetch_add(&resetter->resets, 1, __ATOMIC_RELAXED);
		sched_yield();
	}
	return NULL;
}

static void reset_while_traffic_runs(void **state)
{
	struct resetter resetter = { .stop = false };
	struct rtevhostswift_vring_stats stats;
	uint64_t turns = 0;

	(void)state;
	control_open(&one, "reset", 0, NULL);
	assert_int_equal(pthread_create(&resetter.thread, NULL, reset_all_the_time, &resetter), 0);
	while (__atomic_load_n(&resetter.resets, __ATOMIC_RELAXED) < 200 || turns < 500) {
		/* A dequeue gives nothing while the lock is held. */
		static const struct guest_shape shape;
		struct guest_queue *queue = guest_tx_queue(one.guest, 0);
		struct rte_mbuf *mbuf;
		uint8_t frame[100] = { 2 };

		assert_true(guest_tx(queue, frame, sizeof(frame), &shape) >= 0);
		guest_submit(queue);
		while (rte_vhost_dequeue_burst(one.vid, 1, control_pool(), &mbuf, 1) == 0)
			sched_yield();
		rte_pktmbuf_free(mbuf);
		guest_tx_reap(queue);
		turns++;
	}
	__atomic_store_n(&resetter.stop, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(resetter.thread, NULL), 0);
	stats = control_stats(one.vid, 1);
	assert_int_equal(stats.packets, turns);
	assert_int_equal(stats.bytes, turns * 100);
	assert_int_equal(rtevhostswift_vring_counters_reset(one.vid, 1), 0);
	control_send_good(&one, 0);
	assert_int_equal(of_queue(1, "packets"), 1);
	control_close(&one);
	control_assert_pool();
}

static void messages_are_counted(void **state)
{
	struct control_device listener;
	const uint32_t beyond[2] = { 300, 256 };
	uint64_t handled;
	int socket;

	(void)state;
	control_open(&one, "messages", 0, NULL);
	handled = of_device("messages_handled");
	assert_true(handled > 10);
	assert_int_equal(of_device("messages_refused"), 0);
	assert_int_equal(of_device("reconnects"), 0);
	assert_int_equal(rtevhostswift_device_counters_reset(one.vid), 0);
	assert_int_equal(of_device("messages_handled"), 0);
	control_detach(&one);
	control_attach(&one, NULL);
	assert_int_equal(of_device("reconnects"), 1);
	assert_int_equal(of_device("messages_handled"), handled);
	control_detach(&one);
	/* A frontend that breaks the protocol: the vid is the same, there is no other device. */
	listener = one;
	socket = control_negotiate(&listener);
	one.vid = 0;
	handled = of_device("messages_handled");
	assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, beyond, sizeof(beyond), -1), 1);
	assert_int_equal(of_device("messages_handled"), handled);
	assert_int_equal(of_device("messages_refused"), 1);
	assert_int_equal(of_device("refused_queue_index"), 1);
	assert_int_equal(of_device("refused_malformed"), 0);
	assert_int_equal(of_device("frontend_faults"), 1);
	close(socket);
	one = listener;
	control_close(&one);
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(tables_are_well_formed),
	CONTROL_TEST(too_little_room_is_left_alone),
	CONTROL_TEST(nothing_without_device_or_queue),
	CONTROL_TEST(traffic_is_counted),
	CONTROL_TEST(a_full_guest_is_counted),
	CONTROL_TEST(a_bad_chain_is_counted),
	CONTROL_TEST(reset_while_traffic_runs),
	CONTROL_TEST_SPLIT(messages_are_counted),
};

CONTROL_MAIN(120, tests)
