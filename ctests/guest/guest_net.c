/* SPDX-License-Identifier: BSD-3-Clause */

/* What a network driver does with its queues (virtio 1.2, 5.1.6), whatever the ring format. */
#include <errno.h>
#include <string.h>

#include "guest.h"

/** Bytes to be sent: a header and a frame, read as one sequence. */
struct source {
	const uint8_t *header;
	uint32_t header_left;
	const uint8_t *frame;
	uint32_t frame_left;
};

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/** Cut @p size bytes evenly into at most @p pieces. @return the new count, or -EINVAL. */
static int cut_evenly(uint32_t size, uint32_t pieces, uint32_t room, uint32_t *lengths, int count)
{
	while (size > 0) {
		uint32_t part = pieces > 1 ? (size + pieces - 1) / pieces : size;

		part = smaller(part, room);
		if (count >= GUEST_MAX_PIECES || part == 0)
			return -EINVAL;
		lengths[count++] = part;
		size -= part;
		pieces -= pieces > 1;
	}
	return count;
}

int guest_shape_cut(const struct guest_shape *shape, uint32_t header_size, uint32_t frame_size,
		    uint32_t buffer_size, uint32_t lengths[GUEST_MAX_PIECES])
{
	uint32_t pieces = shape->data_pieces, first;
	int count = 0;

	if (shape->header_pieces > 0) {
		count = cut_evenly(header_size, shape->header_pieces, buffer_size, lengths, 0);
	} else {
		/* The header rides in front of the first piece of data. */
		if (header_size > buffer_size)
			return -EINVAL;
		first = pieces > 1 ? (frame_size + pieces - 1) / pieces : frame_size;
		first = smaller(first, buffer_size - header_size);
		lengths[count++] = header_size + first;
		frame_size -= first;
		pieces -= pieces > 1;
	}
	if (count < 0)
		return count;
	/* As few as possible is the same as one piece that does not fit a buffer. */
	return cut_evenly(frame_size, pieces, buffer_size, lengths, count);
}

static void copy_from(struct source *source, uint8_t *to, uint32_t size)
{
	uint32_t part = smaller(size, source->header_left);

	memcpy(to, source->header, part);
	source->header += part;
	source->header_left -= part;
	size -= part;
	to += part;

	part = smaller(size, source->frame_left);
	memcpy(to, source->frame, part);
	source->frame += part;
	source->frame_left -= part;
	/* Cuts that promise more than there is describe zeroes. */
	memset(to + part, 0, size - part);
}

/**
 * Take a slot for every piece and describe it.
 * @return the first slot, or GUEST_NO_SLOT with nothing taken.
 */
static uint32_t take_pieces(struct guest_queue *queue, const uint32_t *lengths, uint32_t count,
			    bool write, struct guest_piece *pieces)
{
	struct guest_slots *slots = &queue->slots;
	uint32_t first = GUEST_NO_SLOT, last = GUEST_NO_SLOT;

	if (count > slots->free_count)
		return GUEST_NO_SLOT;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t index = guest_slots_take(slots);
		struct guest_slot *slot = &slots->slots[index];

		slot->length = lengths[i];
		pieces[i].addr = slot->gpa;
		pieces[i].length = lengths[i];
		pieces[i].write = write;
		if (last == GUEST_NO_SLOT)
			first = index;
		else
			slots->slots[last].next = index;
		last = index;
	}
	return first;
}

/** Put slots and ring descriptors together. @return the head or a negative errno. */
static int add_chain(struct guest_queue *queue, const uint32_t *lengths, uint32_t count,
		     bool write, bool indirect, struct source *source)
{
	struct guest_piece pieces[GUEST_MAX_PIECES];
	uint32_t first, capacity = 0;
	int head;

	if (count == 0 || count > GUEST_MAX_PIECES || count > queue->slots.count)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++) {
		if (lengths[i] > queue->slots.buffer_size)
			return -EINVAL;
		capacity += lengths[i];
	}
	first = take_pieces(queue, lengths, count, write, pieces);
	if (first == GUEST_NO_SLOT)
		return -ENOBUFS;
	for (uint32_t i = first; source && i != GUEST_NO_SLOT; i = queue->slots.slots[i].next)
		copy_from(source, queue->slots.slots[i].host, queue->slots.slots[i].length);
	head = queue->ops->add(queue, pieces, count, indirect);
	if (head < 0) {
		guest_slots_give(&queue->slots, first);
		return head;
	}
	queue->chains[head].first_slot = first;
	queue->chains[head].capacity = write ? capacity : 0;
	return head;
}

int guest_tx_header(struct guest_queue *queue, const struct virtio_net_hdr_v1 *header,
		    const void *frame, uint32_t size, const struct guest_shape *shape)
{
	struct source source = {
		.header = (const uint8_t *)header, .header_left = queue->header_size,
		.frame = frame, .frame_left = size,
	};
	uint32_t lengths[GUEST_MAX_PIECES];
	int ret = guest_shape_cut(shape, queue->header_size, size, queue->slots.buffer_size,
				  lengths);

	if (ret < 0)
		return ret;
	ret = add_chain(queue, lengths, (uint32_t)ret, false, shape->indirect, &source);
	return ret < 0 ? ret : 0;
}

int guest_tx(struct guest_queue *queue, const void *frame, uint32_t size,
	     const struct guest_shape *shape)
{
	static const struct virtio_net_hdr_v1 nothing;

	return guest_tx_header(queue, &nothing, frame, size, shape);
}

int guest_tx_cut(struct guest_queue *queue, const void *bytes, uint32_t size,
		 const uint32_t *lengths, uint32_t count, bool indirect)
{
	struct source source = { .header = bytes, .header_left = size, .frame = bytes };

	return add_chain(queue, lengths, count, false, indirect, &source);
}

/** Book the next used chain. @return its head, or GUEST_NO_HEAD when there is none. */
static uint16_t take_used(struct guest_queue *queue)
{
	struct guest_used used;
	struct guest_chain *chain;

	if (!queue->ops->next_used(queue, &used))
		return GUEST_NO_HEAD;
	chain = &queue->chains[used.head];
	if (chain->serial != queue->used_serial)
		queue->stats.reordered++;
	queue->used_serial = chain->serial + 1;
	if (used.length > chain->capacity) {
		queue->stats.bad_length++;
		used.length = chain->capacity;
	}
	chain->used_length = used.length;
	chain->in_flight = false;
	chain->next = GUEST_NO_HEAD;
	queue->in_flight--;
	queue->stats.used++;
	return used.head;
}

static void release_chain(struct guest_queue *queue, uint16_t head)
{
	guest_slots_give(&queue->slots, queue->chains[head].first_slot);
	queue->ops->release(queue, head);
}

uint32_t guest_tx_reap(struct guest_queue *queue)
{
	uint32_t count = 0;

	for (uint16_t head; (head = take_used(queue)) != GUEST_NO_HEAD; count++)
		release_chain(queue, head);
	return count;
}

int guest_rx_post(struct guest_queue *queue, uint32_t capacity, const struct guest_shape *shape)
{
	uint32_t lengths[GUEST_MAX_PIECES];
	int ret;

	if (capacity < queue->header_size)
		return -EINVAL;
	ret = guest_shape_cut(shape, queue->header_size, capacity - queue->header_size,
			      queue->slots.buffer_size, lengths);
	if (ret < 0)
		return ret;
	ret = add_chain(queue, lengths, (uint32_t)ret, true, shape->indirect, NULL);
	return ret < 0 ? ret : 0;
}

uint32_t guest_rx_fill(struct guest_queue *queue)
{
	uint32_t count = 0;

	while (guest_rx_post(queue, queue->rx_capacity, &queue->rx_shape) == 0)
		count++;
	return count;
}

/** Copy the bytes [skip, skip + size) of a used chain; @return how many there were. */
static uint32_t copy_chain(const struct guest_queue *queue, uint16_t head, uint32_t skip,
			   uint8_t *to, uint32_t size)
{
	const struct guest_chain *chain = &queue->chains[head];
	uint32_t left = chain->used_length > skip ? chain->used_length - skip : 0;
	uint32_t copied = 0;

	left = smaller(left, size);
	for (uint32_t i = chain->first_slot; i != GUEST_NO_SLOT && left > 0;) {
		const struct guest_slot *slot = &queue->slots.slots[i];
		uint32_t from = smaller(skip, slot->length);
		uint32_t part = smaller(slot->length - from, left);

		memcpy(to + copied, slot->host + from, part);
		copied += part;
		left -= part;
		skip -= from;
		i = slot->next;
	}
	return copied;
}

/** Look at the header of the packet's first buffer: how many buffers does it need? */
static void begin_packet(struct guest_queue *queue, uint16_t head)
{
	struct virtio_net_hdr_v1 header = { .num_buffers = 1 };
	uint32_t got = copy_chain(queue, head, 0, (uint8_t *)&header, queue->header_size);

	if (!queue->mergeable)
		header.num_buffers = 1;
	if (got < queue->header_size || header.num_buffers == 0) {
		queue->stats.bad_header++;
		header.num_buffers = 1;
	}
	queue->rx_first = queue->rx_last = head;
	queue->rx_have = 1;
	queue->rx_torn = false;
	queue->rx_need = header.num_buffers;
}

/** Collect the buffers of one packet. @return whether it is complete. */
static bool collect_packet(struct guest_queue *queue)
{
	uint16_t head;

	if (queue->rx_first == GUEST_NO_HEAD) {
		head = take_used(queue);
		if (head == GUEST_NO_HEAD)
			return false;
		begin_packet(queue, head);
	}
	while (queue->rx_have < queue->rx_need) {
		head = take_used(queue);
		if (head == GUEST_NO_HEAD) {
			/*
			 * virtio 1.2, 5.1.6.4.1: the device must use all buffers of a packet at
			 * once. This one did not; the rest may still come.
			 */
			queue->stats.torn += !queue->rx_torn;
			queue->rx_torn = true;
			return false;
		}
		queue->chains[queue->rx_last].next = head;
		queue->rx_last = head;
		queue->rx_have++;
	}
	return true;
}

int guest_rx(struct guest_queue *queue, void *frame, uint32_t room,
	     struct guest_received *received)
{
	uint32_t skip = queue->header_size, length = 0;
	uint16_t head;

	if (!collect_packet(queue))
		return -EAGAIN;
	head = queue->rx_first;
	memset(&received->header, 0, sizeof(received->header));
	copy_chain(queue, head, 0, (uint8_t *)&received->header, queue->header_size);
	while (head != GUEST_NO_HEAD) {
		uint16_t next = queue->chains[head].next;

		length += copy_chain(queue, head, skip, (uint8_t *)frame + length, room - length);
		skip = 0;
		release_chain(queue, head);
		head = next;
	}
	received->length = length;
	received->buffers = queue->rx_have;
	queue->rx_first = queue->rx_last = GUEST_NO_HEAD;
	return (int)length;
}
