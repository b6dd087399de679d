/* SPDX-License-Identifier: BSD-3-Clause */

/* The messages that bring a device up and down, in the order in which frontends send them. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"
#include "guest_iotlb.h"

static bool has_protocol(const struct guest *guest, enum guest_protocol_feature bit)
{
	return (guest->protocol_features & GUEST_BIT(bit)) != 0;
}

/** Protocol features, and all that depends on them before the device has an owner. */
static int negotiate_protocol(struct guest *guest)
{
	struct guest_frontend *frontend = &guest->frontend;
	int ret;

	guest->protocol_features = guest->offered_protocol = 0;
	if (!guest_has(guest, GUEST_F_PROTOCOL_FEATURES))
		return 0;
	ret = guest_get_protocol_features(frontend, &guest->offered_protocol);
	if (ret < 0)
		return ret;
	guest->protocol_features = guest->offered_protocol & guest->config.protocol_features;
	ret = guest_set_protocol_features(frontend, guest->protocol_features);
	if (ret < 0)
		return ret;
	frontend->reply_ack = has_protocol(guest, GUEST_PROTOCOL_REPLY_ACK);
	if (has_protocol(guest, GUEST_PROTOCOL_MQ))
		ret = guest_get_queue_num(frontend, &guest->max_pairs);
	return ret;
}

/** Packed rings if the backend has them; what was in rings of the other format is forgotten. */
static int choose_rings(struct guest *guest)
{
	bool packed = guest_has(guest, VIRTIO_F_RING_PACKED);
	int ret = 0;

	for (uint32_t i = 0; i < guest->queue_count && ret == 0; i++)
		ret = guest_queue_set_format(&guest->queues[i], packed);
	return ret;
}

static int negotiate(struct guest *guest)
{
	struct guest_frontend *frontend = &guest->frontend;
	int ret = guest_get_features(frontend, &guest->offered);

	if (ret < 0)
		return ret;
	guest->features = guest->offered & guest->config.features;
	guest->max_pairs = 1;
	ret = choose_rings(guest);
	if (ret == 0)
		ret = negotiate_protocol(guest);
	if (ret == 0)
		ret = guest_set_owner(frontend);
	if (ret == 0 && has_protocol(guest, GUEST_PROTOCOL_BACKEND_REQ))
		ret = guest_set_backend_req_fd(frontend);
	return ret;
}

int guest_connect(struct guest *guest)
{
	int ret;

	if (guest->frontend.socket >= 0)
		return -EISCONN;
	if (guest->config.listen)
		ret = guest_frontend_accept(&guest->frontend);
	else
		ret = guest_frontend_connect(&guest->frontend, guest->config.socket_path);
	if (ret == 0)
		ret = negotiate(guest);
	if (ret < 0)
		guest_disconnect(guest);
	return ret;
}

void guest_describe_memory(const struct guest *guest, struct guest_mem_table *table,
			   int fds[GUEST_WIRE_FDS])
{
	memset(table, 0, sizeof(*table));
	table->count = guest->memory.count < GUEST_WIRE_FDS ? guest->memory.count : GUEST_WIRE_FDS;
	for (unsigned int i = 0; i < table->count; i++) {
		const struct guest_region *region = &guest->memory.regions[i];

		table->regions[i].gpa = region->gpa;
		table->regions[i].size = region->size;
		table->regions[i].user_addr = (uintptr_t)region->host;
		table->regions[i].mmap_offset = region->file_offset;
		fds[i] = region->fd;
	}
}

/** Region by region, as frontends do with CONFIGURE_MEM_SLOTS: for more than a table holds. */
static int send_slots(struct guest *guest)
{
	int ret = has_protocol(guest, GUEST_PROTOCOL_CONFIGURE_MEM_SLOTS) ? 0 : -EOPNOTSUPP;

	for (unsigned int i = 0; i < guest->memory.count && ret == 0; i++) {
		const struct guest_region *region = &guest->memory.regions[i];
		const struct guest_wire_region slot = {
			.gpa = region->gpa, .size = region->size,
			.user_addr = (uintptr_t)region->host, .mmap_offset = region->file_offset,
		};

		ret = guest_add_mem_reg(&guest->frontend, &slot, region->fd);
	}
	return ret;
}

int guest_send_memory(struct guest *guest)
{
	struct guest_mem_table table;
	int fds[GUEST_WIRE_FDS];

	if (guest->memory.count > GUEST_WIRE_FDS)
		return send_slots(guest);
	guest_describe_memory(guest, &table, fds);
	return guest_set_mem_table(&guest->frontend, &table, fds);
}

void guest_ring_addr(const struct guest_queue *queue, struct guest_vring_addr *addr)
{
	/* Under ACCESS_PLATFORM these are IOVAs, which are guest-physical addresses here. */
	bool iommu = guest_has(queue->guest, VIRTIO_F_ACCESS_PLATFORM);

	memset(addr, 0, sizeof(*addr));
	addr->index = queue->index;
	addr->descriptors = iommu ? queue->areas[0].gpa : (uintptr_t)queue->areas[0].host;
	addr->available = iommu ? queue->areas[1].gpa : (uintptr_t)queue->areas[1].host;
	addr->used = iommu ? queue->areas[2].gpa : (uintptr_t)queue->areas[2].host;
	addr->log = queue->areas[2].gpa;
	if (guest_has(queue->guest, GUEST_F_LOG_ALL))
		addr->flags = GUEST_VRING_F_LOG;
}

int guest_send_ring(struct guest *guest, uint32_t index)
{
	struct guest_frontend *frontend = &guest->frontend;
	struct guest_queue *queue = &guest->queues[index];
	struct guest_vring_addr addr;
	int ret;

	guest_ring_addr(queue, &addr);
	ret = guest_set_vring_num(frontend, index, queue->size);
	if (ret == 0)
		ret = guest_set_vring_base(frontend, index, queue->base);
	if (ret == 0)
		ret = guest_set_vring_addr(frontend, &addr);
	if (ret == 0)
		ret = guest_set_vring_call(frontend, index, queue->call_fd);
	if (ret == 0 && queue->err_fd >= 0)
		ret = guest_set_vring_err(frontend, index, queue->err_fd);
	/* Last: "receiving a kick on this file descriptor starts the ring". */
	if (ret == 0)
		ret = guest_set_vring_kick(frontend, index, queue->kick_fd);
	return ret;
}

int guest_enable_pair(struct guest *guest, uint32_t pair, bool enable)
{
	int ret;

	if (!guest_has(guest, GUEST_F_PROTOCOL_FEATURES))
		return -EOPNOTSUPP;
	ret = guest_set_vring_enable(&guest->frontend, 2 * pair, enable);
	if (ret == 0)
		ret = guest_set_vring_enable(&guest->frontend, 2 * pair + 1, enable);
	return ret;
}

/** Tell the backend of one IOTLB entry: IOVA equals guest-physical address. */
static int map_region(struct guest *guest, const struct guest_region *region)
{
	struct vhost_iotlb_msg update = {
		.iova = region->gpa, .size = region->size, .uaddr = (uintptr_t)region->host,
		.perm = VHOST_ACCESS_RW, .type = VHOST_IOTLB_UPDATE,
	};

	return guest_iotlb(&guest->frontend, &update);
}

/** INFLIGHT_SHMFD: a new log the first time, the same one after a reconnect. */
static int share_inflight(struct guest *guest)
{
	int ret = 0;

	if (guest->inflight_fd < 0) {
		guest->inflight.queues = (uint16_t)guest->queue_count;
		guest->inflight.ring_size = (uint16_t)guest->config.ring_size;
		ret = guest_get_inflight_fd(&guest->frontend, &guest->inflight,
					    &guest->inflight_fd);
	}
	if (ret == 0)
		ret = guest_set_inflight_fd(&guest->frontend, &guest->inflight,
					    guest->inflight_fd);
	return ret;
}

/** What the negotiated features mean for the driver. */
static void configure_queue(struct guest *guest, struct guest_queue *queue)
{
	queue->mergeable = guest_has(guest, VIRTIO_NET_F_MRG_RXBUF);
	queue->event_index = guest_has(guest, VIRTIO_RING_F_EVENT_IDX);
	queue->in_order = guest_has(guest, VIRTIO_F_IN_ORDER);
	/* virtio 1.2, 5.1.6.1: legacy headers without MRG_RXBUF have no num_buffers. */
	queue->header_size = queue->mergeable || guest_has(guest, VIRTIO_F_VERSION_1) ? 12 : 10;
	guest_want_calls(queue, false);
}

static int send_rings(struct guest *guest)
{
	int ret = 0;

	for (uint32_t i = 0; i < guest->queue_count && ret == 0; i++) {
		configure_queue(guest, &guest->queues[i]);
		ret = guest_send_ring(guest, i);
	}
	/* Without PROTOCOL_FEATURES rings start enabled. */
	if (!guest_has(guest, GUEST_F_PROTOCOL_FEATURES))
		return ret;
	for (uint32_t i = 0; i < guest->config.queue_pairs && ret == 0; i++)
		ret = guest_enable_pair(guest, i, true);
	return ret;
}

static int send_status(struct guest *guest, uint8_t status)
{
	if (!has_protocol(guest, GUEST_PROTOCOL_STATUS))
		return 0;
	return guest_set_status(&guest->frontend, status);
}

/** Everything up to FEATURES_OK (virtio 1.2, 3.1.1), and the memory. */
static int send_device(struct guest *guest)
{
	uint8_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;
	int ret = send_status(guest, status);

	if (ret == 0)
		ret = guest_set_features(&guest->frontend, guest->features);
	if (ret == 0)
		ret = send_status(guest, status | VIRTIO_CONFIG_S_FEATURES_OK);
	if (ret == 0)
		ret = guest_send_memory(guest);
	if (ret == 0 && has_protocol(guest, GUEST_PROTOCOL_INFLIGHT_SHMFD))
		ret = share_inflight(guest);
	return ret;
}

/** Where devices stand that did not say so: behind what they have used. */
static void find_bases(struct guest *guest)
{
	for (uint32_t i = 0; i < guest->queue_count; i++)
		guest->queues[i].base = guest->queues[i].ops->base(&guest->queues[i]);
}

int guest_start(struct guest *guest)
{
	int ret;

	if (guest->frontend.socket < 0)
		return -ENOTCONN;
	ret = send_device(guest);
	/* A backend that was hung up on went on until it noticed; by now it has. */
	if (guest->abandoned)
		find_bases(guest);
	guest->abandoned = false;
	/* From here on rings may move, even if the backend dies before the last message. */
	guest->started = ret == 0;
	if (ret == 0)
		ret = send_rings(guest);
	for (uint32_t i = 0; i < guest->memory.count && ret == 0 &&
	     guest_has(guest, VIRTIO_F_ACCESS_PLATFORM) && !guest->iotlb; i++)
		ret = map_region(guest, &guest->memory.regions[i]);
	if (ret == 0)
		ret = send_status(guest, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
				  VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
	if (ret < 0)
		return ret;

	for (uint32_t i = 0; i < guest->queue_count; i++) {
		if (i % 2 == 0 && !guest->config.manual_rx)
			guest_rx_fill(&guest->queues[i]);
		guest_submit(&guest->queues[i]);
		guest_kick(&guest->queues[i]);
	}
	return 0;
}

int guest_stop(struct guest *guest)
{
	int ret = 0;

	if (!guest->started)
		return 0;
	for (uint32_t i = 0; i < guest->config.queue_pairs && ret == 0 &&
	     guest_has(guest, GUEST_F_PROTOCOL_FEATURES); i++)
		ret = guest_enable_pair(guest, i, false);
	for (uint32_t i = 0; i < guest->queue_count && ret == 0; i++)
		ret = guest_get_vring_base(&guest->frontend, i, &guest->queues[i].base);
	if (ret == 0)
		ret = send_status(guest, 0);
	guest->started = ret < 0;
	return ret;
}

void guest_disconnect(struct guest *guest)
{
	if (guest->started) {
		find_bases(guest);
		guest->abandoned = true;
	}
	guest->started = false;
	guest_frontend_close(&guest->frontend);
}

/** Serve one request. @return 0 or a negative errno. */
static int serve(struct guest *guest, const struct guest_message *message)
{
	const struct vhost_iotlb_msg *miss = &message->payload.iotlb;
	uint64_t result = 0;

	if (guest->iotlb && message->request == GUEST_BACKEND_IOTLB_MSG) {
		result = guest_iotlb_answer(guest->iotlb, miss) < 0;
	} else if (message->request == GUEST_BACKEND_IOTLB_MSG && miss->type == VHOST_IOTLB_MISS) {
		result = 1;
		for (unsigned int i = 0; i < guest->memory.count && result; i++) {
			const struct guest_region *region = &guest->memory.regions[i];

			if (miss->iova - region->gpa < region->size)
				result = map_region(guest, region) < 0;
		}
	}
	return guest_backend_ack(&guest->frontend, message, result);
}

int guest_service(struct guest *guest)
{
	struct pollfd poller = { .fd = guest->frontend.backend_channel, .events = POLLIN };
	struct guest_message message;
	int served = 0;

	while (poller.fd >= 0 && poll(&poller, 1, 0) > 0) {
		int ret = guest_receive(poller.fd, &message, guest->frontend.timeout_ms);

		if (ret < 0)
			return ret;
		guest_message_close(&message);
		ret = serve(guest, &message);
		if (ret < 0)
			return ret;
		served++;
	}
	return served;
}

int guest_probe(const char *socket_path, int timeout_ms, uint64_t *features,
		uint64_t *protocol_features, uint64_t *queue_pairs)
{
	struct guest_frontend frontend;
	int ret;

	*protocol_features = 0;
	*queue_pairs = 1;
	guest_frontend_init(&frontend, timeout_ms);
	ret = guest_frontend_connect(&frontend, socket_path);
	if (ret == 0)
		ret = guest_get_features(&frontend, features);
	if (ret == 0 && (*features & GUEST_BIT(GUEST_F_PROTOCOL_FEATURES)))
		ret = guest_get_protocol_features(&frontend, protocol_features);
	if (ret == 0 && (*protocol_features & GUEST_BIT(GUEST_PROTOCOL_MQ)))
		ret = guest_get_queue_num(&frontend, queue_pairs);
	guest_frontend_destroy(&frontend);
	return ret;
}
