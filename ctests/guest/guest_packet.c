/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest_packet.h"

#include <errno.h>
#include <string.h>

#define ADDRESSES 12
#define ETHER_TYPE_AT 12
#define STAMP_AT 14
#define HASH_AT 38
#define MAGIC 0x74736547U

/* First bytes of the addresses: locally administered, unicast, and different. */
#define TO_BYTE 0x02
#define FROM_BYTE 0x06

/* Odd constants with about half of their bits set. */
#define MULTIPLIER 0x9e6c63d0676a9a99ULL
#define LANE_STEP 0xa0761d6478bd642fULL

/** The stamp as it lies in a frame, before the hash. */
struct wire_stamp {
	uint32_t magic;
	uint16_t sender, queue;
	uint64_t sequence;
	uint32_t length;
	uint32_t reserved;
};

_Static_assert(STAMP_AT + sizeof(struct wire_stamp) == HASH_AT, "the hash follows the stamp");
_Static_assert(HASH_AT + sizeof(uint64_t) == GUEST_PACKET_STAMPED, "the noise follows the hash");

uint64_t guest_random_next(struct guest_random *random)
{
	uint64_t bits = random->state += 0x9e3779b97f4a7c15ULL;

	/* A Weyl sequence through two rounds of xor, shift and multiply. */
	bits = (bits ^ (bits >> 32)) * 0xd6e8feb86659fd93ULL;
	bits = (bits ^ (bits >> 32)) * 0xd6e8feb86659fd93ULL;
	return bits ^ (bits >> 32);
}

uint32_t guest_random_range(struct guest_random *random, uint32_t low, uint32_t high)
{
	uint64_t span = (uint64_t)high - low + 1;

	return low + (uint32_t)(((guest_random_next(random) >> 32) * span) >> 32);
}

static inline uint64_t stir(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * MULTIPLIER;
	return hash ^ (hash >> 29);
}

static inline uint64_t load(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

uint64_t guest_hash(const void *data, uint32_t size, uint64_t seed)
{
	const uint8_t *bytes = data;
	/* Four independent lanes: the multiplications of one do not wait for the others. */
	uint64_t lane[4] = {
		seed ^ size, seed + LANE_STEP, seed + 2 * LANE_STEP, seed + 3 * LANE_STEP,
	};
	uint64_t word = 0;
	uint32_t left = size;

	for (; left >= 32; left -= 32, bytes += 32)
		for (int i = 0; i < 4; i++)
			lane[i] = stir(lane[i], load(bytes + 8 * i));
	for (; left >= 8; left -= 8, bytes += 8)
		lane[0] = stir(lane[0], load(bytes));
	memcpy(&word, bytes, left);
	lane[0] = stir(lane[0], word);
	return stir(stir(stir(lane[0], lane[1]), lane[2]), lane[3]);
}

static void fill_noise(uint8_t *bytes, uint32_t size, const struct guest_stamp *stamp)
{
	struct guest_random random = {
		.state = stamp->sequence * 0x100000001b3ULL + stamp->queue * 0x10001ULL +
			 ((uint64_t)stamp->sender << 48),
	};

	for (; size >= 8; size -= 8, bytes += 8) {
		uint64_t word = guest_random_next(&random);

		memcpy(bytes, &word, 8);
	}
	if (size > 0) {
		uint64_t word = guest_random_next(&random);

		memcpy(bytes, &word, size);
	}
}

/** Hash of everything behind the addresses, except for the hash itself. */
static uint64_t hash_frame(const uint8_t *frame, uint32_t size)
{
	uint64_t hash;

	if (size < GUEST_PACKET_STAMPED)
		return guest_hash(frame + ADDRESSES, size - ADDRESSES, 0);
	hash = guest_hash(frame + ADDRESSES, HASH_AT - ADDRESSES, 0);
	return guest_hash(frame + GUEST_PACKET_STAMPED, size - GUEST_PACKET_STAMPED, hash);
}

/** A short frame's stamp: 02 length sender queue seq[2] and 06 seq[4] 00. */
static void fill_addresses_short(uint8_t *frame, uint32_t size, const struct guest_stamp *stamp)
{
	uint8_t *to = frame, *from = frame + 6;

	to[0] = TO_BYTE;
	to[1] = (uint8_t)size;
	to[2] = (uint8_t)stamp->sender;
	to[3] = (uint8_t)stamp->queue;
	memcpy(to + 4, &stamp->sequence, 2);
	from[0] = FROM_BYTE;
	memcpy(from + 1, (const uint8_t *)&stamp->sequence + 2, 4);
	from[5] = 0;
}

/** Addresses that stay the same for a flow, as a switch that learns them expects. */
static void fill_addresses(uint8_t *frame, const struct guest_stamp *stamp)
{
	uint8_t tail[5] = {
		'g', (uint8_t)(stamp->sender >> 8), (uint8_t)stamp->sender,
		(uint8_t)(stamp->queue >> 8), (uint8_t)stamp->queue,
	};

	frame[0] = TO_BYTE;
	memcpy(frame + 1, tail, 5);
	frame[6] = FROM_BYTE;
	memcpy(frame + 7, tail, 5);
}

uint64_t guest_packet_fill(uint8_t *frame, uint32_t size, const struct guest_stamp *stamp)
{
	struct wire_stamp wire = {
		.magic = MAGIC, .sender = stamp->sender, .queue = stamp->queue,
		.sequence = stamp->sequence, .length = size,
	};
	uint64_t hash;

	frame[ETHER_TYPE_AT] = 0x88;
	frame[ETHER_TYPE_AT + 1] = 0xb5;
	if (size < GUEST_PACKET_STAMPED) {
		fill_addresses_short(frame, size, stamp);
		fill_noise(frame + STAMP_AT, size - STAMP_AT, stamp);
		return hash_frame(frame, size);
	}
	fill_addresses(frame, stamp);
	memcpy(frame + STAMP_AT, &wire, sizeof(wire));
	fill_noise(frame + GUEST_PACKET_STAMPED, size - GUEST_PACKET_STAMPED, stamp);
	hash = hash_frame(frame, size);
	memcpy(frame + HASH_AT, &hash, sizeof(hash));
	return hash;
}

/** A short frame has no room for a hash: make it again and compare. */
static int check_short(const uint8_t *frame, uint32_t size, bool swapped,
		       struct guest_stamp *stamp, uint64_t *hash)
{
	const uint8_t *to = swapped ? frame + 6 : frame, *from = swapped ? frame : frame + 6;
	uint8_t expected[GUEST_PACKET_STAMPED];

	stamp->sender = to[2];
	stamp->queue = to[3];
	stamp->sequence = 0;
	memcpy(&stamp->sequence, to + 4, 2);
	memcpy((uint8_t *)&stamp->sequence + 2, from + 1, 4);
	*hash = hash_frame(frame, size);
	guest_packet_fill(expected, size, stamp);
	if (to[1] != size || memcmp(expected + ADDRESSES, frame + ADDRESSES, size - ADDRESSES))
		return -EBADMSG;
	return 0;
}

int guest_packet_check(const uint8_t *frame, uint32_t size, struct guest_stamp *stamp,
		       uint64_t *hash, bool *swapped)
{
	struct wire_stamp wire;
	uint64_t said;

	if (size < GUEST_PACKET_MIN)
		return -ENOMSG;
	*swapped = frame[0] == FROM_BYTE;
	if (frame[ETHER_TYPE_AT] != 0x88 || frame[ETHER_TYPE_AT + 1] != 0xb5)
		return -ENOMSG;
	if (size < GUEST_PACKET_STAMPED)
		return check_short(frame, size, *swapped, stamp, hash);

	memcpy(&wire, frame + STAMP_AT, sizeof(wire));
	memcpy(&said, frame + HASH_AT, sizeof(said));
	*hash = hash_frame(frame, size);
	stamp->sender = wire.sender;
	stamp->queue = wire.queue;
	stamp->sequence = wire.sequence;
	if (wire.magic != MAGIC)
		return -ENOMSG;
	return wire.length == size && said == *hash ? 0 : -EBADMSG;
}

/** Test and set the bit of a sequence number. */
static bool mark(struct guest_order *order, uint64_t sequence)
{
	uint64_t *word = &order->seen[sequence % GUEST_ORDER_WINDOW / 64];
	uint64_t bit = 1ULL << (sequence % 64);
	bool before = (*word & bit) != 0;

	*word |= bit;
	return before;
}

enum guest_order_verdict guest_order_note(struct guest_order *order, uint64_t sequence)
{
	if (sequence < order->next) {
		/* Older than the window remembers: it can only be late. */
		if (order->next - sequence > GUEST_ORDER_WINDOW)
			return GUEST_ORDER_LATE;
		return mark(order, sequence) ? GUEST_ORDER_TWICE : GUEST_ORDER_LATE;
	}
	/* The window moves up: numbers that enter it have not been seen. */
	if (sequence - order->next >= GUEST_ORDER_WINDOW) {
		memset(order->seen, 0, sizeof(order->seen));
	} else {
		for (uint64_t i = order->next; i <= sequence; i++)
			order->seen[i % GUEST_ORDER_WINDOW / 64] &= ~(1ULL << (i % 64));
	}
	mark(order, sequence);
	order->next = sequence + 1;
	return GUEST_ORDER_OK;
}
