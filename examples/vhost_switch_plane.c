/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * vhost-switch: the thread that moves packets, and where it sends them.
 *
 * A round looks at every open queue: packets from the guest are put where they wait for room in
 * the queues of their receivers; then each of those queues gets as many as it has room for. With
 * a channel a packet that was submitted belongs to the library until it comes back, from the same
 * call or from a later poll.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <rte_ether.h>

#include "vhost_switch.h"

#define TABLE_SIZE 4096
#define TABLE_WAYS 8
/* Rounds without a packet after which the plane yields, and sleeps between rounds. */
#define YIELD_ROUNDS 64
#define SLEEP_ROUNDS 4096
#define SLEEP_NANOSECONDS 50000
/* Bursts that are collected from a queue in one round. */
#define COLLECT_BURSTS 8

/** Which guest has an address. */
struct table_entry {
	uint64_t address;
	const struct switch_port *port;
};

static struct table_entry table[TABLE_SIZE];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint waiters;
static atomic_bool stopping;
static pthread_t thread;

void plane_pause(void)
{
	atomic_fetch_add(&waiters, 1);
	pthread_mutex_lock(&lock);
}

void plane_resume(void)
{
	pthread_mutex_unlock(&lock);
	atomic_fetch_sub(&waiters, 1);
}

/** Let those go first who wait for the lock. */
static void give_way(void)
{
	if (atomic_load_explicit(&waiters, memory_order_relaxed) == 0)
		return;
	pthread_mutex_unlock(&lock);
	while (atomic_load(&waiters) != 0)
		sched_yield();
	pthread_mutex_lock(&lock);
}

static struct table_entry *table_bucket(uint64_t address)
{
	uint64_t hash = address * 0x9e3779b97f4a7c15ULL;

	return &table[(hash >> 32) % (TABLE_SIZE / TABLE_WAYS) * TABLE_WAYS];
}

static uint64_t table_key(const struct rte_ether_addr *address)
{
	uint64_t key = 0;

	memcpy(&key, address, sizeof(*address));
	return key;
}

static void table_learn(const struct rte_ether_addr *address, const struct switch_port *port)
{
	uint64_t key = table_key(address);
	struct table_entry *bucket = table_bucket(key), *unused = NULL;
	static unsigned int victim;

	if (!rte_is_valid_assigned_ether_addr(address))
		return;
	for (unsigned int i = 0; i < TABLE_WAYS; i++) {
		if (bucket[i].port == NULL) {
			unused = &bucket[i];
		} else if (bucket[i].address == key) {
			bucket[i].port = port;
			return;
		}
	}
	if (unused == NULL)
		unused = &bucket[victim++ % TABLE_WAYS];
	unused->address = key;
	unused->port = port;
}

static const struct switch_port *table_find(const struct rte_ether_addr *address)
{
	uint64_t key = table_key(address);
	const struct table_entry *bucket = table_bucket(key);

	for (unsigned int i = 0; i < TABLE_WAYS; i++)
		if (bucket[i].port != NULL && bucket[i].address == key)
			return bucket[i].port;
	return NULL;
}

void plane_forget(const struct switch_port *port)
{
	for (unsigned int i = 0; i < TABLE_SIZE; i++)
		if (table[i].port == port)
			table[i].port = NULL;
}

void plane_drop(struct rte_mbuf **packets, uint32_t count, enum switch_drop reason)
{
	vhost_switch.totals.drops[reason] += count;
	rte_pktmbuf_free_bulk(packets, count);
}

void plane_drop_waiting(struct switch_pair *pair, enum switch_drop reason)
{
	for (; pair->count > 0; pair->count--)
		plane_drop(&pair->waiting[pair->first++ % SWITCH_BACKLOG], 1, reason);
	pair->failures = 0;
}

/** Packets reached the guest; they are ours again. */
static void finish(struct rte_mbuf **packets, uint32_t count)
{
	struct switch_totals *totals = &vhost_switch.totals;

	totals->tx_packets += count;
	for (uint32_t i = 0; i < count; i++) {
		totals->tx_bytes += packets[i]->pkt_len;
		if (vhost_switch.options.verify)
			verify_packet(&totals->tx, packets[i]);
	}
	rte_pktmbuf_free_bulk(packets, count);
}

/** Collect what the engine has brought to the guest. */
static uint32_t collect(const struct switch_port *port, struct switch_queue *queue)
{
	struct rte_mbuf *packets[SWITCH_BURST];
	uint32_t total = 0;

	for (int i = 0; i < COLLECT_BURSTS && queue->in_flight > 0; i++) {
		uint16_t count = rte_vhost_poll_enqueue_completed(port->vid, queue->id, packets,
			SWITCH_BURST);

		finish(packets, count);
		queue->in_flight -= count;
		total += count;
		if (count < SWITCH_BURST)
			break;
	}
	return total;
}

/** Offer packets to the guest. @return how many it took. */
static uint16_t send_burst(const struct switch_port *port, struct switch_queue *queue,
	struct rte_mbuf **packets, uint16_t count)
{
	struct rte_mbuf *done[SWITCH_BURST];
	uint32_t done_count = 0;
	uint16_t taken;

	if (!queue->async) {
		taken = rte_vhost_enqueue_burst(port->vid, queue->id, packets, count);
		finish(packets, taken);
		return taken;
	}
	taken = rte_vhost_submit_enqueue_burst(port->vid, queue->id, packets, count, done,
		&done_count);
	finish(done, done_count);
	queue->in_flight += taken - done_count;
	return taken;
}

uint32_t plane_flush(const struct switch_port *port, struct switch_pair *pair)
{
	const struct switch_options *options = &vhost_switch.options;
	uint32_t total = 0;

	while (pair->count > 0) {
		uint32_t at = pair->first % SWITCH_BACKLOG;
		uint32_t count = RTE_MIN(pair->count, (uint32_t)SWITCH_BURST);
		uint16_t taken;

		count = RTE_MIN(count, SWITCH_BACKLOG - at);
		taken = send_burst(port, &pair->out, &pair->waiting[at], (uint16_t)count);
		pair->first += taken;
		pair->count -= taken;
		total += taken;
		if (taken < count)
			break;
	}
	pair->failures = total > 0 || pair->count == 0 ? 0 : pair->failures + 1;
	if (pair->failures > options->retries && options->mode != MODE_ECHO)
		plane_drop_waiting(pair, DROP_STUCK);
	return total;
}

/** Let a packet wait for room. */
static void append(struct switch_pair *pair, struct rte_mbuf *packet)
{
	if (pair->count == SWITCH_BACKLOG) {
		plane_drop(&packet, 1, DROP_FULL);
		return;
	}
	pair->waiting[(pair->first + pair->count) % SWITCH_BACKLOG] = packet;
	pair->count++;
}

/** The queue that a port gets packets on that came in on pair: a flow stays in one queue. */
static struct switch_pair *choose_pair(const struct switch_port *port, uint16_t pair)
{
	for (uint16_t i = 0; i < port->pair_count; i++) {
		struct switch_pair *choice = port->pairs[(pair + i) % port->pair_count];

		if (choice != NULL && choice->out.open)
			return choice;
	}
	return NULL;
}

/** To all guests but the sender. They share the mbufs, which the library only reads. */
static void flood(const struct switch_port *from, uint16_t pair, struct rte_mbuf *packet)
{
	struct switch_pair *last = NULL;

	for (struct switch_port *port = vhost_switch.ports; port != NULL; port = port->next) {
		struct switch_pair *to = port != from ? choose_pair(port, pair) : NULL;

		if (to == NULL)
			continue;
		if (last != NULL) {
			rte_pktmbuf_refcnt_update(packet, 1);
			append(last, packet);
		}
		last = to;
	}
	if (last != NULL)
		append(last, packet);
	else
		plane_drop(&packet, 1, DROP_NOWHERE);
}

static void forward(const struct switch_port *from, uint16_t pair, struct rte_mbuf *packet)
{
	const struct rte_ether_hdr *header = rte_pktmbuf_mtod(packet, const struct rte_ether_hdr *);
	const struct switch_port *to = NULL;
	struct switch_pair *choice;

	table_learn(&header->s_addr, from);
	if (rte_is_unicast_ether_addr(&header->d_addr))
		to = table_find(&header->d_addr);
	if (to == NULL) {
		flood(from, pair, packet);
		return;
	}
	choice = to != from ? choose_pair(to, pair) : NULL;
	if (choice != NULL)
		append(choice, packet);
	else
		plane_drop(&packet, 1, to == from ? DROP_OWN : DROP_NOWHERE);
}

static void echo(struct switch_port *port, uint16_t pair, struct rte_mbuf *packet)
{
	struct rte_ether_hdr *header = rte_pktmbuf_mtod(packet, struct rte_ether_hdr *);
	struct rte_ether_addr address = header->d_addr;

	header->d_addr = header->s_addr;
	header->s_addr = address;
	append(port->pairs[pair], packet);
}

void plane_deliver(struct switch_port *port, uint16_t pair, struct rte_mbuf **packets,
	uint16_t count)
{
	const struct switch_options *options = &vhost_switch.options;
	struct switch_totals *totals = &vhost_switch.totals;

	totals->rx_packets += count;
	for (uint16_t i = 0; i < count; i++) {
		totals->rx_bytes += packets[i]->pkt_len;
		if (options->verify)
			verify_packet(&totals->rx, packets[i]);
		if (options->mode == MODE_SINK)
			rte_pktmbuf_free(packets[i]);
		else if (packets[i]->data_len < RTE_ETHER_HDR_LEN)
			plane_drop(&packets[i], 1, DROP_RUNT);
		else if (options->mode == MODE_ECHO)
			echo(port, pair, packets[i]);
		else
			forward(port, pair, packets[i]);
	}
}

/** Take packets from the guest, while they are wanted. @return how many. */
static uint16_t receive(struct switch_port *port, uint16_t index)
{
	struct switch_pair *pair = port->pairs[index];
	struct rte_mbuf *packets[SWITCH_BURST];
	uint16_t room = SWITCH_BURST, count;
	int in_flight = 0;

	/* Back pressure: what the guest cannot get back stays in its ring. */
	if (vhost_switch.options.mode == MODE_ECHO) {
		if (!pair->out.open)
			return 0;
		room = (uint16_t)RTE_MIN((uint32_t)room, SWITCH_BACKLOG - pair->count);
	}
	if (room == 0 || (vhost_switch.draining && !pair->in.async))
		return 0;
	if (vhost_switch.draining) {
		/* What was taken from the guest before, and nothing more. */
		count = rte_vhost_clear_queue_thread_unsafe(port->vid, pair->in.id, packets, room);
		in_flight = rte_vhost_async_get_inflight(port->vid, pair->in.id);
	} else if (pair->in.async) {
		count = rte_vhost_async_try_dequeue_burst(port->vid, pair->in.id,
			vhost_switch.pool, packets, room, &in_flight);
	} else {
		count = rte_vhost_dequeue_burst(port->vid, pair->in.id, vhost_switch.pool,
			packets, room);
	}
	pair->in.in_flight = in_flight > 0 ? (uint32_t)in_flight : 0;
	plane_deliver(port, index, packets, count);
	return count;
}

/** Look at every open queue once. @return packets moved. */
static uint32_t run_round(void)
{
	struct switch_port *port;
	uint32_t moved = 0;

	for (port = vhost_switch.ports; port != NULL; port = port->next) {
		for (uint16_t i = 0; i < port->pair_count; i++) {
			if (port->pairs[i] != NULL && port->pairs[i]->in.open)
				moved += receive(port, i);
		}
	}
	for (port = vhost_switch.ports; port != NULL; port = port->next) {
		for (uint16_t i = 0; i < port->pair_count; i++) {
			struct switch_pair *pair = port->pairs[i];

			if (pair == NULL || !pair->out.open)
				continue;
			moved += collect(port, &pair->out);
			moved += plane_flush(port, pair);
		}
	}
	return moved;
}

static void *run_plane(void *unused)
{
	const struct timespec pause = { .tv_nsec = SLEEP_NANOSECONDS };
	uint32_t idle = 0;

	pthread_mutex_lock(&lock);
	while (!atomic_load_explicit(&stopping, memory_order_relaxed)) {
		idle = run_round() > 0 ? 0 : idle + 1;
		give_way();
		if (idle < YIELD_ROUNDS)
			continue;
		/* The guests and the engine need a CPU, too. */
		pthread_mutex_unlock(&lock);
		if (idle < SLEEP_ROUNDS)
			sched_yield();
		else
			nanosleep(&pause, NULL);
		pthread_mutex_lock(&lock);
	}
	pthread_mutex_unlock(&lock);
	return unused;
}

int plane_start(void)
{
	return pthread_create(&thread, NULL, run_plane, NULL);
}

void plane_stop(void)
{
	atomic_store(&stopping, true);
	pthread_join(thread, NULL);
}
