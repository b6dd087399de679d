/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * vhost-switch: guests come, enable and disable queues, and go.
 *
 * The library reports that from its own threads, in about this order: queues enabled, new device,
 * more queues enabled or disabled, destroy device, connection destroyed. A queue is *open*, which
 * means that the plane uses it, while it is enabled and its device runs.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vhost_switch.h"

#define CLEAR_SECONDS 2

static void say(const char *what, int vid)
{
	char path[PATH_MAX] = "?";

	if (vhost_switch.options.quiet)
		return;
	rte_vhost_get_ifname(vid, path, sizeof(path));
	fprintf(stderr, "vhost-switch: guest %d %s (%s)\n", vid, what, path);
}

static struct switch_port *find_port(int vid)
{
	struct switch_port *port = vhost_switch.ports;

	while (port != NULL && port->vid != vid)
		port = port->next;
	return port;
}

static struct switch_port *find_or_add_port(int vid)
{
	struct switch_port *port = find_port(vid);

	if (port != NULL)
		return port;
	port = calloc(1, sizeof(*port));
	if (port == NULL)
		return NULL;
	port->vid = vid;
	port->next = vhost_switch.ports;
	vhost_switch.ports = port;
	return port;
}

static void free_port(struct switch_port *port)
{
	struct switch_port **link = &vhost_switch.ports;

	while (*link != port)
		link = &(*link)->next;
	*link = port->next;
	for (uint16_t i = 0; i < port->pair_count; i++) {
		if (port->pairs[i] != NULL)
			plane_drop_waiting(port->pairs[i], DROP_GONE);
		free(port->pairs[i]);
	}
	free(port);
}

/** The queue of that index, made if need be; NULL when it is out of range. */
static struct switch_queue *find_or_add_queue(struct switch_port *port, uint16_t queue_id)
{
	uint16_t index = queue_id / 2;
	struct switch_pair *pair;

	if (index >= SWITCH_PAIRS)
		return NULL;
	if (port->pairs[index] == NULL) {
		pair = calloc(1, sizeof(*pair));
		if (pair == NULL)
			return NULL;
		pair->out.id = (uint16_t)(index * 2);
		pair->in.id = (uint16_t)(index * 2 + 1);
		port->pairs[index] = pair;
	}
	if (port->pair_count <= index)
		port->pair_count = (uint16_t)(index + 1);
	pair = port->pairs[index];
	return queue_id % 2 ? &pair->in : &pair->out;
}

/** Counters of the library grow, but start again with the rings. */
static uint64_t growth(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

static void read_counters(const struct switch_port *port, struct switch_queue *queue)
{
	struct switch_totals *totals = &vhost_switch.totals;
	struct rtevhostswift_vring_stats now = { 0 };
	const struct rtevhostswift_vring_stats *seen = &queue->seen;

	if (rtevhostswift_vring_stats_get(port->vid, queue->id, &now, sizeof(now)) < 0)
		return;
	totals->cpu_bytes += growth(now.cpu_bytes, seen->cpu_bytes);
	totals->engine_bytes += growth(now.engine_bytes, seen->engine_bytes);
	totals->malformed += growth(now.dropped_bad_chain, seen->dropped_bad_chain);
	totals->malformed += growth(now.dropped_unmapped, seen->dropped_unmapped);
	totals->malformed += growth(now.dropped_short, seen->dropped_short);
	totals->malformed += growth(now.dropped_direction, seen->dropped_direction);
	totals->malformed += growth(now.dropped_too_long, seen->dropped_too_long);
	queue->seen = now;
}

void port_read_all_counters(void)
{
	for (struct switch_port *port = vhost_switch.ports; port != NULL; port = port->next) {
		for (uint16_t i = 0; i < port->pair_count; i++) {
			if (port->pairs[i] == NULL)
				continue;
			if (port->pairs[i]->in.open)
				read_counters(port, &port->pairs[i]->in);
			if (port->pairs[i]->out.open)
				read_counters(port, &port->pairs[i]->out);
		}
	}
}

uint64_t port_count_waiting(void)
{
	uint64_t sum = 0;

	for (struct switch_port *port = vhost_switch.ports; port != NULL; port = port->next)
		for (uint16_t i = 0; i < port->pair_count; i++)
			if (port->pairs[i] != NULL)
				sum += port->pairs[i]->count;
	return sum;
}

uint64_t port_count_in_flight(void)
{
	uint64_t sum = 0;

	for (struct switch_port *port = vhost_switch.ports; port != NULL; port = port->next) {
		for (uint16_t i = 0; i < port->pair_count; i++) {
			const struct switch_pair *pair = port->pairs[i];

			if (pair != NULL)
				sum += (uint64_t)pair->in.in_flight + pair->out.in_flight;
		}
	}
	return sum;
}

/** Give the queue a channel. Without one its packets are copied by the plane. */
static bool add_channel(const struct switch_port *port, const struct switch_queue *queue)
{
	struct rte_vhost_async_config config = {
		.async_threshold = vhost_switch.options.threshold,
		.features = RTE_VHOST_ASYNC_INORDER,
	};

	if (rtevhostswift_dma_attach(vhost_switch.engine, port->vid, queue->id) < 0) {
		fprintf(stderr, "vhost-switch: guest %d: no engine for queue %d: %s\n", port->vid,
			queue->id, strerror(errno));
		return false;
	}
	if (rte_vhost_async_channel_register_thread_unsafe(port->vid, queue->id, config,
			rtevhostswift_dma_ops()) < 0) {
		fprintf(stderr, "vhost-switch: guest %d: no channel for queue %d\n", port->vid,
			queue->id);
		rtevhostswift_dma_detach(port->vid, queue->id);
		return false;
	}
	return true;
}

static void open_queue(const struct switch_port *port, struct switch_queue *queue)
{
	if (queue->open)
		return;
	queue->in_flight = 0;
	queue->async = vhost_switch.options.async && add_channel(port, queue);
	/* The plane looks by itself; the guest need not wake anybody. */
	rte_vhost_enable_guest_notification(port->vid, queue->id, 0);
	queue->open = true;
}

/** Packets of the queue's that the library still has. */
static uint32_t count_in_flight(const struct switch_port *port, const struct switch_queue *queue)
{
	int count = rte_vhost_async_get_inflight(port->vid, queue->id);

	return count > 0 ? (uint32_t)count : 0;
}

/**
 * Take back what is in flight, and wait for the engine where it still works on it. Packets from the
 * guest go where they belong.
 */
static void clear_channel(struct switch_port *port, struct switch_queue *queue)
{
	struct rte_mbuf *packets[SWITCH_BURST];
	time_t deadline = time(NULL) + CLEAR_SECONDS;

	for (;;) {
		uint16_t count = rte_vhost_clear_queue_thread_unsafe(port->vid, queue->id, packets,
			SWITCH_BURST);

		if (queue->id % 2)
			plane_deliver(port, queue->id / 2, packets, count);
		else
			plane_drop(packets, count, DROP_GONE);
		if (count > 0)
			continue;
		queue->in_flight = count_in_flight(port, queue);
		if (queue->in_flight == 0 || time(NULL) > deadline)
			return;
		sched_yield();
	}
}

/** Stop to use a queue. */
static void close_queue(struct switch_port *port, struct switch_queue *queue)
{
	if (!queue->open)
		return;
	queue->open = false;
	if (queue->async) {
		clear_channel(port, queue);
		if (queue->in_flight != 0 ||
				rte_vhost_async_channel_unregister_thread_unsafe(port->vid,
					queue->id) < 0 ||
				rtevhostswift_dma_detach(port->vid, queue->id) < 0)
			fprintf(stderr, "vhost-switch: guest %d: queue %d kept its channel, "
				"%" PRIu32 " packets in flight\n", port->vid, queue->id,
				queue->in_flight);
		vhost_switch.totals.stranded += queue->in_flight;
		queue->in_flight = 0;
		queue->async = false;
	}
	read_counters(port, queue);
}

static int on_new_device(int vid)
{
	struct switch_port *port;
	int ret = 0;

	plane_pause();
	port = find_or_add_port(vid);
	/* The first pair is up, or there would be no device. */
	for (uint16_t id = 0; port != NULL && id < 2; id++) {
		struct switch_queue *queue = find_or_add_queue(port, id);

		if (queue == NULL)
			port = NULL;
		else
			queue->enabled = true;
	}
	if (port == NULL) {
		ret = -1;
	} else {
		say("is there", vid);
		port->running = true;
		for (uint16_t i = 0; i < port->pair_count; i++) {
			struct switch_pair *pair = port->pairs[i];

			if (pair != NULL && pair->out.enabled)
				open_queue(port, &pair->out);
			if (pair != NULL && pair->in.enabled)
				open_queue(port, &pair->in);
		}
	}
	plane_resume();
	return ret;
}

/** Holding the lock means that the plane is between two rounds, so it has no packet in hand. */
static void on_destroy_device(int vid)
{
	struct switch_port *port;

	plane_pause();
	port = find_port(vid);
	if (port != NULL && port->running) {
		say("goes", vid);
		port->running = false;
		for (uint16_t i = 0; i < port->pair_count; i++) {
			if (port->pairs[i] == NULL)
				continue;
			close_queue(port, &port->pairs[i]->in);
			/* What the engine had from the guest; the ring is still there. */
			if (port->pairs[i]->out.open)
				plane_flush(port, port->pairs[i]);
			close_queue(port, &port->pairs[i]->out);
			plane_drop_waiting(port->pairs[i], DROP_GONE);
		}
		plane_forget(port);
	}
	plane_resume();
}

static int on_queue_changed(int vid, uint16_t queue_id, int enable)
{
	struct switch_queue *queue = NULL;
	struct switch_port *port;

	plane_pause();
	port = find_or_add_port(vid);
	if (port != NULL)
		queue = find_or_add_queue(port, queue_id);
	if (queue != NULL) {
		queue->enabled = enable != 0;
		if (queue->enabled && port->running)
			open_queue(port, queue);
		if (!queue->enabled)
			close_queue(port, queue);
		/* An echo may wait for the queue to come back; others have moved on by then. */
		if (!queue->enabled && queue_id % 2 == 0 && vhost_switch.options.mode != MODE_ECHO)
			plane_drop_waiting(port->pairs[queue_id / 2], DROP_GONE);
	}
	plane_resume();
	return queue != NULL ? 0 : -1;
}

static void on_destroy_connection(int vid)
{
	struct switch_port *port;

	plane_pause();
	port = find_port(vid);
	if (port != NULL)
		free_port(port);
	plane_resume();
}

void port_free_all(void)
{
	while (vhost_switch.ports != NULL)
		free_port(vhost_switch.ports);
}

const struct vhost_device_ops switch_callbacks = {
	.new_device = on_new_device,
	.destroy_device = on_destroy_device,
	.vring_state_changed = on_queue_changed,
	.destroy_connection = on_destroy_connection,
};
