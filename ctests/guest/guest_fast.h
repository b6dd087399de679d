/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * Queues for benchmarks: descriptors are written once, then only ids go round.
 *
 *     guest_fast_prefill_tx(queue, frame, size, &shape);   // the whole ring, nothing published
 *     for (;;) {
 *             guest_fast_publish(queue, 32);               // the device may have 32 more
 *             ... the backend works ...
 *             guest_fast_recycle(queue, UINT32_MAX);       // used ids become available entries
 *     }
 *
 * Publishing and recycling a batch cost two or three instructions a packet and touch no
 * descriptor and no payload. The backend is trusted; use guest_tx() and guest_rx() to verify
 * first, and guest_reset() between the two ways of use.
 */
#ifndef GUEST_FAST_H
#define GUEST_FAST_H

#include "guest_queue.h"

/**
 * Fill a transmit queue with copies of one packet, without publishing any.
 * @return packets in the ring, or a negative errno.
 */
int guest_fast_prefill_tx(struct guest_queue *queue, const void *frame, uint32_t size,
			  const struct guest_shape *shape);

/** Fill a receive queue with chains of @p capacity bytes, without publishing any. */
int guest_fast_prefill_rx(struct guest_queue *queue, uint32_t capacity,
			  const struct guest_shape *shape);

/** Publish up to @p limit chains; kicks when the backend wants it. @return how many. */
uint32_t guest_fast_publish(struct guest_queue *queue, uint32_t limit);

/** Take up to @p limit used chains and make them ready to be published. @return how many. */
static inline uint32_t guest_fast_recycle(struct guest_queue *queue, uint32_t limit)
{
	return queue->ops->recycle(queue, limit);
}

/** Recycle and publish whatever was used: a whole turn of a free-running guest. */
static inline uint32_t guest_fast_turn(struct guest_queue *queue)
{
	uint32_t count = queue->ops->recycle(queue, UINT32_MAX);

	if (count > 0)
		guest_fast_publish(queue, count);
	return count;
}

/** Chains that guest_fast_publish() could publish now. */
static inline uint32_t guest_fast_ready(const struct guest_queue *queue)
{
	return (uint16_t)(queue->next_avail - queue->published);
}

/**
 * First buffer of the chain recycled @p ago chains before the last one, to look at what came
 * or to change what goes. @return the buffer, or NULL.
 */
uint8_t *guest_fast_buffer(struct guest_queue *queue, uint32_t ago, uint32_t *size);

#endif
