/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "link.h"

static const struct guest_shape direct;

/** Devices by the order in which they became ready. */
static _Atomic int fresh_vid = -1;

static int on_new_device(int vid)
{
	atomic_store(&fresh_vid, vid);
	return 0;
}

static void on_destroy_device(int vid)
{
	(void)vid;
}

/* struct vhost_device_ops, rte_vhost_device_ops since 21.11: the first two and eight more. */
static const struct {
	int (*new_device)(int vid);
	void (*destroy_device)(int vid);
	void *others[8];
} callbacks = { on_new_device, on_destroy_device, { NULL } };

static void find(void *handle, const char *name, void *function)
{
	void *found = dlsym(handle, name);

	assert_non_null(found);
	memcpy(function, &found, sizeof(found));
}

void link_find(struct link_library *library, void *handle)
{
	find(handle, "rte_vhost_driver_register", &library->driver_register);
	find(handle, "rte_vhost_driver_unregister", &library->driver_unregister);
	find(handle, "rte_vhost_driver_callback_register", &library->callback_register);
	find(handle, "rte_vhost_driver_start", &library->driver_start);
	find(handle, "rte_vhost_enqueue_burst", &library->enqueue);
	find(handle, "rte_vhost_dequeue_burst", &library->dequeue);
	find(handle, "rte_vhost_get_numa_node", &library->numa_node);
}

static const struct link_library *linked(void)
{
	static struct link_library library;
	void *handle = dlopen(LINK_SONAME, RTLD_NOW | RTLD_NOLOAD);

	assert_non_null(handle);
	link_find(&library, handle);
	return &library;
}

struct link *link_open(const struct link_library *library, uint64_t flags, bool packed)
{
	const struct timespec nap = { .tv_nsec = 1000000 };
	struct link *link = calloc(1, sizeof(*link));
	struct guest_config config;

	assert_non_null(link);
	link->library = library ? library : linked();
	strcpy(link->directory, "/tmp/dpdk-link-XXXXXX");
	assert_non_null(mkdtemp(link->directory));
	snprintf(link->path, sizeof(link->path), "%s/vhost", link->directory);
	assert_int_equal(link->library->driver_register(link->path, flags), 0);
	assert_int_equal(link->library->callback_register(link->path, &callbacks), 0);
	atomic_store(&fresh_vid, -1);
	assert_int_equal(link->library->driver_start(link->path), 0);
	guest_config_init(&config);
	config.socket_path = link->path;
	if (packed)
		config.features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
	assert_int_equal(guest_create(&config, &link->guest), 0);
	assert_int_equal(guest_connect(link->guest), 0);
	assert_int_equal(guest_start(link->guest), 0);
	link->rx = guest_rx_queue(link->guest, 0);
	link->tx = guest_tx_queue(link->guest, 0);
	for (int i = 0; i < 5000 && atomic_load(&fresh_vid) < 0; i++)
		nanosleep(&nap, NULL);
	link->vid = atomic_load(&fresh_vid);
	assert_true(link->vid >= 0);
	return link;
}

void link_close(struct link *link)
{
	assert_int_equal(guest_complaints(link->guest), 0);
	guest_disconnect(link->guest);
	assert_int_equal(link->library->driver_unregister(link->path), 0);
	guest_destroy(link->guest);
	unlink(link->path);
	rmdir(link->directory);
	free(link);
}

void link_send(struct link *link, uint32_t count, uint32_t size)
{
	guest_tx_reap(link->tx);
	for (uint32_t i = 0; i < count; i++) {
		struct guest_stamp stamp = { .sender = 1, .sequence = link->sent };

		guest_packet_fill(link->frame, size, &stamp);
		assert_int_equal(guest_tx(link->tx, link->frame, size, &direct), 0);
		link->sizes[link->sent++ % 4096] = size;
	}
	assert_int_equal(guest_submit(link->tx), 0);
}

void link_send_bad(struct link *link, uint32_t count)
{
	guest_tx_reap(link->tx);
	memset(link->frame, 0, link->tx->header_size);
	for (uint32_t i = 0; i < count; i++)
		assert_true(guest_tx_cut(link->tx, link->frame, link->tx->header_size,
					 &link->tx->header_size, 1, false) >= 0);
	assert_int_equal(guest_submit(link->tx), 0);
}

static void check(const uint8_t *frame, uint32_t size, uint16_t sender, uint64_t sequence)
{
	struct guest_stamp stamp;
	uint64_t hash;
	bool swapped;

	assert_int_equal(guest_packet_check(frame, size, &stamp, &hash, &swapped), 0);
	assert_int_equal(stamp.sender, sender);
	assert_int_equal(stamp.sequence, sequence);
}

/** Header and chain say the same, and the bytes are those that were sent. */
static void check_packet(struct link *link, struct rte_mbuf *packet)
{
	uint32_t size = link->sizes[link->taken % 4096], sum = 0;
	unsigned int segments = 0;

	for (struct rte_mbuf *segment = packet; segment; segment = segment->next) {
		assert_true(sum + segment->data_len <= size);
		memcpy(link->frame + sum, rte_pktmbuf_mtod(segment, void *), segment->data_len);
		sum += segment->data_len;
		segments++;
	}
	assert_int_equal(sum, size);
	assert_int_equal(packet->pkt_len, size);
	assert_int_equal(packet->nb_segs, segments);
	check(link->frame, size, 1, link->taken++);
}

uint16_t link_take(struct link *link, struct rte_mempool *pool, struct rte_mbuf **packets,
		   uint16_t count)
{
	uint16_t got = link->library->dequeue(link->vid, 1, pool, packets, count);

	assert_true(got <= count);
	for (uint16_t i = 0; i < got; i++)
		check_packet(link, packets[i]);
	return got;
}

void link_stamp(struct link *link, uint32_t size)
{
	struct guest_stamp stamp = { .sender = 2, .sequence = link->given++ };

	guest_packet_fill(link->frame, size, &stamp);
}

void link_give(struct link *link, struct rte_mbuf **packets, uint16_t count)
{
	assert_int_equal(link->library->enqueue(link->vid, 0, packets, count), count);
}

void link_receive(struct link *link)
{
	struct guest_received received;
	int size;

	while ((size = guest_rx(link->rx, link->frame, sizeof(link->frame), &received)) >= 0)
		check(link->frame, (uint32_t)size, 2, link->received++);
	assert_int_equal(size, -EAGAIN);
	assert_int_equal(link->received, link->given);
	guest_rx_fill(link->rx);
	assert_int_equal(guest_submit(link->rx), 0);
}
