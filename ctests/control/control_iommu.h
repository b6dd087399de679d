/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * A device behind an IOMMU, and packets through it whose translations the test provides.
 */
#ifndef CONTROL_IOMMU_H
#define CONTROL_IOMMU_H

#include <rtevhostswift_dma.h>

#include "control.h"
#include "guest_iotlb.h"

/** Largest frame that these tests move. */
#define CONTROL_IOMMU_FRAME 60000

/* Where guests have one ring format only. */
#ifndef CONTROL_TEST
#define CONTROL_TEST(function) cmocka_unit_test(function)
#define CONTROL_TEST_SPLIT(function) cmocka_unit_test(function)
#define control_choose_ring(config) ((void)(config))
#endif

/** A device with a guest behind an IOMMU. */
struct control_iommu {
	struct control_device device;
	struct guest_iotlb iotlb;
	struct rtevhostswift_dma *engine;	/**< Not NULL: packets go through it. */
	uint64_t sent, received;		/**< Sequence numbers of both directions. */
};

/** A configuration that asks for ACCESS_PLATFORM and the backend's channel. */
void control_iommu_config(struct guest_config *config);
/** Register, start; @p flags besides RTE_VHOST_USER_IOMMU_SUPPORT. */
void control_iommu_listen(struct control_iommu *iommu, const char *name, uint64_t flags);
/** Attach a guest whose pages are shuffled by @p seed; serves misses until the device runs. */
void control_iommu_attach(struct control_iommu *iommu, const struct guest_config *config,
			  uint64_t seed);
/** Let a software engine copy in both directions. */
void control_iommu_use_engine(struct control_iommu *iommu);
/** Hang up; nothing may be left. */
void control_iommu_detach(struct control_iommu *iommu);
/** control_iommu_detach() and unregister. */
void control_iommu_close(struct control_iommu *iommu);
/** One call that takes packets from the guest. */
uint16_t control_iommu_dequeue(struct control_iommu *iommu, struct rte_mbuf **mbufs,
			       uint16_t count);
/** A frame in as many mbufs as it takes. */
struct rte_mbuf *control_iommu_frame(uint32_t size, uint64_t sequence);
/** Give the guest one packet, which is freed then or later. @return whether it was taken. */
bool control_iommu_give(struct control_iommu *iommu, struct rte_mbuf *mbuf);
/** Send frames and fail unless they arrive in order and unchanged; misses are served. */
void control_iommu_send(struct control_iommu *iommu, uint32_t count, uint32_t size,
			const struct guest_shape *shape);
/** The same the other way. */
void control_iommu_receive(struct control_iommu *iommu, uint32_t count, uint32_t size);
/** Forget all buffers and tables; the rings stay. */
void control_iommu_forget_buffers(struct control_iommu *iommu);
/** Both ways: a few frames of several sizes. */
void control_iommu_check(struct control_iommu *iommu);
/** Serve misses for some time. @return how many came. */
uint32_t control_iommu_serve(struct control_iommu *iommu, int ms);

#endif
