/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control_vdpa.h"

struct control_vdpa control_vdpa;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char calls[256];

static void note(char letter)
{
	size_t length;

	pthread_mutex_lock(&mutex);
	length = strlen(calls);
	if (length + 1 < sizeof(calls))
		calls[length] = letter;
	pthread_mutex_unlock(&mutex);
}

const char *control_vdpa_calls(void)
{
	static char copy[sizeof(calls)];

	pthread_mutex_lock(&mutex);
	memcpy(copy, calls, sizeof(copy));
	pthread_mutex_unlock(&mutex);
	return copy;
}

void control_vdpa_forget_calls(void)
{
	pthread_mutex_lock(&mutex);
	memset(calls, 0, sizeof(calls));
	pthread_mutex_unlock(&mutex);
}

static int get_queue_num(struct rte_vdpa_device *device, uint32_t *pairs)
{
	*pairs = control_vdpa.pairs;
	return device == control_vdpa.registered ? control_vdpa.answer : -1;
}

static int get_features(struct rte_vdpa_device *device, uint64_t *features)
{
	*features = control_vdpa.features;
	return device == control_vdpa.registered ? control_vdpa.answer : -1;
}

static int get_protocol_features(struct rte_vdpa_device *device, uint64_t *features)
{
	*features = control_vdpa.protocol_features;
	return device == control_vdpa.registered ? control_vdpa.answer : -1;
}

/** Host address of guest memory, which an honest guest names. */
static uint8_t *translate(uint64_t address)
{
	for (uint32_t i = 0; i < control_vdpa.memory->nregions; i++) {
		const struct rte_vhost_mem_region *region = &control_vdpa.memory->regions[i];

		if (address - region->guest_phys_addr < region->size)
			return (uint8_t *)(uintptr_t)(region->host_user_addr + address -
						      region->guest_phys_addr);
	}
	return NULL;
}

static bool has_chain(const struct control_vdpa_ring *ring)
{
	return __atomic_load_n(&ring->guest.avail->idx, __ATOMIC_ACQUIRE) != ring->next;
}

/** The table that a head's chain lies in; indirect ones are followed. */
static const struct vring_desc *chain_table(const struct control_vdpa_ring *ring, uint16_t *index)
{
	const struct vring_desc *descriptor = &ring->guest.desc[*index];

	if (!(descriptor->flags & VRING_DESC_F_INDIRECT))
		return ring->guest.desc;
	*index = 0;
	return (const struct vring_desc *)translate(descriptor->addr);
}

/** Copy between a flat buffer and a chain. @return bytes. */
static uint32_t copy_chain(const struct control_vdpa_ring *ring, uint16_t index, uint8_t *bytes,
			   uint32_t size, bool to_guest)
{
	const struct vring_desc *table = chain_table(ring, &index);
	uint32_t done = 0;

	for (;;) {
		const struct vring_desc *descriptor = &table[index];
		uint32_t part = descriptor->len < size - done ? descriptor->len : size - done;

		if (to_guest)
			memcpy(translate(descriptor->addr), bytes + done, part);
		else
			memcpy(bytes + done, translate(descriptor->addr), part);
		done += part;
		if (!(descriptor->flags & VRING_DESC_F_NEXT) || done == size)
			return done;
		index = descriptor->next;
	}
}

static void put_used(struct control_vdpa_ring *ring, uint16_t head, uint32_t length)
{
	uint16_t index = ring->shadow.used->idx;

	ring->shadow.used->ring[index % ring->shadow.num].id = head;
	ring->shadow.used->ring[index % ring->shadow.num].len = length;
	__atomic_store_n(&ring->shadow.used->idx, (uint16_t)(index + 1), __ATOMIC_RELEASE);
	ring->next++;
}

static void relay(uint16_t queue)
{
	if (rte_vdpa_relay_vring_used(control_vdpa.vid, queue,
				      &control_vdpa.rings[queue].shadow) < 0)
		control_vdpa.relay_failures++;
	rte_vhost_vring_call(control_vdpa.vid, queue);
}

static bool move_packet(void)
{
	struct control_vdpa_ring *rx = &control_vdpa.rings[0], *tx = &control_vdpa.rings[1];
	uint16_t from, to;
	uint8_t bytes[4096];
	uint32_t size;

	if (!has_chain(tx) || !has_chain(rx))
		return false;
	from = tx->guest.avail->ring[tx->next % tx->shadow.num];
	to = rx->guest.avail->ring[rx->next % rx->shadow.num];
	size = copy_chain(tx, from, bytes, sizeof(bytes), false);
	/* virtio-net header: one buffer. */
	bytes[10] = 1;
	bytes[11] = 0;
	size = copy_chain(rx, to, bytes, size, true);
	put_used(tx, from, 0);
	put_used(rx, to, size);
	control_vdpa.packets++;
	return true;
}

static void *serve(void *unused)
{
	(void)unused;
	while (!control_vdpa.stop) {
		bool moved = false;

		for (int i = 0; i < 16 && move_packet(); i++)
			moved = true;
		if (moved) {
			relay(1);
			relay(0);
		} else {
			usleep(100);
		}
	}
	return NULL;
}

static int set_up_ring(int vid, uint16_t queue)
{
	struct control_vdpa_ring *ring = &control_vdpa.rings[queue];
	uint16_t used;

	if (rte_vhost_get_vhost_vring(vid, queue, &ring->guest) < 0 || !ring->guest.desc ||
	    rte_vhost_get_vring_base(vid, queue, &ring->next, &used) < 0)
		return -1;
	memset(ring->memory, 0, sizeof(ring->memory));
	vring_init(&ring->shadow, ring->guest.size,
		   (void *)(((uintptr_t)ring->memory + 63) & ~(uintptr_t)63), 64);
	ring->shadow.used->idx = used;
	return 0;
}

static int dev_conf(int vid)
{
	note('C');
	if (control_vdpa.answer < 0)
		return -1;
	control_vdpa.vid = vid;
	if (rte_vhost_get_mem_table(vid, &control_vdpa.memory) < 0 || set_up_ring(vid, 0) < 0 ||
	    set_up_ring(vid, 1) < 0)
		return -1;
	control_vdpa.stop = false;
	control_vdpa.running = pthread_create(&control_vdpa.thread, NULL, serve, NULL) == 0;
	return control_vdpa.running ? 0 : -1;
}

static int dev_close(int vid)
{
	note('X');
	if (!control_vdpa.running)
		return -1;
	control_vdpa.stop = true;
	pthread_join(control_vdpa.thread, NULL);
	control_vdpa.running = false;
	for (uint16_t i = 0; i < 2; i++)
		rte_vhost_set_vring_base(vid, i, control_vdpa.rings[i].next,
					 control_vdpa.rings[i].next);
	free(control_vdpa.memory);
	control_vdpa.memory = NULL;
	return 0;
}

static int set_vring_state(int vid, int queue, int state)
{
	(void)vid;
	note(queue > 1 ? '?' : (char)((state ? 'A' : 'a') + queue * ('B' - 'A')));
	return 0;
}

static int set_features(int vid)
{
	(void)vid;
	note('F');
	return 0;
}

static int migration_done(int vid)
{
	(void)vid;
	note('M');
	return 0;
}

static int get_vfio_device_fd(int vid)
{
	(void)vid;
	return control_vdpa.notify_file;
}

static int get_notify_area(int vid, int queue, uint64_t *offset, uint64_t *size)
{
	(void)vid;
	*offset = 4096u * (uint64_t)(queue + 1);
	*size = 4096;
	return 0;
}

void control_vdpa_init(const char *name)
{
	memset(&control_vdpa, 0, sizeof(control_vdpa));
	control_vdpa_forget_calls();
	control_vdpa.device.name = name;
	control_vdpa.features = UINT64_MAX;
	control_vdpa.protocol_features = UINT64_MAX;
	control_vdpa.pairs = 1;
	control_vdpa.notify_file = -1;
	control_vdpa.ops = (struct rte_vdpa_dev_ops){
		.get_queue_num = get_queue_num,
		.get_features = get_features,
		.get_protocol_features = get_protocol_features,
		.dev_conf = dev_conf,
		.dev_close = dev_close,
		.set_vring_state = set_vring_state,
		.set_features = set_features,
		.migration_done = migration_done,
		.get_vfio_device_fd = get_vfio_device_fd,
		.get_notify_area = get_notify_area,
	};
}

void control_vdpa_register(void)
{
	control_vdpa.registered = rte_vdpa_register_device(
		(struct rte_device *)&control_vdpa.device, &control_vdpa.ops);
	assert_non_null(control_vdpa.registered);
}

void control_vdpa_listen(struct control_device *device, const char *name)
{
	device->guest = NULL;
	device->vid = -1;
	control_path(device->path, name);
	assert_int_equal(rte_vhost_driver_register(device->path, 0), 0);
	assert_int_equal(rte_vhost_driver_attach_vdpa_device(device->path,
							     control_vdpa.registered), 0);
	assert_int_equal(rte_vhost_driver_callback_register(device->path, &control_ops), 0);
	assert_int_equal(rte_vhost_driver_start(device->path), 0);
}
