/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * vhost-switch: an Ethernet switch between the guests behind vhost-user sockets.
 *
 *	vhost-switch --socket /tmp/a.sock --socket /tmp/b.sock
 *
 * It shows how a program uses the library: sockets are registered here, guests come and go in
 * vhost_switch_port.c, packets move in vhost_switch_plane.c. Standard output gets one line at the
 * end:
 *	vhost-switch: rx=N tx=N dropped=N inflight=N leaked=N engine_share=P rx_hash=H
 *	tx_hash=H ...
 * leaked counts mbufs that did not come back to the pool; status 0 means that all did.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vhost_switch.h"

#define DRAIN_MILLISECONDS 1000
#define POOL_CACHE 256U
#define SMALLEST_MBUF 128
#define OFFLOADS (1ULL << VIRTIO_NET_F_CSUM | 1ULL << VIRTIO_NET_F_HOST_TSO4 | \
	1ULL << VIRTIO_NET_F_HOST_TSO6 | 1ULL << VIRTIO_NET_F_HOST_ECN | \
	1ULL << VIRTIO_NET_F_HOST_UFO)

struct switch_state vhost_switch = {
	.options = {
		.async = true, .threshold = 1024, .retries = 65536, .pool = 16384,
		.mbuf_size = 2048,
	},
};

static const char usage[] =
	"vhost-switch --socket PATH [options]\n"
	"  --socket PATH    vhost-user socket; may be repeated\n"
	"  --client         connect to the sockets instead of listening\n"
	"  --iommu          offer guests a device behind an IOMMU\n"
	"  --postcopy       let guests move here before their memory does\n"
	"  --async, --sync  copy with the library's DMA engine, or not (--async)\n"
	"  --threshold N    bytes from which on a piece goes to the engine (1024)\n"
	"  --echo           send each packet back, addresses swapped; never drop one\n"
	"  --sink           count packets and free them\n"
	"  --retries N      attempts to send before packets are dropped (65536)\n"
	"  --seconds N      end after N seconds\n"
	"  --pool N         mbufs (16384)\n"
	"  --mbuf-size N    bytes of data in an mbuf (2048)\n"
	"  --linear         never chain mbufs; longer packets are refused without --extbuf\n"
	"  --extbuf         long packets get a buffer of their own\n"
	"  --offloads       guests may send what is not segmented or has no checksum; only if\n"
	"                   all of them accept that\n"
	"  --no-packed      guests may not have packed rings\n"
	"  --no-in-order    guests may not have VIRTIO_F_IN_ORDER\n"
	"  --verify         hash all packets as the test guest does\n"
	"  --quiet          no figures while running\n"
	"  --help           this\n"
	"SIGINT and SIGTERM end it. Status 0: all mbufs came back; 1: not, or an error.\n";

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, 's' }, { "client", no_argument, NULL, 'c' },
	{ "iommu", no_argument, NULL, 'i' }, { "postcopy", no_argument, NULL, 'u' },
	{ "async", no_argument, NULL, 'a' }, { "sync", no_argument, NULL, 'y' },
	{ "threshold", required_argument, NULL, 't' }, { "echo", no_argument, NULL, 'e' },
	{ "sink", no_argument, NULL, 'k' }, { "retries", required_argument, NULL, 'r' },
	{ "seconds", required_argument, NULL, 'n' }, { "pool", required_argument, NULL, 'p' },
	{ "mbuf-size", required_argument, NULL, 'm' }, { "linear", no_argument, NULL, 'l' },
	{ "extbuf", no_argument, NULL, 'x' }, { "offloads", no_argument, NULL, 'o' },
	{ "no-packed", no_argument, NULL, 'P' }, { "no-in-order", no_argument, NULL, 'O' },
	{ "verify", no_argument, NULL, 'v' },
	{ "quiet", no_argument, NULL, 'q' }, { "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static unsigned int number(const char *text, unsigned int low, unsigned int high)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 0);
	if (errno != 0 || end == text || *end != 0 || value < low || value > high) {
		fprintf(stderr, "vhost-switch: %s: not a number from %u to %u\n", text, low, high);
		exit(2);
	}
	return (unsigned int)value;
}

static void parse_socket(struct switch_options *options, const char *path)
{
	if (options->socket_count == SWITCH_SOCKETS) {
		fprintf(stderr, "vhost-switch: more than %d sockets\n", SWITCH_SOCKETS);
		exit(2);
	}
	options->sockets[options->socket_count++] = path;
}

/** @return false for an option that is none. */
static bool parse_option(struct switch_options *options, int id, const char *value)
{
	switch (id) {
	case 's': parse_socket(options, value); break;
	case 'c': options->flags |= RTE_VHOST_USER_CLIENT; break;
	case 'i': options->flags |= RTE_VHOST_USER_IOMMU_SUPPORT; break;
	case 'u': options->flags |= RTE_VHOST_USER_POSTCOPY_SUPPORT; break;
	case 'a': options->async = true; break;
	case 'y': options->async = false; break;
	case 't': options->threshold = number(value, 0, UINT32_MAX); break;
	case 'e': options->mode = MODE_ECHO; break;
	case 'k': options->mode = MODE_SINK; break;
	case 'r': options->retries = number(value, 0, UINT32_MAX - 1); break;
	case 'n': options->seconds = number(value, 1, INT32_MAX); break;
	case 'p': options->pool = number(value, SWITCH_BURST, 1 << 24); break;
	case 'm':
		options->mbuf_size = number(value, SMALLEST_MBUF,
			UINT16_MAX - RTE_PKTMBUF_HEADROOM);
		break;
	case 'l': options->flags |= RTE_VHOST_USER_LINEARBUF_SUPPORT; break;
	case 'x': options->flags |= RTE_VHOST_USER_EXTBUF_SUPPORT; break;
	case 'o': options->offloads = true; break;
	case 'P': options->refused |= 1ULL << VIRTIO_F_RING_PACKED; break;
	case 'O': options->refused |= 1ULL << VIRTIO_F_IN_ORDER; break;
	case 'v': options->verify = true; break;
	case 'q': options->quiet = true; break;
	case 'h': fputs(usage, stdout); exit(EXIT_SUCCESS);
	default: return false;
	}
	return true;
}

static void parse(int argc, char **argv)
{
	struct switch_options *options = &vhost_switch.options;
	int id;

	while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!parse_option(options, id, optarg))
			exit(2);
	if (optind < argc || options->socket_count == 0) {
		fprintf(stderr, "vhost-switch: %s\n%s", optind < argc ?
			"an argument is no option" : "no --socket", usage);
		exit(2);
	}
}

static int open_socket(const char *path)
{
	const struct switch_options *options = &vhost_switch.options;
	uint64_t flags = options->flags;

	if (options->async)
		flags |= RTE_VHOST_USER_ASYNC_COPY;
	if (rte_vhost_driver_register(path, flags) < 0)
		return -1;
	/*
	 * A packet that leaves a checksum or its segmentation to its receiver can only go to guests
	 * that agreed to that. Unless the user knows that all do, no guest may send such packets.
	 */
	if ((!options->offloads && rte_vhost_driver_disable_features(path, OFFLOADS) < 0) ||
			rte_vhost_driver_disable_features(path, options->refused) < 0 ||
			rte_vhost_driver_callback_register(path, &switch_callbacks) < 0 ||
			rte_vhost_driver_start(path) < 0) {
		rte_vhost_driver_unregister(path);
		return -1;
	}
	return 0;
}

/** Pool, engine, plane. @return 0, or -1 with a message. */
static int prepare(void)
{
	const struct switch_options *options = &vhost_switch.options;
	int ret;

	vhost_switch.pool = rte_pktmbuf_pool_create("switch", options->pool,
		RTE_MIN(POOL_CACHE, options->pool / 2), 0,
		(uint16_t)(options->mbuf_size + RTE_PKTMBUF_HEADROOM), SOCKET_ID_ANY);
	if (vhost_switch.pool == NULL) {
		fprintf(stderr, "vhost-switch: no pool of mbufs: %s\n", strerror(errno));
		return -1;
	}
	if (options->async) {
		vhost_switch.engine = rtevhostswift_dma_create(NULL);
		if (vhost_switch.engine == NULL) {
			fprintf(stderr, "vhost-switch: no engine: %s\n", strerror(errno));
			return -1;
		}
	}
	ret = plane_start();
	if (ret != 0) {
		fprintf(stderr, "vhost-switch: no thread: %s\n", strerror(ret));
		return -1;
	}
	return 0;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double share(uint64_t part, uint64_t rest)
{
	return part + rest > 0 ? 100.0 * (double)part / (double)(part + rest) : 0;
}

static uint64_t sum_drops(const struct switch_totals *totals)
{
	uint64_t sum = 0;

	for (int i = 0; i < DROP_REASONS; i++)
		sum += totals->drops[i];
	return sum;
}

static size_t format_drops(char *text, size_t size, const struct switch_totals *totals)
{
	static const char *const names[DROP_REASONS] = {
		"runt", "nowhere to go", "own side", "queue full", "guest stuck", "guest gone",
	};
	size_t used = 0;

	text[0] = 0;
	for (int i = 0; i < DROP_REASONS && used < size; i++)
		if (totals->drops[i] > 0)
			used += (size_t)snprintf(text + used, size - used, ", %s %" PRIu64,
				names[i], totals->drops[i]);
	if (totals->malformed > 0 && used < size)
		used += (size_t)snprintf(text + used, size - used, ", malformed %" PRIu64,
			totals->malformed);
	return used;
}

/** One line about the time since the last one. */
static void report(struct switch_totals *last, double started, double span)
{
	bool in_place = isatty(STDOUT_FILENO);
	uint64_t in_flight, waiting;
	struct switch_totals totals;
	unsigned int guests = 0;
	char drops[256];

	plane_pause();
	port_read_all_counters();
	totals = vhost_switch.totals;
	in_flight = port_count_in_flight();
	waiting = port_count_waiting();
	for (struct switch_port *port = vhost_switch.ports; port != NULL; port = port->next)
		guests += port->running;
	plane_resume();
	format_drops(drops, sizeof(drops), &totals);
	fprintf(in_place ? stdout : stderr,
		"%s%.0f s: %u guests, in %.0f packets/s %.3f Gbit/s, out %.0f packets/s "
		"%.3f Gbit/s, in flight %" PRIu64 ", waiting %" PRIu64 ", engine %.1f %%, "
		"dropped %" PRIu64 "%s%s", in_place ? "\r\033[K" : "vhost-switch: ",
		now() - started, guests, (double)(totals.rx_packets - last->rx_packets) / span,
		(double)(totals.rx_bytes - last->rx_bytes) * 8e-9 / span,
		(double)(totals.tx_packets - last->tx_packets) / span,
		(double)(totals.tx_bytes - last->tx_bytes) * 8e-9 / span, in_flight, waiting,
		share(totals.engine_bytes - last->engine_bytes, totals.cpu_bytes - last->cpu_bytes),
		sum_drops(&totals), drops, in_place ? "" : "\n");
	fflush(in_place ? stdout : stderr);
	*last = totals;
}

/** Until a signal comes or the time is over. */
static void watch(const sigset_t *signals, double started)
{
	const struct switch_options *options = &vhost_switch.options;
	struct switch_totals last = { 0 };
	double tick = started;

	for (;;) {
		double wait = tick + 1 - now();
		struct timespec timeout = { 0 };

		if (wait > 0) {
			timeout.tv_sec = (time_t)wait;
			timeout.tv_nsec = (long)((wait - (double)timeout.tv_sec) * 1e9);
		}
		if (sigtimedwait(signals, NULL, &timeout) > 0)
			return;
		if (errno == EINTR)
			continue;
		if (!options->quiet)
			report(&last, started, now() - tick);
		tick = now();
		if (options->seconds > 0 && tick - started >= options->seconds)
			return;
	}
}

/** Take no more packets, send those that are here, and close the sockets. */
static void shut_down(unsigned int sockets)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint64_t left = 1;

	plane_pause();
	vhost_switch.draining = true;
	plane_resume();
	for (int i = 0; i < DRAIN_MILLISECONDS && left > 0; i++) {
		plane_pause();
		left = port_count_waiting() + port_count_in_flight();
		plane_resume();
		nanosleep(&pause, NULL);
	}
	while (sockets > 0)
		rte_vhost_driver_unregister(vhost_switch.options.sockets[--sockets]);
	plane_stop();
	port_free_all();
	if (vhost_switch.engine != NULL && rtevhostswift_dma_destroy(vhost_switch.engine) < 0)
		fprintf(stderr, "vhost-switch: the engine stays: %s\n", strerror(errno));
}

/** The summary. @return whether all mbufs came back. */
static bool summarise(double seconds)
{
	const struct switch_totals *totals = &vhost_switch.totals;
	unsigned int leaked = vhost_switch.pool->size - rte_mempool_avail_count(vhost_switch.pool);

	if (isatty(STDOUT_FILENO) && !vhost_switch.options.quiet)
		putchar('\n');
	printf("vhost-switch: rx=%" PRIu64 " tx=%" PRIu64 " dropped=%" PRIu64 " inflight=%" PRIu64
		" leaked=%u engine_share=%.1f rx_hash=%016" PRIx64 " tx_hash=%016" PRIx64
		" rx_bytes=%" PRIu64 " tx_bytes=%" PRIu64 " rx_hellos=%" PRIu64
		" tx_hellos=%" PRIu64 " changed=%" PRIu64 " malformed=%" PRIu64 " seconds=%.3f\n",
		totals->rx_packets, totals->tx_packets, sum_drops(totals), totals->stranded, leaked,
		share(totals->engine_bytes, totals->cpu_bytes), totals->rx.sum, totals->tx.sum,
		totals->rx_bytes, totals->tx_bytes, totals->rx.hellos, totals->tx.hellos,
		totals->rx.changed + totals->tx.changed, totals->malformed, seconds);
	return leaked == 0 && totals->stranded == 0;
}

int main(int argc, char **argv)
{
	const struct switch_options *options = &vhost_switch.options;
	unsigned int sockets = 0;
	double started = now();
	sigset_t signals;
	bool clean = true;

	parse(argc, argv);
	/* Before there are threads, so that none of them gets the signals. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (prepare() < 0)
		return EXIT_FAILURE;
	while (sockets < options->socket_count && open_socket(options->sockets[sockets]) == 0)
		sockets++;
	if (sockets == options->socket_count) {
		watch(&signals, started);
	} else {
		fprintf(stderr, "vhost-switch: cannot open %s\n", options->sockets[sockets]);
		clean = false;
	}
	shut_down(sockets);
	clean &= summarise(now() - started);
	rte_mempool_free(vhost_switch.pool);
	return clean ? EXIT_SUCCESS : EXIT_FAILURE;
}
