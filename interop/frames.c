/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * frames: capture files with test packets for testpmd's pcap ports, and the check of what came
 * back.
 *
 *	frames make FILE QUEUE COUNT SIZE...	COUNT frames, the sizes in turn
 *	frames check COUNT LOST FILE...		one file a queue: COUNT frames were sent on
 *						each; at most LOST in all may be missing
 *	frames sent COUNT LOST FILE...		the same, of frames as guest-traffic sent them:
 *						addresses not exchanged, and its hellos left out
 *
 * Each frame knows its queue, number, length and hash (guest_packet.h). The check prints one line,
 *	frames: count=N lost=N late=N twice=N changed=N foreign=N hash=H
 * in which hash is the sum that vhost-switch --verify prints; status 0 if nothing was changed,
 * doubled, reordered or from elsewhere, and no more was lost than allowed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "guest_packet.h"

#define MAGIC 0xa1b2c3d4U
#define ETHERNET 1
#define LARGEST 65535
#define HELLO_SEQUENCE UINT64_MAX

/** A capture file begins with this, in the byte order of the machine. */
struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snapshot, link;
};

/** And each frame with this. */
struct frame_header {
	uint32_t seconds, fraction, captured, length;
};

struct counts {
	uint64_t frames, late, twice, changed, foreign, hash;
};

static uint8_t frame[LARGEST];
/** They come from the guest, and did not go through anything that echoes. */
static bool as_sent;

static unsigned long number(const char *text, unsigned long low, unsigned long high)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end != 0 || value < low || value > high) {
		fprintf(stderr, "frames: %s: not a number from %lu to %lu\n", text, low, high);
		exit(2);
	}
	return value;
}

static FILE *open_file(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);

	if (file == NULL) {
		perror(path);
		exit(2);
	}
	return file;
}

static int make(char **arguments, int size_count)
{
	const struct file_header header = {
		.magic = MAGIC, .major = 2, .minor = 4, .snapshot = LARGEST, .link = ETHERNET,
	};
	FILE *file = open_file(arguments[0], "wb");
	struct guest_stamp stamp = { .queue = (uint16_t)number(arguments[1], 0, UINT8_MAX) };
	uint64_t count = number(arguments[2], 1, UINT32_MAX);

	fwrite(&header, sizeof(header), 1, file);
	for (; stamp.sequence < count; stamp.sequence++) {
		const char *text = arguments[3 + stamp.sequence % (uint64_t)size_count];
		uint32_t size = (uint32_t)number(text, GUEST_PACKET_MIN, LARGEST);
		struct frame_header entry = { .captured = size, .length = size };

		guest_packet_fill(frame, size, &stamp);
		fwrite(&entry, sizeof(entry), 1, file);
		fwrite(frame, size, 1, file);
	}
	if (ferror(file) != 0 || fclose(file) != 0) {
		perror(arguments[0]);
		return 2;
	}
	return 0;
}

static void check_frame(uint32_t size, uint16_t queue, uint64_t count, struct guest_order *order,
	struct counts *counts)
{
	struct guest_stamp stamp;
	uint64_t hash;
	bool swapped;
	int ret = guest_packet_check(frame, size, &stamp, &hash, &swapped);

	if (ret == 0 && as_sent && stamp.sequence == HELLO_SEQUENCE)
		return;
	if (ret != 0 || stamp.queue != queue || stamp.sequence >= count || swapped == as_sent) {
		*(ret != 0 ? &counts->changed : &counts->foreign) += 1;
		return;
	}
	counts->frames++;
	counts->hash += hash;
	switch (guest_order_note(order, stamp.sequence)) {
	case GUEST_ORDER_LATE: counts->late++; break;
	case GUEST_ORDER_TWICE: counts->twice++; break;
	default: break;
	}
}

static void check_file(const char *path, uint16_t queue, uint64_t count, struct counts *counts)
{
	static struct guest_order order;
	FILE *file = open_file(path, "rb");
	struct file_header header;
	struct frame_header entry;

	order = (struct guest_order){ 0 };
	if (fread(&header, sizeof(header), 1, file) != 1 || header.link != ETHERNET) {
		fprintf(stderr, "frames: %s: no capture file of this machine\n", path);
		exit(2);
	}
	while (fread(&entry, sizeof(entry), 1, file) == 1) {
		if (entry.captured > LARGEST ||
				fread(frame, 1, entry.captured, file) != entry.captured) {
			fprintf(stderr, "frames: %s: cut off\n", path);
			exit(2);
		}
		if (entry.captured != entry.length)
			counts->changed++;
		else
			check_frame(entry.captured, queue, count, &order, counts);
	}
	fclose(file);
}

static int check(char **arguments, int file_count)
{
	uint64_t count = number(arguments[0], 1, UINT32_MAX);
	uint64_t allowed = number(arguments[1], 0, UINT32_MAX);
	struct counts counts = { 0 };
	uint64_t distinct, lost;

	for (int i = 0; i < file_count; i++)
		check_file(arguments[2 + i], (uint16_t)i, count, &counts);
	distinct = counts.frames - counts.twice;
	lost = count * (uint64_t)file_count - distinct;
	printf("frames: count=%" PRIu64 " lost=%" PRIu64 " late=%" PRIu64 " twice=%" PRIu64
		" changed=%" PRIu64 " foreign=%" PRIu64 " hash=%016" PRIx64 "\n", counts.frames,
		lost, counts.late, counts.twice, counts.changed, counts.foreign, counts.hash);
	counts.late |= counts.twice | counts.changed | counts.foreign;
	return lost <= allowed && counts.late == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc >= 6 && argv[1][0] == 'm')
		return make(argv + 2, argc - 5);
	as_sent = argc >= 5 && argv[1][0] == 's';
	if (argc >= 5 && (argv[1][0] == 'c' || as_sent))
		return check(argv + 2, argc - 4);
	fputs("frames make FILE QUEUE COUNT SIZE...\nframes check COUNT LOST FILE...\n"
		"frames sent COUNT LOST FILE...\n", stderr);
	return 2;
}
