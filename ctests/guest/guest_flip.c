/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest_flip.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "guest_packed.h"
#include "guest_packet.h"

#define FIELDS GUEST_FLIP_FIELDS
#define MOST_SPINS 256
/* Descriptors in front of the device, for aimed flips; and where an engine's queue reads next. */
#define AIM 32
#define FAR_AIM 160
/* Entries of tables that they go for. */
#define FIRST_ENTRIES 4
/* Buffers at the end of a region: how long, how often their length changes, and for how long. */
#define EDGE_LENGTH 1500
#define EDGE_TURNS 64
#define EDGE_SPINS 32
#define TURNS 12	/* How often other fields change. */

struct guest_flip {
	struct guest *guest;
	pthread_t thread;
	unsigned int fields;
	uint64_t seed;
	uint64_t counts[FIELDS];
	bool stop;
};

/*
 * From here to flip_thread(), ThreadSanitizer does not look: these stores race with the driver's
 * and with all that the library reads, because a hostile guest's do. That the library reads each
 * field once is what the tests show by what comes of it; races of all other threads are still
 * reported.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FLIPS_UNSEEN
#pragma clang attribute push(__attribute__((disable_sanitizer_instrumentation)), \
			     apply_to = function)
#endif
#endif

/** A position in a ring: anywhere, or a little ahead of what the device used last. */
static uint32_t pick_position(const struct guest_queue *queue, bool aimed, uint64_t random)
{
	uint32_t used, reach = random >> 63 ? AIM : FAR_AIM;

	if (!aimed)
		return (uint32_t)(random % queue->size);
	if (guest_is_packed(queue))
		used = __atomic_load_n(&queue->ring.packed.used.place.slot, __ATOMIC_RELAXED);
	else
		used = __atomic_load_n(&queue->ring.split.used->idx, __ATOMIC_RELAXED);
	return (uint32_t)((used + random % reach) % queue->size);
}

/** The descriptor of a split ring that stands there; what the available ring says may be wild. */
static uint32_t pick_head(const struct guest_queue *queue, bool aimed, uint64_t random)
{
	uint32_t position = pick_position(queue, aimed, random);

	if (!aimed)
		return position;
	return __atomic_load_n(&queue->ring.split.available->ring[position], __ATOMIC_RELAXED) %
	       queue->size;
}

/** Where a field is, and how wide. */
struct place {
	void *at;
	uint32_t bytes;
};

/** One descriptor, of the ring or of a table. */
static struct vring_desc *pick_descriptor(struct guest_queue *queue, bool table, bool aimed,
					  uint64_t random)
{
	uint32_t head = pick_head(queue, aimed, random);
	uint64_t entry = (random >> 32) % (aimed ? FIRST_ENTRIES : UINT32_MAX);

	if (table && queue->table_entries > 0)
		return (struct vring_desc *)queue->tables.host +
		       (uint64_t)head * queue->table_entries + entry % queue->table_entries;
	return &queue->ring.split.descriptors[head];
}

/** The same for a packed ring; bits that the driver itself waits for have a kind of their own. */
static struct place pick_packed(struct guest_queue *queue, unsigned int field, bool aimed,
				uint64_t random)
{
	struct guest_packed *packed = &queue->ring.packed;
	uint32_t position = pick_position(queue, aimed, random);
	struct vring_packed_desc *descriptor = &packed->descriptors[position];
	uint64_t entry = (random >> 32) % (aimed ? FIRST_ENTRIES : UINT32_MAX);
	uint8_t *flags;

	if (field == GUEST_FLIP_TABLE) {
		field = 1u << (random >> 40) % 4;
		if (queue->table_entries > 0)
			/* Of some id: which one it is does not matter. */
			descriptor = (struct vring_packed_desc *)queue->tables.host +
				     random % queue->size * queue->table_entries +
				     entry % queue->table_entries;
	}
	flags = (uint8_t *)&descriptor->flags;
	switch (field) {
	case GUEST_FLIP_ADDR:
		return (struct place){ &descriptor->addr, 8 };
	case GUEST_FLIP_LENGTH:
		return (struct place){ &descriptor->len, 4 };
	case GUEST_FLIP_FLAGS:
		/* NEXT, WRITE and INDIRECT lie in the first byte's lower half. */
		return (struct place){ flags, 1 };
	case GUEST_FLIP_INDEX:
		return (struct place){ &descriptor->flags, 2 };
	case GUEST_FLIP_EVENT:
		return (random >> 40) % 2 ? (struct place){ &packed->driver->off_wrap, 2 } :
					    (struct place){ &packed->driver->flags, 2 };
	default:
		return (struct place){ &descriptor->id, 2 };
	}
}

/** Headers lie at the start of buffers; 12 bytes, 2 at a time. */
static struct place pick_header(struct guest_queue *queue, bool aimed, uint64_t random)
{
	uint32_t slot = (uint32_t)(random % queue->slots.count);
	uint32_t position = pick_position(queue, aimed, random), head;

	if (aimed) {
		head = guest_is_packed(queue) ? queue->ring.packed.descriptors[position].id :
						pick_head(queue, true, random);
		head = __atomic_load_n(&queue->chains[head % queue->size].first_slot,
				       __ATOMIC_RELAXED);
		slot = head < queue->slots.count ? head : slot;
	}
	return (struct place){ queue->slots.slots[slot].host + (random >> 40) % 6 * 2, 2 };
}

/** Turn one of the set bits of @p fields into a place. */
static struct place pick_place(struct guest_queue *queue, unsigned int field, bool aimed,
			       uint64_t random)
{
	struct guest_split *split = &queue->ring.split;
	struct vring_desc *descriptor;

	if (field == GUEST_FLIP_HEADER)
		return pick_header(queue, aimed, random);
	if (guest_is_packed(queue))
		return pick_packed(queue, field, aimed, random);
	descriptor = pick_descriptor(queue, field == GUEST_FLIP_TABLE, aimed, random);
	if (field == GUEST_FLIP_TABLE)
		field = 1u << (random >> 40) % 4;
	switch (field) {
	case GUEST_FLIP_ADDR:
		return (struct place){ &descriptor->addr, 8 };
	case GUEST_FLIP_LENGTH:
		return (struct place){ &descriptor->len, 4 };
	case GUEST_FLIP_FLAGS:
		return (struct place){ &descriptor->flags, 2 };
	case GUEST_FLIP_NEXT:
		return (struct place){ &descriptor->next, 2 };
	case GUEST_FLIP_AVAILABLE:
		return (struct place){
			&split->available->ring[pick_position(queue, aimed, random)], 2 };
	case GUEST_FLIP_INDEX:
		return (struct place){ &split->available->idx, 2 };
	default:
		return (random >> 40) % 2 ? (struct place){ &split->available->flags, 2 } :
					    (struct place){ split->used_event, 2 };
	}
}

/** A value that hurts: an edge of what is allowed, a small change, or noise. */
static uint64_t hostile_value(const struct guest_queue *queue, uint64_t old, uint64_t random)
{
	const struct guest_memory *memory = &queue->guest->memory;
	const struct guest_region *region = &memory->regions[random % memory->count];

	switch ((random >> 16) % 12) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return old + 1;
	case 3:
		return old - 1;
	case 4:
		return old ^ (1ULL << ((random >> 32) % 64));
	case 5:
		return region->gpa + region->size - (random >> 32) % 64;
	case 6:
		return region->gpa + (random >> 32) % region->size;
	case 7:
		return queue->size + (random >> 32) % 3 - 1;
	case 8:
		return (random >> 32) % 16;
	case 9:
		return 0xffff0000u + (random >> 32) % 0x10000;
	case 10:
		return 0x10000 + (random >> 32) % 64 - 32;
	default:
		return random >> 8;
	}
}

static void spin(uint32_t count)
{
	for (volatile uint32_t i = 0; i < count; i++)
		;
}

/* The old value goes back only where the hostile one still is: the driver may have been here. */
#define FLIP(type, place, old, value, spins) do { \
	type *at = (place).at; \
	type before = (type)(old), after = (type)(value); \
	__atomic_store_n(at, after, __ATOMIC_RELAXED); \
	spin(spins); \
	__atomic_compare_exchange_n(at, &after, before, false, __ATOMIC_RELAXED, \
				    __ATOMIC_RELAXED); \
} while (0)

/** Three bits of a byte that has others which must not be lost: nothing if it just changed. */
static void flip_low_bits(const struct place *place, uint8_t old, uint8_t value, uint32_t spins)
{
	uint8_t *at = place->at, after = (uint8_t)((value & 7) | (old & ~7)), before = old;

	if (!__atomic_compare_exchange_n(at, &before, after, false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		return;
	spin(spins);
	__atomic_compare_exchange_n(at, &after, old, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/**
 * A buffer that ends with a region, and whose length goes up and down: one who looks at it twice
 * leaves the region. Both formats have the address 8 bytes before the length.
 */
static void flip_at_edge(const struct guest_queue *queue, const struct place *place,
			 struct guest_random *source)
{
	const struct guest_memory *memory = &queue->guest->memory;
	const struct guest_region *region =
		&memory->regions[guest_random_range(source, 0, memory->count - 1)];
	uint64_t *address = (uint64_t *)((uint8_t *)place->at - 8);
	uint64_t old = __atomic_load_n(address, __ATOMIC_RELAXED), edge;
	uint32_t *length = place->at;
	uint32_t first = __atomic_load_n(length, __ATOMIC_RELAXED);
	uint32_t spins = guest_random_range(source, 0, EDGE_SPINS);

	/* Longer ones are flipped already. */
	if (first == 0 || first > EDGE_LENGTH)
		return;
	edge = region->gpa + region->size - first;
	__atomic_store_n(address, edge, __ATOMIC_RELAXED);
	for (unsigned int turn = 0; turn < EDGE_TURNS; turn++) {
		uint32_t before = first;
		uint32_t after = first + guest_random_range(source, 1, EDGE_LENGTH);

		if (!__atomic_compare_exchange_n(length, &before, after, false,
						 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			break;
		spin(spins);
		__atomic_compare_exchange_n(length, &after, first, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
		spin(spins);
	}
	__atomic_compare_exchange_n(address, &edge, old, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

static uint64_t current_value(const struct place *place)
{
	switch (place->bytes) {
	case 8:
		return __atomic_load_n((uint64_t *)place->at, __ATOMIC_RELAXED);
	case 4:
		return __atomic_load_n((uint32_t *)place->at, __ATOMIC_RELAXED);
	case 1:
		return __atomic_load_n((uint8_t *)place->at, __ATOMIC_RELAXED);
	default:
		return __atomic_load_n((uint16_t *)place->at, __ATOMIC_RELAXED);
	}
}

/** Change a field for a while. */
static void flip_place(const struct guest_queue *queue, const struct place *place, uint32_t spins,
		       struct guest_random *source)
{
	uint64_t old = current_value(place);
	uint64_t value = hostile_value(queue, old, guest_random_next(source));

	if (place->bytes == 8)
		FLIP(uint64_t, *place, old, value, spins);
	else if (place->bytes == 4)
		FLIP(uint32_t, *place, old, value, spins);
	else if (place->bytes == 1)
		flip_low_bits(place, (uint8_t)old, (uint8_t)value, spins);
	else
		FLIP(uint16_t, *place, old, value, spins);
}

unsigned int guest_flip_once(struct guest *guest, unsigned int fields, uint64_t random)
{
	struct guest_random source = { .state = random };
	bool aimed = (fields & GUEST_FLIP_AIMED) && guest_random_range(&source, 0, 1);
	uint32_t bit = guest_random_range(&source, 0, guest->queue_count - 1), spins, turns = 1;
	struct guest_queue *queue = &guest->queues[bit];
	struct place place;

	if ((fields & GUEST_FLIP_ALL) == 0)
		return 0;
	do
		bit = guest_random_range(&source, 0, FIELDS - 1);
	while (!(fields & (1u << bit)));
	place = pick_place(queue, 1u << bit, aimed, guest_random_next(&source));
	/* The only field of four bytes is the length. */
	if (aimed && place.bytes == 4 && guest_random_range(&source, 0, 3) == 0) {
		flip_at_edge(queue, &place, &source);
		return bit;
	}
	spins = guest_random_range(&source, 0, MOST_SPINS);
	/* Now and then for as long as a burst takes; or to and fro until the device comes by. */
	if (guest_random_range(&source, 0, 31) == 0) {
		spins *= MOST_SPINS / 8;
	} else if (aimed && guest_random_range(&source, 0, 3) == 0) {
		spins %= EDGE_SPINS;
		turns = TURNS;
	}
	while (turns-- > 0)
		flip_place(queue, &place, spins, &source);
	return bit;
}

static void *flip_thread(void *argument)
{
	struct guest_flip *flip = argument;
	struct guest_random random = { .state = flip->seed };

	while (!__atomic_load_n(&flip->stop, __ATOMIC_RELAXED))
		flip->counts[guest_flip_once(flip->guest, flip->fields,
					     guest_random_next(&random))]++;
	return NULL;
}

#ifdef FLIPS_UNSEEN
#pragma clang attribute pop
#endif

int guest_flip_start(struct guest *guest, unsigned int fields, uint64_t seed,
		     struct guest_flip **out)
{
	struct guest_flip *flip;
	int ret;

	*out = NULL;
	if ((fields & GUEST_FLIP_ALL) == 0)
		return -EINVAL;
	flip = calloc(1, sizeof(*flip));
	if (!flip)
		return -ENOMEM;
	flip->guest = guest;
	flip->fields = fields;
	flip->seed = seed;
	ret = pthread_create(&flip->thread, NULL, flip_thread, flip);
	if (ret != 0) {
		free(flip);
		return -ret;
	}
	*out = flip;
	return 0;
}

uint64_t guest_flip_finish(struct guest_flip *flip, uint64_t counts[GUEST_FLIP_FIELDS])
{
	uint64_t total = 0;

	if (!flip)
		return 0;
	__atomic_store_n(&flip->stop, true, __ATOMIC_RELAXED);
	pthread_join(flip->thread, NULL);
	for (int i = 0; i < FIELDS; i++) {
		total += flip->counts[i];
		counts[i] += flip->counts[i];
	}
	free(flip);
	return total;
}

uint64_t guest_flip_stop(struct guest_flip *flip)
{
	uint64_t counts[FIELDS] = { 0 };

	return guest_flip_finish(flip, counts);
}
