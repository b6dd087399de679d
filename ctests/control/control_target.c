/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control_target.h"

#include <fcntl.h>
#include <linux/virtio_ring.h>
#include <signal.h>
#include <sys/mman.h>

#define PACKED_AVAIL (1 << 7)
#define PACKED_USED (1 << 15)

/** A chain in flight. */
struct pending {
	uint16_t head;		/**< Split: head. Packed: first entry of the record. */
	uint16_t id, count;	/**< Packed: buffer id and descriptors. */
};

/** The one ring that this process serves. */
static struct {
	int vid;
	bool packed;
	struct rte_vhost_vring ring;
	struct rte_vhost_ring_inflight inflight;
	uint16_t available, used;
	struct pending pending[TARGET_SLOTS];
	uint32_t count;
	struct guest_random random;
	struct target_report *report;
} target;

static pthread_t worker;

#define MUST(condition) \
	do { \
		if (!(condition) && target.report->failed == 0) \
			target.report->failed = __LINE__; \
	} while (0)

static void checkpoint(void)
{
	uint32_t now = __atomic_add_fetch(&target.report->progress, 1, __ATOMIC_RELEASE);

	if (now == target.report->die_at)
		raise(SIGKILL);
}

static uint16_t forward(uint16_t position, uint32_t count)
{
	uint32_t index = (position & 0x7fff) + count;

	if (index < target.ring.size)
		return (uint16_t)(index | (position & 0x8000));
	return (uint16_t)((index - target.ring.size) | (~position & 0x8000));
}

static void remember(uint16_t head, uint16_t id, uint16_t count)
{
	target.pending[target.count++] = (struct pending){ head, id, count };
}

static bool take_split(void)
{
	uint16_t index = __atomic_load_n(&target.ring.avail->idx, __ATOMIC_ACQUIRE);
	uint16_t head;

	if (index == target.available)
		return false;
	head = target.ring.avail->ring[target.available % target.ring.size];
	checkpoint();
	MUST(rte_vhost_set_inflight_desc_split(target.vid, 0, head) == 0);
	target.available++;
	remember(head, 0, 0);
	return true;
}

static bool take_packed(void)
{
	uint16_t first = target.available & 0x7fff, last = first, count = 1, entry;
	const struct vring_packed_desc *ring = (const void *)target.ring.desc_packed;
	uint16_t flags = __atomic_load_n(&ring[first].flags, __ATOMIC_ACQUIRE);
	uint16_t wanted = target.available & 0x8000 ? PACKED_AVAIL : PACKED_USED;

	if ((flags & (PACKED_AVAIL | PACKED_USED)) != wanted)
		return false;
	for (; ring[last].flags & VRING_DESC_F_NEXT; count++)
		last = (uint16_t)((last + 1) % target.ring.size);
	checkpoint();
	MUST(rte_vhost_set_inflight_desc_packed(target.vid, 0, first, last, &entry) == 0);
	remember(entry, ring[last].id, count);
	target.available = forward(target.available, count);
	return true;
}

static void give_back_split(const struct pending *chain)
{
	struct vring_used *used = target.ring.used;

	used->ring[target.used % target.ring.size] = (struct vring_used_elem){ chain->head, 512 };
	checkpoint();
	MUST(rte_vhost_set_last_inflight_io_split(target.vid, 0, chain->head) == 0);
	checkpoint();
	__atomic_store_n(&used->idx, ++target.used, __ATOMIC_RELEASE);
	checkpoint();
	MUST(rte_vhost_clr_inflight_desc_split(target.vid, 0, target.used, chain->head) == 0);
	checkpoint();
}

static void give_back_packed(const struct pending *chain)
{
	struct vring_packed_desc *entry =
		(struct vring_packed_desc *)target.ring.desc_packed + (target.used & 0x7fff);
	uint16_t flags = target.used & 0x8000 ? PACKED_AVAIL | PACKED_USED : 0;

	entry->id = chain->id;
	entry->len = 512;
	checkpoint();
	MUST(rte_vhost_set_last_inflight_io_packed(target.vid, 0, chain->head) == 0);
	checkpoint();
	__atomic_store_n(&entry->flags, flags | VRING_DESC_F_WRITE, __ATOMIC_RELEASE);
	checkpoint();
	MUST(rte_vhost_clr_inflight_desc_packed(target.vid, 0, chain->head) == 0);
	checkpoint();
	target.used = forward(target.used, chain->count);
}

static void give_back(uint32_t which)
{
	struct pending chain = target.pending[which];

	memmove(&target.pending[which], &target.pending[which + 1],
		(--target.count - which) * sizeof(chain));
	(target.packed ? give_back_packed : give_back_split)(&chain);
}

/** What an earlier process left, the oldest first as the list's last. */
static void resubmit(void)
{
	struct rte_vhost_resubmit_info *info = target.inflight.resubmit_inflight;
	struct target_report *report = target.report;

	for (int i = info ? info->resubmit_num - 1 : -1; i >= 0; i--) {
		const struct rte_vhost_resubmit_desc *desc = &info->resubmit_list[i];
		const struct rte_vhost_inflight_desc_packed *entries;

		if (!target.packed) {
			report->resubmit[i] = desc->index / 2;
			remember(desc->index, 0, 0);
			continue;
		}
		entries = target.inflight.inflight_packed->desc;
		MUST(entries[desc->index].inflight == 1);
		MUST(entries[desc->index].counter == desc->counter);
		report->resubmit[i] = entries[entries[desc->index].last].id;
		remember(desc->index, report->resubmit[i], entries[desc->index].num);
		target.available = forward(target.available, entries[desc->index].num);
	}
	report->resubmits = target.count;
	if (info)
		info->resubmit_num = 0;
}

static void begin(void)
{
	struct target_report *report = target.report;
	uint64_t features = 0;

	MUST(rte_vhost_get_negotiated_features(target.vid, &features) == 0);
	target.packed = (features & GUEST_BIT(VIRTIO_F_RING_PACKED)) != 0;
	MUST(rte_vhost_get_vhost_vring(target.vid, 0, &target.ring) == 0);
	MUST(rte_vhost_get_vhost_ring_inflight(target.vid, 0, &target.inflight) == 0);
	if (target.packed)
		MUST(rte_vhost_get_vring_base_from_inflight(target.vid, 0, &target.available,
							    &target.used) == 0);
	else
		MUST(rte_vhost_get_vring_base(target.vid, 0, &target.available,
					      &target.used) == 0);
	target.random.state = report->seed;
	resubmit();
	report->position = target.available;
	report->used = target.used;
	__atomic_store_n(&report->has_begun, 1, __ATOMIC_RELEASE);
}

static bool take(void)
{
	struct target_report *report = target.report;

	if (report->taken >= report->take || !(target.packed ? take_packed : take_split)())
		return false;
	__atomic_store_n(&report->taken, report->taken + 1, __ATOMIC_RELEASE);
	checkpoint();
	return true;
}

static void *work(void *argument)
{
	struct target_report *report = target.report;

	begin();
	while (report->first_back && take())
		;
	for (uint32_t i = 0; i < report->first_back; i++)
		give_back(report->back[i]);
	for (;;) {
		bool wants = guest_random_range(&target.random, 0, 1) != 0;

		if (wants && take())
			continue;
		if (target.count > report->leave)
			give_back(guest_random_range(&target.random, 0, target.count - 1));
		else if (!take())
			break;
	}
	__atomic_store_n(&report->is_done, 1, __ATOMIC_RELEASE);
	return argument;
}

static int new_device(int vid)
{
	target.vid = vid;
	return pthread_create(&worker, NULL, work, NULL);
}

void target_listen(const char *path, uint64_t protocol, const struct vhost_device_ops *ops)
{
	if (rte_vhost_driver_register(path, 0) < 0 ||
	    rte_vhost_driver_set_features(path, TARGET_FEATURES) < 0 ||
	    rte_vhost_driver_set_protocol_features(path, protocol) < 0 ||
	    rte_vhost_driver_callback_register(path, ops) < 0 ||
	    rte_vhost_driver_start(path) < 0)
		abort();
}

void target_begin(struct target_driver *driver, const char *name, uint64_t protocol, bool packed)
{
	target_driver_init(driver, packed);
	control_path(driver->path, name);
	target_listen(driver->path, protocol, &control_ops);
	target_connect(driver, driver->path);
}

void target_end(struct target_driver *driver)
{
	target_driver_destroy(driver);
	assert_int_equal(rte_vhost_driver_unregister(driver->path), 0);
}

struct target_report *target_report_map(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *report = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(struct target_report)) == 0)
		report = mmap(NULL, sizeof(struct target_report), PROT_READ | PROT_WRITE,
			      MAP_SHARED, fd, 0);
	close(fd);
	return report == MAP_FAILED ? NULL : report;
}

int target_main(const char *path, const char *report)
{
	static const struct vhost_device_ops ops = { .new_device = new_device };

	target.report = target_report_map(report);
	if (!target.report)
		return 1;
	target_listen(path, TARGET_PROTOCOL, &ops);
	for (;;)
		pause();
}
