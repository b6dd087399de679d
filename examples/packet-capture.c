/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * packet-capture SOCKET FILE [MEGABYTES]: a backend that writes what its guest sends to a pcapng
 * file of at most so many megabytes (100), and echoes it.
 *
 * Who only wants to see packets needs no program: rtevhostctl captures those of any process. This
 * one is for backends that keep packets by rules of their own. It shows the two things that go
 * wrong there. A packet's bytes are copied before anything changes them, instead of keeping its
 * mbuf: a slow disk would empty the pool, and then the guest waits. And the thread that moves
 * packets never writes to the file: it puts copies into a ring, and leaves a packet out of the
 * file when the ring is full; the next one that is in it says how many were missed. A disk that is
 * full, or a file that may not grow, is said once; the file ends with a whole packet, and packets
 * go on.
 *
 *	gcc packet-capture.c $(pkg-config --cflags --libs rtevhostswift) -pthread
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <rte_vhost.h>

#define BURST 32
#define MBUFS 4096
/** Bytes that are kept of a packet, at most. */
#define SNAPSHOT 9216
/** Packets that wait for the file; a power of two. */
#define SLOTS 1024
/** What is written at once, or a little more. */
#define BATCH 65536

/** A packet that waits for the file. */
struct slot {
	uint64_t nanoseconds;
	uint64_t missed; /**< Packets that found no slot since the one before. */
	uint32_t length, captured;
	uint8_t bytes[SNAPSHOT];
};

/* pcapng, "Block Types": each begins with its type and ends with its length, which is a multiple
 * of four and stands at the beginning as well. */
struct section_header {
	uint32_t type, size, magic;
	uint16_t major, minor;
	int64_t section_size;
	uint32_t size_again;
} __attribute__((packed));

struct interface_description {
	uint32_t type, size;
	uint16_t link_type, reserved;
	uint32_t snapshot;
	uint16_t resolution_code, resolution_size;
	uint8_t resolution[4];
	uint32_t end_of_options, size_again;
} __attribute__((packed));

struct enhanced_packet {
	uint32_t type, size, interface, time_high, time_low, captured, length;
};

/** Behind the packet's bytes. */
struct enhanced_packet_end {
	uint16_t drop_count_code, drop_count_size;
	uint64_t drop_count;
	uint32_t end_of_options, size_again;
} __attribute__((packed));

static struct slot slots[SLOTS];
/** The data path fills slot head and counts on; the writer empties slot tail and counts on. */
static atomic_uint head, tail;
static uint64_t seen, missed, told; /* the data path's; told: of missed, in slots */

/* The writer's. */
static struct {
	int descriptor;
	bool broken, full;
	uint64_t size, limit, packets;
	uint8_t batch[BATCH + sizeof(struct enhanced_packet) + SNAPSHOT +
		sizeof(struct enhanced_packet_end)];
	size_t batch_size;
	uint64_t batch_packets;
} file = { .descriptor = -1, .limit = 100 };

static atomic_int device = -1; /* one guest at a time */
static pthread_mutex_t burst = PTHREAD_MUTEX_INITIALIZER;
/** Packets that wait for room in the guest: from first to before count; under burst. */
static struct rte_mbuf *packets[BURST];
static uint16_t first, count;
static atomic_bool finished;
static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	(void)number;
	ended = 1;
}

static int on_new_device(int vid)
{
	return atomic_compare_exchange_strong(&device, &(int){ -1 }, vid) ? 0 : -1;
}

static void on_destroy_device(int vid)
{
	atomic_compare_exchange_strong(&device, &vid, -1);
	pthread_mutex_lock(&burst); /* the device goes when this returns: a burst ends first */
	rte_pktmbuf_free_bulk(packets + first, count - first); /* not for the next guest */
	first = count;
	pthread_mutex_unlock(&burst);
}

/** The data path: a copy of a packet for the writer, or one that is missed. Never waits. */
static void keep(const struct rte_mbuf *packet)
{
	unsigned int at = atomic_load_explicit(&head, memory_order_relaxed);
	struct slot *slot = &slots[at % SLOTS];
	struct timespec now;
	const void *bytes;

	seen++;
	if (at - atomic_load_explicit(&tail, memory_order_acquire) == SLOTS) {
		missed++;
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	slot->nanoseconds = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	slot->missed = missed - told;
	told = missed;
	slot->length = packet->pkt_len;
	slot->captured = RTE_MIN(packet->pkt_len, (uint32_t)SNAPSHOT);
	/* Of a packet in several mbufs this makes one piece, in the slot. */
	bytes = rte_pktmbuf_read(packet, 0, slot->captured, slot->bytes);
	if (bytes != slot->bytes)
		memcpy(slot->bytes, bytes, slot->captured);
	atomic_store_explicit(&head, at + 1, memory_order_release);
}

/** All of some bytes to the file's end. @return 0, or an errno. */
static int write_all(const void *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t count = pwrite(file.descriptor, (const char *)bytes + done, size - done,
			(off_t)(file.size + done));

		if (count < 0 && errno != EINTR)
			return errno;
		done += count > 0 ? (size_t)count : 0;
	}
	file.size += size;
	return 0;
}

static int write_headers(void)
{
	const struct section_header section = {
		.type = 0x0a0d0d0a, .size = sizeof(section), .magic = 0x1a2b3c4d, .major = 1,
		.section_size = -1, .size_again = sizeof(section),
	};
	const struct interface_description interface = {
		.type = 1, .size = sizeof(interface), .link_type = 1 /* Ethernet */,
		.snapshot = SNAPSHOT, .resolution_code = 9, .resolution_size = 1,
		.resolution = { 9 } /* nanoseconds */, .size_again = sizeof(interface),
	};
	int error = write_all(&section, sizeof(section));

	return error != 0 ? error : write_all(&interface, sizeof(interface));
}

/** What has gathered, to the file, or nothing of it: then the file is over. */
static void flush_batch(void)
{
	int error = file.batch_size > 0 ? write_all(file.batch, file.batch_size) : 0;

	if (error != 0) {
		file.broken = true;
		fprintf(stderr, "packet-capture: the file ends after %" PRIu64 " packets: %s\n",
			file.packets, strerror(error));
		/* Of a part that was written, nothing: the last packet is to be whole. */
		if (ftruncate(file.descriptor, (off_t)file.size) != 0 && errno != EINVAL)
			perror("packet-capture: the last packet may be cut");
	} else {
		file.packets += file.batch_packets;
	}
	file.batch_size = 0;
	file.batch_packets = 0;
}

/** A packet, to the batch. */
static void add_to_batch(const struct slot *slot)
{
	uint32_t padded = (slot->captured + 3) & ~3u;
	struct enhanced_packet_end end = {
		.drop_count_code = 4, .drop_count_size = 8, .drop_count = slot->missed,
	};
	const struct enhanced_packet packet = {
		.type = 6, .size = (uint32_t)sizeof(packet) + padded + (uint32_t)sizeof(end),
		.time_high = (uint32_t)(slot->nanoseconds >> 32),
		.time_low = (uint32_t)slot->nanoseconds,
		.captured = slot->captured, .length = slot->length,
	};
	uint8_t *to = file.batch + file.batch_size;

	if (file.broken || file.full)
		return;
	if (file.size + file.batch_size + packet.size > file.limit) {
		file.full = true;
		fprintf(stderr, "packet-capture: the file has its size; no more is written\n");
		return;
	}
	end.size_again = packet.size;
	memcpy(to, &packet, sizeof(packet));
	memcpy(to + sizeof(packet), slot->bytes, slot->captured);
	memset(to + sizeof(packet) + slot->captured, 0, padded - slot->captured);
	memcpy(to + sizeof(packet) + padded, &end, sizeof(end));
	file.batch_size += packet.size;
	file.batch_packets++;
	if (file.batch_size >= BATCH)
		flush_batch();
}

static void *run_writer(void *unused)
{
	for (;;) {
		bool last = atomic_load(&finished); /* looked at before the ring: nothing is left */
		unsigned int at = atomic_load_explicit(&tail, memory_order_relaxed);

		while (at != atomic_load_explicit(&head, memory_order_acquire)) {
			add_to_batch(&slots[at % SLOTS]);
			atomic_store_explicit(&tail, ++at, memory_order_release);
		}
		flush_batch();
		if (last)
			return unused;
		usleep(1000);
	}
}

static void swap_addresses(struct rte_mbuf *packet)
{
	struct rte_ether_hdr *header = rte_pktmbuf_mtod(packet, void *);
	struct rte_ether_addr source = header->s_addr; /* at worst behind a short packet */

	header->s_addr = header->d_addr;
	header->d_addr = source;
}

/** The data path, until a signal comes. */
static void run(struct rte_mempool *pool)
{
	for (uint16_t gone = 0; !ended; usleep(gone == 0 ? 20 : 0)) {
		pthread_mutex_lock(&burst);
		int vid = device;

		if (vid >= 0 && first == count) {
			first = 0;
			count = rte_vhost_dequeue_burst(vid, 1, pool, packets, BURST);
			for (uint16_t i = 0; i < count; i++) {
				keep(packets[i]);
				swap_addresses(packets[i]);
			}
		}
		gone = vid < 0 ? 0 :
			rte_vhost_enqueue_burst(vid, 0, packets + first, count - first);
		rte_pktmbuf_free_bulk(packets + first, gone);
		first += gone;
		pthread_mutex_unlock(&burst);
	}
}

/** A new file with its headers; it has packets in it, so it is its owner's alone. */
static int open_file(const char *path, const char *megabytes)
{
	int error;

	file.limit = (megabytes != NULL ? strtoul(megabytes, NULL, 10) : file.limit) << 20;
	file.descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file.descriptor < 0) {
		fprintf(stderr, "packet-capture: %s: %s\n", path, strerror(errno));
		return -1;
	}
	signal(SIGXFSZ, SIG_IGN); /* a limit is an error of write, not the end of the program */
	error = write_headers();
	if (error != 0) {
		fprintf(stderr, "packet-capture: %s: %s\n", path, strerror(error));
		file.broken = true;
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct vhost_device_ops ops = {
		.new_device = on_new_device, .destroy_device = on_destroy_device,
	};
	struct rte_mempool *pool = rte_pktmbuf_pool_create("capture", MBUFS, 0, 0, 2176,
		SOCKET_ID_ANY);
	pthread_t writer;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: packet-capture SOCKET FILE [MEGABYTES]\n");
		return 2;
	}
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	if (pool == NULL || open_file(argv[2], argv[3]) != 0 ||
	    pthread_create(&writer, NULL, run_writer, NULL) != 0)
		return 1;
	if (rte_vhost_driver_register(argv[1], 0) != 0 ||
	    rte_vhost_driver_callback_register(argv[1], &ops) != 0 ||
	    rte_vhost_driver_start(argv[1]) != 0)
		return 1;
	run(pool);
	rte_vhost_driver_unregister(argv[1]); /* calls on_destroy_device() */
	atomic_store(&finished, true);
	pthread_join(writer, NULL);
	if (close(file.descriptor) != 0) {
		perror("packet-capture");
		file.broken = true;
	}
	printf("packet-capture: seen=%" PRIu64 " written=%" PRIu64 " missed=%" PRIu64
		" bytes=%" PRIu64 "\n", seen, file.packets, missed, file.size);
	rte_mempool_free(pool);
	return file.broken ? 1 : 0;
}
