/* SPDX-License-Identifier: BSD-3-Clause */

/* The command line of guest-traffic. */
#include <errno.h>
#include <getopt.h>
#include <linux/virtio_config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traffic.h"

#define HEADER 12
#define DEFAULT_PACKETS 100000
#define CHAINS_PER_RING 8

static const char usage[] =
	"guest-traffic --socket PATH [options]\n"
	"  --socket PATH       vhost-user socket\n"
	"  --listen            be the socket's server\n"
	"  --reconnect         when the backend hangs up, go on with the next one; what it had\n"
	"                      taken by then may be lost\n"
	"  --timeout SECONDS   for the socket to appear, and for replies (10)\n"
	"  --packets N         stop after N packets (100000)\n"
	"  --seconds S         stop after S seconds\n"
	"  --sizes SPEC        mixed (60-9000), N, or A-B (mixed)\n"
	"  --queues N          queue pairs (1)\n"
	"  --ring-size N       entries per ring (256)\n"
	"  --buffer N          bytes per buffer (2048, or more when rings are small)\n"
	"  --regions N         memory regions (1)\n"
	"  --huge              2 MiB pages\n"
	"  --window N          packets outstanding per queue (as many as the ring holds)\n"
	"  --shape KIND        mixed, direct, chained, indirect (mixed)\n"
	"  --rx-shape KIND     direct, chained, indirect (direct)\n"
	"  --echo-verify       expect every packet back with its addresses swapped\n"
	"  --no-mrg            without VIRTIO_NET_F_MRG_RXBUF\n"
	"  --no-event-idx      without VIRTIO_RING_F_EVENT_IDX\n"
	"  --no-indirect       without VIRTIO_RING_F_INDIRECT_DESC\n"
	"  --legacy            without VIRTIO_F_VERSION_1\n"
	"  --packed            with VIRTIO_F_RING_PACKED; an error when it cannot be had\n"
	"  --in-order          with VIRTIO_F_IN_ORDER; the same\n"
	"  --iommu             with VIRTIO_F_ACCESS_PLATFORM\n"
	"  --poll              no eventfds\n"
	"  --shuffle           chains do not run through the ring in order\n"
	"  --sender N          number of this guest in its packets (0)\n"
	"  --seed N            of sizes and shapes (1)\n"
	"  --live              figures on standard error every second\n"
	"Exit status 0 only when every packet came back, unchanged and in order.\n";

enum option_id {
	OPT_SOCKET = 256, OPT_LISTEN, OPT_TIMEOUT, OPT_PACKETS, OPT_SECONDS, OPT_SIZES,
	OPT_QUEUES, OPT_RING_SIZE, OPT_BUFFER, OPT_REGIONS, OPT_HUGE, OPT_WINDOW, OPT_SHAPE,
	OPT_RX_SHAPE, OPT_ECHO, OPT_NO_MRG, OPT_NO_EVENT_IDX, OPT_NO_INDIRECT, OPT_LEGACY,
	OPT_PACKED, OPT_IN_ORDER, OPT_IOMMU, OPT_POLL, OPT_SHUFFLE, OPT_SENDER, OPT_SEED, OPT_LIVE,
	OPT_HELP, OPT_RECONNECT,
};

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "listen", no_argument, NULL, OPT_LISTEN },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "packets", required_argument, NULL, OPT_PACKETS },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "sizes", required_argument, NULL, OPT_SIZES },
	{ "queues", required_argument, NULL, OPT_QUEUES },
	{ "ring-size", required_argument, NULL, OPT_RING_SIZE },
	{ "buffer", required_argument, NULL, OPT_BUFFER },
	{ "regions", required_argument, NULL, OPT_REGIONS },
	{ "huge", no_argument, NULL, OPT_HUGE },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "shape", required_argument, NULL, OPT_SHAPE },
	{ "rx-shape", required_argument, NULL, OPT_RX_SHAPE },
	{ "echo-verify", no_argument, NULL, OPT_ECHO },
	{ "no-mrg", no_argument, NULL, OPT_NO_MRG },
	{ "no-event-idx", no_argument, NULL, OPT_NO_EVENT_IDX },
	{ "no-indirect", no_argument, NULL, OPT_NO_INDIRECT },
	{ "legacy", no_argument, NULL, OPT_LEGACY },
	{ "packed", no_argument, NULL, OPT_PACKED },
	{ "in-order", no_argument, NULL, OPT_IN_ORDER },
	{ "iommu", no_argument, NULL, OPT_IOMMU },
	{ "poll", no_argument, NULL, OPT_POLL },
	{ "shuffle", no_argument, NULL, OPT_SHUFFLE },
	{ "sender", required_argument, NULL, OPT_SENDER },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "live", no_argument, NULL, OPT_LIVE },
	{ "reconnect", no_argument, NULL, OPT_RECONNECT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static int fail(const char *what, const char *value)
{
	fprintf(stderr, "guest-traffic: %s: %s\n", what, value);
	return -EINVAL;
}

static int parse_sizes(const char *text, struct traffic_options *options)
{
	char *end;

	if (strcmp(text, "mixed") == 0)
		return 0;
	options->size_min = options->size_max = (uint32_t)strtoul(text, &end, 0);
	if (*end == '-')
		options->size_max = (uint32_t)strtoul(end + 1, &end, 0);
	if (*end || options->size_min < GUEST_PACKET_MIN ||
	    options->size_max > GUEST_MAX_FRAME || options->size_min > options->size_max)
		return fail("not a size or range of sizes from 14 to 65557", text);
	return 0;
}

static int parse_shape(const char *text, enum traffic_shape *shape)
{
	static const char *const names[] = { "mixed", "direct", "chained", "indirect" };

	for (int i = 0; i < 4; i++) {
		if (strcmp(text, names[i]) == 0) {
			*shape = (enum traffic_shape)i;
			return 0;
		}
	}
	return fail("unknown shape", text);
}

/** Options that switch a feature bit. @return whether @p id is one. */
static bool parse_feature(int id, struct guest_config *guest)
{
	switch (id) {
	case OPT_NO_MRG:
		guest->features &= ~GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
		return true;
	case OPT_NO_EVENT_IDX:
		guest->features &= ~GUEST_BIT(VIRTIO_RING_F_EVENT_IDX);
		return true;
	case OPT_NO_INDIRECT:
		guest->features &= ~GUEST_BIT(VIRTIO_RING_F_INDIRECT_DESC);
		return true;
	case OPT_LEGACY:
		guest->features &= ~GUEST_BIT(VIRTIO_F_VERSION_1);
		return true;
	case OPT_PACKED:
		guest->features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
		return true;
	case OPT_IN_ORDER:
		guest->features |= GUEST_BIT(VIRTIO_F_IN_ORDER);
		return true;
	case OPT_IOMMU:
		guest->features |= GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM);
		guest->protocol_features |= GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ);
		return true;
	default:
		return false;
	}
}

/** Options of the guest itself. @return whether @p id is one. */
static bool parse_guest(int id, const char *value, struct guest_config *guest)
{
	switch (id) {
	case OPT_SOCKET:
		guest->socket_path = value;
		return true;
	case OPT_LISTEN:
		guest->listen = true;
		return true;
	case OPT_TIMEOUT:
		guest->timeout_ms = (int)(strtod(value, NULL) * 1000);
		return true;
	case OPT_QUEUES:
		guest->queue_pairs = (uint32_t)strtoul(value, NULL, 0);
		return true;
	case OPT_RING_SIZE:
		guest->ring_size = (uint32_t)strtoul(value, NULL, 0);
		return true;
	case OPT_BUFFER:
		guest->buffer_size = (uint32_t)strtoul(value, NULL, 0);
		return true;
	case OPT_REGIONS:
		guest->region_count = (uint32_t)strtoul(value, NULL, 0);
		return true;
	case OPT_HUGE:
		guest->huge_pages = true;
		return true;
	case OPT_POLL:
		guest->kick = guest->call = false;
		return true;
	case OPT_SHUFFLE:
		guest->shuffle_seed = 0x5eed;
		return true;
	default:
		return parse_feature(id, guest);
	}
}

static int parse_traffic(int id, const char *value, struct traffic_options *options)
{
	switch (id) {
	case OPT_PACKETS:
		options->packets = strtoull(value, NULL, 0);
		return 0;
	case OPT_SECONDS:
		options->seconds = strtod(value, NULL);
		return 0;
	case OPT_SIZES:
		return parse_sizes(value, options);
	case OPT_WINDOW:
		options->window = (uint32_t)strtoul(value, NULL, 0);
		return 0;
	case OPT_SHAPE:
		return parse_shape(value, &options->shape);
	case OPT_RX_SHAPE:
		return parse_shape(value, &options->rx_shape);
	case OPT_ECHO:
		options->echo = true;
		return 0;
	case OPT_SENDER:
		options->sender = (uint16_t)strtoul(value, NULL, 0);
		return 0;
	case OPT_SEED:
		options->seed = strtoull(value, NULL, 0);
		return 0;
	case OPT_RECONNECT:
		options->reconnect = true;
		return 0;
	case OPT_LIVE:
		options->live = true;
		return 0;
	case OPT_HELP:
		fputs(usage, stdout);
		return 1;
	default:
		return -EINVAL;
	}
}

/** Buffers, chains and window that fit sizes and ring. */
static void complete(struct traffic_options *options)
{
	struct guest_config *guest = &options->guest;
	bool mergeable = guest->features & GUEST_BIT(VIRTIO_NET_F_MRG_RXBUF);
	uint32_t largest = options->size_max + HEADER;
	uint32_t ring = guest->ring_size ? guest->ring_size : 1;
	uint32_t most_buffers = ring > CHAINS_PER_RING ? ring / CHAINS_PER_RING : 1;

	if (guest->buffer_size == 0) {
		guest->buffer_size = 2048;
		while (guest->buffer_size * most_buffers < largest)
			guest->buffer_size *= 2;
	}
	guest->rx_capacity = mergeable || largest <= guest->buffer_size ? guest->buffer_size :
			     largest;
	/* virtio 1.2, 5.1.6.6: legacy drivers use a single descriptor for the header. */
	guest->rx_shape.header_pieces = options->rx_shape >= TRAFFIC_CHAINED ||
					!(guest->features & GUEST_BIT(VIRTIO_F_VERSION_1));
	guest->rx_shape.data_pieces = options->rx_shape >= TRAFFIC_CHAINED ? 3 : 0;
	guest->rx_shape.indirect = options->rx_shape == TRAFFIC_INDIRECT &&
				   (guest->features & GUEST_BIT(VIRTIO_RING_F_INDIRECT_DESC));
	guest->tx_buffers = ring * 4 > 256 ? ring * 4 : 256;
	if (options->packets == 0 && options->seconds == 0)
		options->packets = DEFAULT_PACKETS;
	if (options->window == 0)
		options->window = UINT32_MAX;
}

int traffic_parse(int argc, char **argv, struct traffic_options *options)
{
	int id, ret = 0;

	memset(options, 0, sizeof(*options));
	guest_config_init(&options->guest);
	options->guest.timeout_ms = 10000;
	options->guest.buffer_size = 0;
	options->guest.region_gap = 1ULL << 30;
	options->size_min = 60;
	options->size_max = 9000;
	options->seed = 1;
	while (ret == 0 && (id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (!parse_guest(id, optarg, &options->guest))
			ret = parse_traffic(id, optarg, options);
	}
	if (ret)
		return ret;
	if (optind < argc)
		return fail("not an option", argv[optind]);
	if (!options->guest.socket_path)
		return fail("missing", "--socket");
	complete(options);
	return 0;
}
