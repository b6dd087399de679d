/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "faults_app.h"

#include <linux/virtio_config.h>
#include <sys/mman.h>

#include "guest_iotlb.h"
#include "guest_log.h"

#define PAGE 4096

const struct faults_variant faults_variants[FAULTS_VARIANTS] = {
	{ "split_sync", false, false, false }, { "packed_async", true, true, false },
	{ "split_async", false, true, false }, { "packed_sync", true, false, false },
	{ "split_sync_iommu", false, false, true }, { "packed_async_iommu", true, true, true },
};

int faults_patience = 3000;

/** What a life has. */
struct life {
	const struct faults_variant *variant;
	char path[108];
	struct guest *guest;
	struct guest_iotlb iotlb;
	struct guest_log log;
	bool has_iotlb, is_registered;
	uint64_t sequence;
	const char *step;
};

/** A step that has to work if the life is to go on. */
#define TRY(life, expression) \
	do { \
		if (!(expression)) { \
			(life)->step = (life)->step ? (life)->step : #expression; \
			return false; \
		} \
	} while (0)

static uint64_t flags(const struct life *life)
{
	uint64_t flags = life->variant->async ? RTE_VHOST_USER_ASYNC_COPY : 0;

#ifdef RTE_VHOST_USER_NET_STATS_ENABLE
	flags |= RTE_VHOST_USER_NET_STATS_ENABLE;
#endif
	return flags | (life->variant->iommu ? RTE_VHOST_USER_IOMMU_SUPPORT :
					       RTE_VHOST_USER_POSTCOPY_SUPPORT);
}

static bool open_socket(struct life *life, const char *name, uint64_t more)
{
	uint64_t protocol;

	control_path(life->path, name);
	TRY(life, rte_vhost_driver_register(life->path, flags(life) | more) == 0);
	life->is_registered = true;
	/* DPDK 21.08: what a net device does not offer by itself. */
	TRY(life, rte_vhost_driver_get_protocol_features(life->path, &protocol) == 0);
	protocol |= GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD);
	TRY(life, rte_vhost_driver_set_protocol_features(life->path, protocol) == 0);
	TRY(life, rte_vhost_driver_callback_register(life->path, &faults_app_ops) == 0);
	TRY(life, rte_vhost_driver_start(life->path) == 0);
	return true;
}

static bool make_guest(struct life *life, bool listen)
{
	struct guest_config config;

	guest_config_init(&config);
	config.socket_path = life->path;
	config.timeout_ms = faults_patience;
	config.listen = listen;
	config.ring_size = 64;
	config.protocol_features |= GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD) |
		GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ) | GUEST_BIT(GUEST_PROTOCOL_LOG_SHMFD) |
		GUEST_BIT(GUEST_PROTOCOL_RARP) | GUEST_BIT(GUEST_PROTOCOL_MTU);
	if (life->variant->packed)
		config.features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
	if (life->variant->iommu) {
		config.features |= GUEST_BIT(VIRTIO_F_ACCESS_PLATFORM);
		config.protocol_features &= ~GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD);
	}
	TRY(life, guest_create(&config, &life->guest) == 0);
	if (life->variant->iommu) {
		TRY(life, guest_iotlb_create(&life->iotlb, life->guest, 7) == 0);
		life->has_iotlb = true;
	}
	return true;
}

static bool start_guest(struct life *life)
{
	int64_t deadline = control_now_ms() + faults_patience;

	TRY(life, guest_connect(life->guest) == 0);
	TRY(life, guest_start(life->guest) == 0);
	while (faults_app_vid() < 0) {
		TRY(life, guest_frontend_alive(&life->guest->frontend));
		TRY(life, guest_service(life->guest) >= 0);
		TRY(life, control_now_ms() < deadline);
		usleep(20);
	}
	/* Channels of an engine that could not be made: said by errno as well. */
	if (__atomic_load_n(&faults_app.has_failed, __ATOMIC_ACQUIRE)) {
		life->step = FAULTS_BY_ERRNO;
		return false;
	}
	return true;
}

/** Send packets and get them back. */
static bool traffic(struct life *life, int count)
{
	struct guest_queue *tx = guest_tx_queue(life->guest, 0);
	struct guest_queue *rx = guest_rx_queue(life->guest, 0);
	static const struct guest_shape shapes[2] = { { 0 }, { .indirect = true } };
	int64_t deadline = control_now_ms() + faults_patience;
	struct guest_received received;
	uint8_t frame[2048];
	int back = 0;

	for (int i = 0; i < count; i++) {
		control_frame(frame, 1000, life->sequence + (uint64_t)i);
		TRY(life, guest_tx(tx, frame, 1000, &shapes[i % 2]) == 0);
	}
	guest_want_calls(rx, true);
	guest_submit(tx);
	while (back < count) {
		struct guest_stamp stamp;
		uint64_t hash;
		bool swapped;

		TRY(life, control_now_ms() < deadline);
		TRY(life, guest_frontend_alive(&life->guest->frontend));
		TRY(life, guest_service(life->guest) >= 0);
		faults_app_round();
		if (guest_rx(rx, frame, sizeof(frame), &received) < 0)
			continue;
		/* What SEND_RARP asked for. */
		if (frame[12] == 0x80 && frame[13] == 0x35)
			continue;
		TRY(life, guest_packet_check(frame, received.length, &stamp, &hash, &swapped) == 0);
		TRY(life, stamp.sequence == life->sequence);
		life->sequence++;
		back++;
	}
	guest_tx_reap(tx);
	guest_rx_fill(rx);
	guest_submit(rx);
	return true;
}

/** Asks the frontend, and waits for its answer. */
static void *ask(void *argument)
{
	*(int *)argument = rte_vhost_slave_config_change(faults_app_vid(), true);
	return NULL;
}

static bool ask_frontend(struct life *life)
{
	int result = -1, answered;
	pthread_t thread;

	TRY(life, pthread_create(&thread, NULL, ask, &result) == 0);
	while ((answered = pthread_tryjoin_np(thread, NULL)) == EBUSY) {
		if (guest_service(life->guest) < 0)
			guest_disconnect(life->guest);
		usleep(20);
	}
	TRY(life, answered == 0 && result == 0);
	return true;
}

/** Calls of the API that ask the system for something. */
static bool call_api(struct life *life)
{
	struct rte_vhost_memory *memory = NULL;
	struct rte_vhost_vring ring;
	char name[108];

	TRY(life, rte_vhost_get_mem_table(faults_app_vid(), &memory) == 0);
	free(memory);
	TRY(life, rte_vhost_get_ifname(faults_app_vid(), name, sizeof(name)) == 0);
	TRY(life, rte_vhost_get_vhost_vring(faults_app_vid(), 0, &ring) == 0);
	TRY(life, rte_vhost_slave_config_change(faults_app_vid(), false) == 0);
	TRY(life, guest_service(life->guest) >= 0);
	TRY(life, ask_frontend(life));
	return rte_vhost_vring_call(faults_app_vid(), 1) == 0;
}

/** Migration: a log that all is written to. */
static bool migrate(struct life *life)
{
	struct guest_queue *rx = guest_rx_queue(life->guest, 0);

	TRY(life, guest_set_log_fd(&life->guest->frontend, rx->call_fd) == 0);
	TRY(life, guest_log_start(life->guest, &life->log) == 0);
	TRY(life, traffic(life, 8));
	TRY(life, guest_log_stop(life->guest) == 0);
	return true;
}

/** Messages about a device that runs. */
static bool change_device(struct life *life)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct guest *guest = life->guest;

	TRY(life, guest_set_vring_err(&guest->frontend, 0, guest->queues[0].call_fd) == 0);
	TRY(life, guest_send_rarp(&guest->frontend, mac) == 0);
	TRY(life, guest_net_set_mtu(&guest->frontend, 1500) == 0);
	TRY(life, guest_send_memory(guest) == 0);
	TRY(life, guest_enable_pair(guest, 0, false) == 0);
	TRY(life, guest_enable_pair(guest, 0, true) == 0);
	TRY(life, guest_stop(guest) == 0);
	TRY(life, guest_start(guest) == 0);
	return true;
}

/** Postcopy migration and memory slots, by a frontend without rings. */
static bool talk(struct life *life, struct guest_frontend *frontend, int file)
{
	struct guest_wire_region region = { .gpa = 1 << 20, .size = PAGE, .user_addr = 1 << 21 };
	struct guest_message message;
	uint64_t value;
	int fd = -1;

	TRY(life, guest_frontend_connect(frontend, life->path) == 0);
	TRY(life, guest_get_features(frontend, &value) == 0);
	TRY(life, guest_set_protocol_features(frontend, GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) |
		GUEST_BIT(GUEST_PROTOCOL_PAGEFAULT) |
		GUEST_BIT(GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS)) == 0);
	frontend->reply_ack = true;
	TRY(life, guest_set_features(frontend, GUEST_DEFAULT_FEATURES) == 0);
	TRY(life, guest_add_mem_reg(frontend, &region, file) == 0);
	TRY(life, guest_add_mem_reg(frontend, &region, file) == 0);
	TRY(life, guest_rem_mem_reg(frontend, &region) == 0);
	TRY(life, guest_rem_mem_reg(frontend, &region) == 0);
	TRY(life, guest_postcopy_advise(frontend, &fd) == 0);
	if (fd >= 0)
		close(fd);
	TRY(life, guest_postcopy_listen(frontend) == 0);
	guest_message_begin(&message, GUEST_ADD_MEM_REG, sizeof(message.payload.single));
	message.payload.single.region = region;
	message.fds[message.fd_count++] = file;
	TRY(life, guest_query(frontend, &message) == 0);
	TRY(life, guest_postcopy_end(frontend, &value) == 0);
	return true;
}

static bool talk_apart(struct life *life)
{
	int file = memfd_create("guest-slot", MFD_CLOEXEC);
	struct guest_frontend frontend;
	bool result = false;

	guest_frontend_init(&frontend, faults_patience);
	if (file >= 0 && ftruncate(file, PAGE) == 0)
		result = talk(life, &frontend, file);
	guest_frontend_destroy(&frontend);
	if (file >= 0)
		close(file);
	return result;
}

/** The library listens. */
static bool serve(struct life *life)
{
	TRY(life, open_socket(life, "server", 0));
	TRY(life, make_guest(life, false));
	TRY(life, start_guest(life));
	TRY(life, traffic(life, 24));
	if (life->variant->iommu) {
		TRY(life, guest_iotlb_forget(&life->iotlb, 0, life->iotlb.pages) == 0);
		TRY(life, traffic(life, 24));
	} else {
		TRY(life, call_api(life));
		TRY(life, migrate(life));
		TRY(life, change_device(life));
		TRY(life, traffic(life, 24));
		TRY(life, talk_apart(life));
	}
	TRY(life, guest_stop(life->guest) == 0);
	return true;
}

/** The library connects, and connects again. */
static bool connect_twice(struct life *life)
{
	control_path(life->path, "client");
	TRY(life, make_guest(life, true));
	TRY(life, open_socket(life, "client", RTE_VHOST_USER_CLIENT));
	TRY(life, start_guest(life));
	TRY(life, traffic(life, 8));
	guest_disconnect(life->guest);
	/* So that the next device is not taken for this one. */
	for (int i = 0; i < faults_patience && faults_app_vid() >= 0; i++)
		usleep(1000);
	TRY(life, start_guest(life));
	TRY(life, traffic(life, 8));
	return true;
}

static void close_socket(struct life *life)
{
	if (life->has_iotlb)
		guest_iotlb_destroy(&life->iotlb);
	guest_log_destroy(&life->log);
	guest_destroy(life->guest);
	/* It may fail once. */
	if (life->is_registered && rte_vhost_driver_unregister(life->path) < 0)
		rte_vhost_driver_unregister(life->path);
	unlink(life->path);
}

static bool phase(struct life *life, const struct faults_variant *variant,
		  bool (*body)(struct life *), const char **broken)
{
	bool result = false;

	memset(life, 0, sizeof(*life));
	life->variant = variant;
	life->log.fd = -1;
	errno = 0;
	if (faults_app_begin(variant->async))
		result = body(life);
	else
		/* Pools and engines say why by errno, and log nothing. */
		life->step = errno != 0 ? FAULTS_BY_ERRNO : "faults_app_begin()";
	close_socket(life);
	if (*broken)
		faults_app_end();
	else
		*broken = faults_app_end();
	return result;
}

struct faults_outcome faults_live(const struct faults_variant *variant)
{
	struct faults_outcome outcome = { NULL, NULL };
	struct life life;

	outcome.step = faults_register_hardware();
	if (!phase(&life, variant, serve, &outcome.broken) && !outcome.step)
		outcome.step = life.step ? life.step : "?";
	if (!variant->iommu && !phase(&life, variant, connect_twice, &outcome.broken) &&
	    !outcome.step)
		outcome.step = life.step ? life.step : "?";
	return outcome;
}
