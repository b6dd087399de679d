/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * What DPDK does with the caches of a mempool, in numbers alone: 21.08 and 22.11.
 */
#ifndef INSIDE_CACHE_MODEL_H
#define INSIDE_CACHE_MODEL_H

#include <stdbool.h>

/** An lcore's cache and the store behind it, and what the store was asked for. */
struct model {
	bool drains_whole;	/**< DPDK 22.11, not 21.08. */
	unsigned int length, depth, gets, got, puts, put;
};

static inline bool model_store_get(struct model *model, unsigned int count)
{
	model->gets++;
	if (count > model->depth)
		return false;
	model->got += count;
	model->depth -= count;
	return true;
}

static inline void model_store_put(struct model *model, unsigned int count)
{
	model->puts++;
	model->put += count;
	model->depth += count;
}

static inline bool model_get(struct model *model, unsigned int size, unsigned int count)
{
	unsigned int missing;

	if (!model->drains_whole) {
		if (count >= size)
			return model_store_get(model, count);
		if (model->length < count) {
			if (!model_store_get(model, count + size - model->length))
				return model_store_get(model, count);
			model->length = size + count;
		}
		model->length -= count;
		return true;
	}
	if (count <= model->length) {
		model->length -= count;
		return true;
	}
	missing = count - model->length;
	if (model_store_get(model, size + missing)) {
		model->length = size;
		return true;
	}
	if (!model_store_get(model, missing))
		return false;
	model->length = 0;
	return true;
}

static inline void model_put(struct model *model, unsigned int size, unsigned int count)
{
	unsigned int threshold = size * 3 / 2;

	if (!model->drains_whole) {
		model->length += count;
		if (model->length >= threshold) {
			model_store_put(model, model->length - size);
			model->length = size;
		}
	} else if (count > threshold) {
		model_store_put(model, count);
	} else if (model->length + count > threshold) {
		model_store_put(model, model->length);
		model->length = count;
	} else {
		model->length += count;
	}
}

#endif
