/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Capturing packets with rtevhostctl: what is in the file is what went by, byte for byte, in both
 * directions; and whoever captures badly harms nobody.
 */
#define _GNU_SOURCE
#include "control_capture.h"

#include <rte_vhost_async.h>
#include <rtevhostswift_dma.h>

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define LONGEST 5000
#define ROUNDS 40

static struct control_device one;
static struct capture file;
static uint8_t sent[2][ROUNDS][LONGEST];
static uint32_t sizes[2][ROUNDS];

static void begin(const char *name, uint64_t flags)
{
	inspect_begin_with("ctl", RTEVHOSTSWIFT_CONTROL_CAPTURE);
	control_open(&one, name, flags, NULL);
}

static void end(void)
{
	capture_free(&file);
	control_close(&one);
	assert_int_equal(rtevhostswift_control_close(), 0);
	control_assert_pool();
}

static const char *options(const char *more)
{
	static char text[300];

	snprintf(text, sizeof(text), "%s %s", one.path, more);
	return text;
}

/** An mbuf, of two pieces where one is too small. */
static struct rte_mbuf *make_mbuf(const uint8_t *frame, uint32_t size)
{
	uint32_t first = size > 2000 ? 1500 : size;
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(control_pool()), *second;

	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)first), frame, first);
	if (first == size)
		return mbuf;
	second = rte_pktmbuf_alloc(control_pool());
	memcpy(rte_pktmbuf_append(second, (uint16_t)(size - first)), frame + first, size - first);
	mbuf->next = second;
	mbuf->nb_segs = 2;
	mbuf->pkt_len = size;
	return mbuf;
}

static uint32_t size_of(uint32_t round, uint32_t most)
{
	return round % 8 == 7 ? most - round : 64 + round * 37;
}

/** A packet of the guest, taken by the processor or by an engine. */
static void send_one(uint32_t round, bool async)
{
	struct guest_queue *queue = guest_tx_queue(one.guest, 0);
	static const struct guest_shape shape;
	struct rte_mbuf *mbuf = NULL;
	uint32_t size = sizes[1][round] = size_of(round, LONGEST);
	int inflight;

	control_frame(sent[1][round], size, round);
	assert_int_equal(guest_tx(queue, sent[1][round], size, &shape), 0);
	guest_submit(queue);
	while (!mbuf)
		if (async)
			rte_vhost_async_try_dequeue_burst(one.vid, 1, control_pool(), &mbuf, 1,
							  &inflight);
		else
			rte_vhost_dequeue_burst(one.vid, 1, control_pool(), &mbuf, 1);
	rte_pktmbuf_free(mbuf);
	guest_tx_reap(queue);
}

static void receive_one(uint32_t round, bool async)
{
	struct guest_queue *queue = guest_rx_queue(one.guest, 0);
	uint32_t size = sizes[0][round] = size_of(round, 3000), finished = 0;
	struct guest_received received;
	struct rte_mbuf *mbuf, *done = NULL;
	uint8_t frame[LONGEST];

	control_frame(sent[0][round], size, 1000 + round);
	mbuf = make_mbuf(sent[0][round], size);
	if (async) {
		assert_int_equal(rte_vhost_submit_enqueue_burst(one.vid, 0, &mbuf, 1, &done,
								&finished), 1);
		while (finished == 0)
			finished = rte_vhost_poll_enqueue_completed(one.vid, 0, &done, 1);
		assert_ptr_equal(done, mbuf);
	} else {
		assert_int_equal(rte_vhost_enqueue_burst(one.vid, 0, &mbuf, 1), 1);
	}
	rte_pktmbuf_free(mbuf);
	assert_int_equal(guest_rx(queue, frame, sizeof(frame), &received), size);
	assert_memory_equal(frame, sent[0][round], size);
	guest_rx_fill(queue);
	guest_submit(queue);
}

static void assert_captured(uint32_t rounds, uint32_t most)
{
	uint64_t now = (uint64_t)time(NULL);
	struct captured packet;

	for (uint32_t direction = 0; direction < 2; direction++) {
		assert_int_equal(capture_count(&file, direction), rounds);
		for (uint32_t i = 0; i < rounds; i++) {
			uint32_t size = sizes[direction][i];

			assert_true(capture_packet(&file, direction, i, &packet));
			assert_int_equal(packet.packet_byte_count, size);
			assert_int_equal(packet.byte_count, size < most ? size : most);
			assert_memory_equal(packet.bytes, sent[direction][i], packet.byte_count);
			/* Outbound or inbound, and of this hour. */
			assert_int_equal(packet.flags, direction == 0 ? 2 : 1);
			assert_in_range(packet.time / 1000000000, now - 3600, now + 1);
			assert_int_equal(packet.dropped, 0);
			assert_string_equal(packet.comment,
				"virtio-net flags=0 gso_type=0 hdr_len=0 gso_size=0"
				" csum_start=0 csum_offset=0");
		}
	}
}

static void exchange(bool async)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		send_one(i, async);
		receive_one(i, async);
	}
}

static void packets_are_captured_as_they_are(void **state)
{
	(void)state;
	begin("sync.sock", 0);
	/* What goes by while nobody captures is not in any file. */
	exchange(false);
	capture_start(&file, "", options("--count 80"));
	exchange(false);
	assert_int_equal(capture_end(&file), 0);
	inspect_assert_has(inspect_text, "80 packets captured, 0 lost", NULL);
	assert_captured(ROUNDS, LONGEST);
	capture_assert_tshark(&file, 2 * ROUNDS);
	capture_free(&file);
	/* Again, and less of each. */
	capture_start(&file, "", options("--count 80 --packet-bytes 100 --json"));
	exchange(false);
	assert_int_equal(capture_end(&file), 0);
	inspect_assert_has(inspect_text, "\"packets\":80", "\"ended\":\"count\"", NULL);
	assert_captured(ROUNDS, 100);
	end();
}

static void packets_of_an_engine_are_captured(void **state)
{
	struct rte_vhost_async_config config = { .features = RTE_VHOST_ASYNC_INORDER };
	struct rtevhostswift_dma *engine = rtevhostswift_dma_create(NULL);

	(void)state;
	begin("async.sock", RTE_VHOST_USER_ASYNC_COPY);
	for (uint16_t queue = 0; queue < 2; queue++) {
		assert_int_equal(rtevhostswift_dma_attach(engine, one.vid, queue), 0);
		assert_int_equal(rte_vhost_async_channel_register(one.vid, queue, config,
								  rtevhostswift_dma_ops()), 0);
	}
	capture_start(&file, "", options("--count 80"));
	exchange(true);
	assert_int_equal(capture_end(&file), 0);
	assert_captured(ROUNDS, LONGEST);
	for (uint16_t queue = 0; queue < 2; queue++) {
		assert_int_equal(rte_vhost_async_channel_unregister(one.vid, queue), 0);
		assert_int_equal(rtevhostswift_dma_detach(one.vid, queue), 0);
	}
	end();
	assert_int_equal(rtevhostswift_dma_destroy(engine), 0);
}

static void the_end_of_the_device_is_the_end(void **state)
{
	(void)state;
	begin("gone.sock", 0);
	capture_start(&file, "", options("--ring 1"));
	send_one(0, false);
	send_one(1, false);
	control_detach(&one);
	assert_int_equal(capture_end(&file), 0);
	inspect_assert_has(inspect_text, "2 packets captured, 0 lost", "the device is gone", NULL);
	assert_int_equal(capture_count(&file, 0), 2);
	end();
}

static void a_signal_ends_it(void **state)
{
	(void)state;
	begin("signal.sock", 0);
	capture_start(&file, "", options(""));
	send_one(0, false);
	/* It looks ten times a second. */
	control_sleep_ms(300);
	kill(file.child, SIGINT);
	assert_int_equal(capture_end(&file), 0);
	inspect_assert_has(inspect_text, "1 packets captured", "ended by the user", NULL);
	capture_assert_tshark(&file, 1);
	end();
}

static void the_file_is_bounded(void **state)
{
	(void)state;
	begin("size.sock", 0);
	capture_start(&file, "", options("--size 0.01"));
	exchange(false);
	assert_int_equal(capture_end(&file), 0);
	inspect_assert_has(inspect_text, "the file has its size", NULL);
	assert_in_range(file.byte_count, 2000, 10000);
	assert_in_range(capture_count(&file, 0) + capture_count(&file, 1), 1, 2 * ROUNDS - 1);
	end();
}

static void a_full_disk_is_said(void **state)
{
	char command[400];

	(void)state;
	begin("full.sock", 0);
	/* 512-byte blocks. */
	capture_start(&file, "ulimit -f 16;", options(""));
	exchange(false);
	assert_int_equal(capture_end(&file), 1);
	inspect_assert_has(inspect_text, file.path, "File too large; ",
			   "bytes of whole packets are in it", NULL);
	assert_in_range(file.byte_count, 4000, 8192);
	assert_in_range(capture_count(&file, 0) + capture_count(&file, 1), 1, 2 * ROUNDS - 1);
	capture_assert_tshark(&file, capture_count(&file, 0) + capture_count(&file, 1));
	capture_free(&file);
	/* Nothing at all fits. */
	snprintf(command, sizeof(command), "capture -w /dev/full -n 1 %s", one.path);
	assert_int_equal(inspect_run(command), 1);
	inspect_assert_has(inspect_text, "/dev/full: No space left on device", NULL);
	exchange(false);
	end();
}

static void ask(const char *line, const char *words)
{
	assert_true(inspect_ask(inspect_path, line, inspect_text) > 0);
	inspect_assert_has(inspect_text, "\"error\":", words, NULL);
}

static void what_cannot_be_captured_is_refused(void **state)
{
	char name[108], line[100];
	int fd;

	(void)state;
	begin("refused.sock", 0);
	ask("1 capture\n", "takes numbers");
	ask("1 capture 0 0\n", "takes numbers");
	ask("1 capture 0 0 0\n", "takes numbers");
	ask("1 capture 0 0 9999999999\n", "takes numbers");
	ask("1 capture 0 0 100 x\n", "takes numbers");
	ask("1 capture 0 0 100 1 1\n", "takes numbers");
	ask("1 capture -1 0 100\n", "takes numbers");
	ask("1 capture 1000 0 100\n", "no such device or ring");
	ask("1 capture 999999999 0 100\n", "no such device or ring");
	snprintf(line, sizeof(line), "1 capture %d 99 100\n", one.vid);
	ask(line, "no such device or ring");
	capture_start(&file, "", options("--ring 0"));
	snprintf(line, sizeof(line), "1 capture %d 0 100\n", one.vid);
	ask(line, "somebody captures this ring already");
	kill(file.child, SIGKILL);
	waitpid(file.child, NULL, 0);
	/* It is free again, before long, after one that was killed. */
	for (int64_t start = control_now_ms();;) {
		fd = inspect_connect(inspect_path);
		assert_true(fd >= 0);
		assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
		assert_true(recv(fd, inspect_text, 1000, 0) > 0);
		close(fd);
		if (strstr(inspect_text, "\"capture\":"))
			break;
		assert_true(control_now_ms() - start < CONTROL_PATIENCE_MS);
		control_sleep_ms(1);
	}
	assert_int_equal(rtevhostswift_control_close(), 0);
	/* Where it was not allowed. */
	control_path(name, "ctl");
	assert_int_equal(rtevhostswift_control_open(name, 0), 0);
	ask(line, "does not allow it");
	end();
}

static void who_stops_reading_harms_nobody(void **state)
{
	char line[100];
	int fd;

	(void)state;
	begin("still.sock", 0);
	snprintf(line, sizeof(line), "1 capture %d 0 5000\n", one.vid);
	fd = capture_ask(line);
	/* More than ring and socket hold. */
	for (int i = 0; i < 60; i++)
		for (uint32_t round = 0; round < ROUNDS; round++)
			receive_one(round, false);
	for (int i = 0; i < 60; i++)
		for (uint32_t round = 0; round < ROUNDS; round++)
			receive_one(round, false);
	/* Two seconds later it is hung up on, in the middle of a packet. */
	control_sleep_ms(3000);
	assert_in_range(inspect_read(fd, inspect_text, CONTROL_PATIENCE_MS), 100, INSPECT_TEXT);
	close(fd);
	capture_start(&file, "", options("--count 80"));
	exchange(false);
	assert_int_equal(capture_end(&file), 0);
	assert_captured(ROUNDS, LONGEST);
	end();
}

/** More than the socket of one who reads nothing holds. */
static void fill(void)
{
	for (int i = 0; i < 20; i++)
		for (uint32_t round = 0; round < ROUNDS; round++)
			receive_one(round, false);
}

/** Who reads slowly has the ring still when the guest is back. */
static void a_ring_has_one_reader_whatever_its_device_does(void **state)
{
	int first, second;
	char line[100];

	(void)state;
	begin("back.sock", 0);
	snprintf(line, sizeof(line), "1 capture %d 0 5000\n", one.vid);
	first = capture_ask(line);
	fill();
	control_detach(&one);
	control_attach(&one, NULL);
	snprintf(line, sizeof(line), "1 capture %d 0 5000\n", one.vid);
	second = capture_ask(line);
	fill();
	/* With it goes what it had. */
	close(first);
	control_sleep_ms(100);
	assert_true(inspect_read(second, inspect_text, CONTROL_PATIENCE_MS) > 0);
	close(second);
	inspect_assert_has(inspect_text, "somebody captures this ring already", NULL);
	second = capture_ask(line);
	assert_in_range(recv(second, inspect_text, INSPECT_TEXT - 1, 0), 1, INSPECT_TEXT);
	assert_non_null(strstr(inspect_text, "\"capture\":"));
	close(second);
	end();
}

static const struct CMUnitTest tests[] = {
	CONTROL_TEST(packets_are_captured_as_they_are),
	CONTROL_TEST(packets_of_an_engine_are_captured),
	cmocka_unit_test(the_end_of_the_device_is_the_end),
	cmocka_unit_test(a_signal_ends_it),
	cmocka_unit_test(the_file_is_bounded),
	cmocka_unit_test(a_full_disk_is_said),
	cmocka_unit_test(what_cannot_be_captured_is_refused),
	cmocka_unit_test(who_stops_reading_harms_nobody),
	cmocka_unit_test(a_ring_has_one_reader_whatever_its_device_does),
};

CONTROL_MAIN(180, tests)
