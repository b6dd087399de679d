/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest_fast.h"

#include <errno.h>

#include "guest.h"

/*
 * A ring with no room for another chain is what was wanted; running out of buffers first is an
 * error of the configuration.
 */
static int prefilled(const struct guest_queue *queue, int last_error)
{
	return last_error == -ENOSPC || queue->free_count == 0 ? (int)queue->in_flight : last_error;
}

int guest_fast_prefill_tx(struct guest_queue *queue, const void *frame, uint32_t size,
			  const struct guest_shape *shape)
{
	int ret = 0;

	while (ret == 0 && queue->free_count > 0)
		ret = guest_tx(queue, frame, size, shape);
	return prefilled(queue, ret);
}

int guest_fast_prefill_rx(struct guest_queue *queue, uint32_t capacity,
			  const struct guest_shape *shape)
{
	int ret = 0;

	while (ret == 0 && queue->free_count > 0)
		ret = guest_rx_post(queue, capacity, shape);
	return prefilled(queue, ret);
}

uint32_t guest_fast_publish(struct guest_queue *queue, uint32_t limit)
{
	uint32_t count = queue->ops->expose(queue, limit);

	if (count > 0 && queue->kick_fd >= 0 && queue->ops->wants_kick(queue))
		guest_kick(queue);
	return count;
}

uint8_t *guest_fast_buffer(struct guest_queue *queue, uint32_t ago, uint32_t *size)
{
	uint16_t head = queue->ops->used_head(queue, ago);
	uint32_t slot;

	if (head >= queue->size)
		return NULL;
	slot = queue->chains[head].first_slot;
	if (slot >= queue->slots.count)
		return NULL;
	*size = queue->slots.slots[slot].length;
	return queue->slots.slots[slot].host;
}
