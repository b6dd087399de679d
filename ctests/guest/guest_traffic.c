/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * guest-traffic: send packets through a vhost-user backend; with --echo-verify, expect each of
 * them back with its addresses swapped and check it. See traffic_options.c for the options.
 *
 * Standard output gets one line:
 *   guest: sent=N received=N lost=N reordered=N changed=N bytes=N tx_hash=H rx_hash=H ...
 * The hashes are order-independent sums over everything but the packets' addresses.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <linux/virtio_config.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "traffic.h"

#define SEND_BURST 32
#define IDLE_ROUNDS 256
#define DRAIN_SECONDS 3.0
#define CHECK_ROUNDS 4096
#define HELLO_INTERVAL 0.02
#define HELLO_QUIET 0.1

static volatile sig_atomic_t interrupted;

/** A run in progress. */
struct run {
	const struct traffic_options *options;
	struct guest *guest;
	struct traffic_flow *flows;
	uint32_t flow_count;
	double started, last_progress, last_report;
	struct traffic_counts reported;
	uint32_t reconnects;
};

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static struct traffic_counts total(const struct run *run)
{
	struct traffic_counts sum = { 0 };

	for (uint32_t i = 0; i < run->flow_count; i++) {
		const struct traffic_counts *counts = &run->flows[i].counts;

		sum.sent += counts->sent;
		sum.received += counts->received;
		sum.bytes += counts->bytes;
		sum.reordered += counts->reordered;
		sum.changed += counts->changed;
		sum.twice += counts->twice;
		sum.foreign += counts->foreign;
		sum.tx_hash += counts->tx_hash;
		sum.rx_hash += counts->rx_hash;
	}
	return sum;
}

static uint64_t outstanding(const struct run *run)
{
	uint64_t sum = 0;

	/* Without an echo a packet is done when the backend has taken it. */
	for (uint32_t i = 0; i < run->flow_count; i++)
		sum += run->options->echo ? run->flows[i].outstanding :
					    run->flows[i].tx->in_flight;
	return sum;
}

static void report(struct run *run, double time)
{
	struct traffic_counts sum = total(run);
	double span = time - run->last_report;

	fprintf(stderr, "guest: %.1f s: %.0f packets/s out, %.0f back, %.2f Gbit/s, "
		"%" PRIu64 " outstanding, %" PRIu64 " changed, %" PRIu64 " reordered\n",
		time - run->started, (double)(sum.sent - run->reported.sent) / span,
		(double)(sum.received - run->reported.received) / span,
		(double)(sum.bytes - run->reported.bytes) * 8e-9 / span,
		outstanding(run), sum.changed, sum.reordered);
	run->last_report = time;
	run->reported = sum;
}

/** How many packets one queue may still send; the total is shared out evenly. */
static uint32_t quota(const struct run *run, uint32_t index)
{
	const struct traffic_options *options = run->options;
	uint64_t share, sent = run->flows[index].counts.sent;

	if (options->packets == 0)
		return SEND_BURST;
	share = options->packets / run->flow_count + (index < options->packets % run->flow_count);
	return share - sent < SEND_BURST ? (uint32_t)(share - sent) : SEND_BURST;
}

/** One turn of all queues. @return packets moved, or a negative errno. */
static int turn(struct run *run, bool sending)
{
	int moved = 0;

	for (uint32_t i = 0; i < run->flow_count; i++) {
		struct traffic_flow *flow = &run->flows[i];
		uint32_t used = flow->tx->in_flight;
		int ret = traffic_receive(flow, run->flows, run->flow_count);

		if (ret < 0)
			return ret;
		moved += ret;
		ret = traffic_send(flow, sending ? quota(run, i) : 0);
		if (ret < 0)
			return ret;
		moved += ret + (flow->tx->in_flight < used);
	}
	return moved;
}

/** What was asked for by name and changes what is tested must not be missing. */
static int check_formats(const struct guest *guest)
{
	static const unsigned int bits[] = { VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER };

	for (int i = 0; i < 2; i++) {
		if ((guest->config.features & GUEST_BIT(bits[i])) && !guest_has(guest, bits[i])) {
			fprintf(stderr, "guest-traffic: feature %u is not offered\n", bits[i]);
			return -EOPNOTSUPP;
		}
	}
	return 0;
}

/** Connect, and start the device or go on with it. @return 0 or a negative errno. */
static int bring_up(struct run *run)
{
	double deadline = now() + run->options->guest.timeout_ms * 1e-3;
	int ret;

	for (;;) {
		ret = guest_connect(run->guest);
		if (ret == 0)
			ret = check_formats(run->guest);
		if (ret == 0)
			ret = guest_start(run->guest);
		if (ret == 0 || ret == -EOPNOTSUPP || !run->options->reconnect || interrupted ||
		    now() > deadline)
			return ret;
		/* It died before it was ready, or the backlog still had one that is dead. */
		guest_disconnect(run->guest);
		sched_yield();
	}
}

/** The next backend takes over: memory, rings and what is in them stay. */
static int take_over(struct run *run)
{
	/* Whatever the old one said that it did, it did. */
	for (uint32_t i = 0; i < run->flow_count; i++)
		while (traffic_receive(&run->flows[i], run->flows, run->flow_count) > 0)
			;
	for (uint32_t i = 0; i < run->flow_count; i++)
		traffic_flow_resume(&run->flows[i]);
	guest_disconnect(run->guest);
	run->reconnects++;
	return bring_up(run);
}

/** Things not worth doing every turn. @return whether there is a backend. */
static bool look_around(struct run *run, double time)
{
	if (run->options->live && time - run->last_report >= 1.0)
		report(run, time);
	if (guest_service(run->guest) >= 0 && guest_frontend_alive(&run->guest->frontend))
		return true;
	fprintf(stderr, "guest-traffic: the backend hung up\n");
	if (!run->options->reconnect || take_over(run) < 0)
		return false;
	run->last_progress = now();
	return true;
}

/** Whether sending is over. */
static bool finished(const struct run *run, double time)
{
	if (interrupted)
		return true;
	if (run->options->seconds > 0 && time - run->started >= run->options->seconds)
		return true;
	if (run->options->packets == 0)
		return false;
	for (uint32_t i = 0; i < run->flow_count; i++)
		if (quota(run, i) > 0)
			return false;
	return true;
}

/** Whether every flow has had a hello back; sends another one to those that have not. */
static int greet(struct run *run)
{
	int missing = 0;

	for (uint32_t i = 0; i < run->flow_count; i++) {
		int ret;

		if (run->flows[i].greeted)
			continue;
		missing++;
		ret = traffic_hello(&run->flows[i]);
		if (ret < 0)
			return ret;
	}
	return missing;
}

/** Wait until the backend echoes on every queue and no hello is on its way any more. */
static int warm_up(struct run *run)
{
	double deadline = now() + run->options->guest.timeout_ms * 1e-3;
	double next = 0, quiet_since = now();
	int missing = 1;

	while (missing > 0 || now() - quiet_since < HELLO_QUIET) {
		int moved = turn(run, false);

		if (moved < 0)
			return moved;
		if (moved > 0)
			quiet_since = now();
		if (!look_around(run, now()))
			return -ECONNRESET;
		if (interrupted)
			return -EINTR;
		if (now() > deadline) {
			fprintf(stderr, "guest-traffic: no echo on %d queues\n", missing);
			return -ETIMEDOUT;
		}
		if (missing > 0 && now() >= next) {
			missing = greet(run);
			if (missing < 0)
				return missing;
			next = now() + HELLO_INTERVAL;
		}
		sched_yield();
	}
	return 0;
}

/** Send and receive until done, then drain. @return 0 or a negative errno. */
static int traffic_loop(struct run *run)
{
	uint32_t idle = 0;
	bool sending = true;

	run->started = run->last_progress = run->last_report = now();
	for (uint64_t round = 0;; round++) {
		int moved = turn(run, sending);
		double time = now();

		if (moved < 0)
			return moved;
		idle = moved ? 0 : idle + 1;
		if (moved)
			run->last_progress = time;
		/* With fewer cores than threads the backend needs ours. */
		if (idle >= IDLE_ROUNDS)
			sched_yield();
		if ((round % CHECK_ROUNDS == 0 || idle >= IDLE_ROUNDS) && !look_around(run, time))
			return -ECONNRESET;
		if (time - run->last_progress > DRAIN_SECONDS) {
			fprintf(stderr, "guest-traffic: no packet for %.0f s\n", DRAIN_SECONDS);
			return -ETIMEDOUT;
		}
		sending = sending && !finished(run, time);
		if (!sending && outstanding(run) == 0)
			return 0;
	}
}

/** Print the summary. @return whether all is right. */
static bool summarise(const struct run *run)
{
	struct traffic_counts sum = total(run);
	uint64_t complaints = guest_complaints(run->guest);
	uint64_t lost = run->options->echo ? sum.sent - sum.received : 0;
	double seconds = now() - run->started;
	uint64_t at_risk = 0;

	for (uint32_t i = 0; i < run->flow_count; i++)
		at_risk += run->flows[i].at_risk;
	printf("guest: sent=%" PRIu64 " received=%" PRIu64 " lost=%" PRIu64 " reordered=%" PRIu64
	       " changed=%" PRIu64 " bytes=%" PRIu64 " tx_hash=%016" PRIx64 " rx_hash=%016" PRIx64
	       " twice=%" PRIu64 " foreign=%" PRIu64 " complaints=%" PRIu64
	       " seconds=%.3f pps=%.0f reconnects=%u at_risk=%" PRIu64 "\n",
	       sum.sent, sum.received, lost, sum.reordered, sum.changed, sum.bytes, sum.tx_hash,
	       sum.rx_hash, sum.twice, sum.foreign, complaints, seconds,
	       (double)sum.sent / seconds, run->reconnects, at_risk);
	if (sum.sent == 0 || lost > at_risk || complaints)
		return false;
	if (sum.reordered || sum.changed || sum.twice)
		return false;
	return !run->options->echo || lost || sum.tx_hash == sum.rx_hash;
}

static int run_guest(const struct traffic_options *options, struct guest *guest)
{
	struct run run = {
		.options = options, .guest = guest, .flow_count = options->guest.queue_pairs,
	};
	static uint8_t frame[GUEST_MAX_FRAME + 1];
	int ret = bring_up(&run);

	if (ret < 0) {
		fprintf(stderr, "guest-traffic: %s: %s\n", options->guest.socket_path,
			strerror(-ret));
		return EXIT_FAILURE;
	}
	run.flows = calloc(run.flow_count, sizeof(*run.flows));
	if (!run.flows)
		return EXIT_FAILURE;
	for (uint32_t i = 0; i < run.flow_count; i++)
		traffic_flow_init(&run.flows[i], guest, (uint16_t)i, options, frame);

	run.started = run.last_report = now();
	if (options->echo)
		ret = warm_up(&run);
	if (ret == 0)
		ret = traffic_loop(&run);
	if (!summarise(&run) && ret == 0)
		ret = -EBADMSG;
	free(run.flows);
	if (ret == 0)
		ret = guest_stop(guest);
	if (ret < 0)
		fprintf(stderr, "guest-traffic: %s\n", strerror(-ret));
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct traffic_options options;
	struct guest *guest;
	int ret = traffic_parse(argc, argv, &options);

	if (ret)
		return ret > 0 ? EXIT_SUCCESS : 2;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	ret = guest_create(&options.guest, &guest);
	if (ret < 0) {
		fprintf(stderr, "guest-traffic: cannot make a guest: %s\n", strerror(-ret));
		return EXIT_FAILURE;
	}
	ret = run_guest(&options, guest);
	guest_destroy(guest);
	return ret;
}
