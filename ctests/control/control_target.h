/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * A storage-like target: an application that serves one ring by itself and records what it has in
 * flight (INFLIGHT_SHMFD), and the driver in front of it. The two share nothing but the socket,
 * the guest's memory and a report, so the target may be a process that is killed.
 */
#ifndef CONTROL_TARGET_H
#define CONTROL_TARGET_H

#include "control.h"

/** Slots of the ring... */
#define TARGET_SLOTS 256
/** ...and chains of one or two descriptors in it. */
#define TARGET_CHAINS 128

/** Features of a target's socket. */
#define TARGET_FEATURES \
	(GUEST_BIT(VIRTIO_F_VERSION_1) | GUEST_BIT(GUEST_F_PROTOCOL_FEATURES) | \
	 GUEST_BIT(VIRTIO_F_RING_PACKED))
#define TARGET_PROTOCOL \
	(GUEST_BIT(GUEST_PROTOCOL_MQ) | GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) | \
	 GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD))

/** What driver and target tell each other; shared memory. */
struct target_report {
	/* To the target. */
	uint64_t seed;		/**< Of its choices. */
	uint32_t die_at;	/**< Kills itself at this checkpoint; 0: never. */
	uint32_t take;		/**< Chains to take at most. */
	uint32_t leave;		/**< Chains to keep in the end. */
	uint32_t first_back;	/**< Chains to return at first, before any choice... */
	uint32_t back[8];	/**< ...as positions among those taken. */
	/* From the target. */
	uint32_t progress;	/**< Checkpoints passed. */
	uint32_t has_begun;	/**< The next four are filled in. */
	uint32_t position;	/**< Next available entry or descriptor, wrap counter in bit 15. */
	uint32_t used;		/**< Next used one. */
	uint32_t resubmits;
	uint16_t resubmit[TARGET_CHAINS];	/**< Chains by number, in the list's order. */
	uint32_t taken;		/**< Chains recorded in this life. */
	uint32_t is_done;
	uint32_t failed;	/**< Line of the first thing that was not as it should be. */
};

/** The driver's side. */
struct target_driver {
	char path[108];			/**< The target's, from target_begin(). */
	struct guest_frontend frontend;
	struct guest_inflight_area area;
	int inflight_fd;
	int memory_fd, kick_fd, call_fd;
	uint8_t *memory;
	bool packed;
	uint16_t next, used;		/**< Positions; packed: wrap counter in bit 15. */
	uint16_t outstanding[TARGET_CHAINS];	/**< Chains that the device has, in order... */
	uint16_t position[TARGET_CHAINS];	/**< ...and where each begins. */
	uint32_t count;
	uint32_t reaped;		/**< Chains that came back, in all. */
};

/* control_target_driver.c */

void target_driver_init(struct target_driver *driver, bool packed);
void target_driver_destroy(struct target_driver *driver);
/** Connect and negotiate; no ring yet. */
void target_connect(struct target_driver *driver, const char *path);
/** Memory, record and ring. @return the ring's first error. */
int target_start(struct target_driver *driver);
/** SET_VRING_* of the one ring. @return the first error. */
int target_send_ring(struct target_driver *driver, uint32_t base);
/** SET_MEM_TABLE. */
void target_send_memory(struct target_driver *driver);
/** Make chain @p chain available. */
void target_post(struct target_driver *driver, uint16_t chain);
/** Make every chain available that is not, in an order of @p random's. */
void target_post_all(struct target_driver *driver, struct guest_random *random);
/** Take back what was used; fails when it is not outstanding. @return chains. */
uint32_t target_reap(struct target_driver *driver);

/* control_target.c */

/** Register a socket of a target and start it. */
void target_listen(const char *path, uint64_t protocol, const struct vhost_device_ops *ops);
/** A target of this process at a path of this name, and a driver that is connected to it. */
void target_begin(struct target_driver *driver, const char *name, uint64_t protocol, bool packed);
/** The end of both. */
void target_end(struct target_driver *driver);
/** Be a target at @p path until killed, as @p report (a file) tells. */
int target_main(const char *path, const char *report);
/** Map a report. */
struct target_report *target_report_map(const char *path);

#endif
