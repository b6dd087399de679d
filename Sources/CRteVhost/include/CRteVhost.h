/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef CRTEVHOST_H
#define CRTEVHOST_H

/*
 * The C that the Swift sources stand on: the public headers, the system's, and static inlines for
 * what Swift cannot say. There is no logic here.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_vdpa.h>
#include <rte_vdpa_dev.h>
#include <rte_vhost.h>
#include <rte_vhost_async.h>
#include <rte_vhost_crypto.h>
#include <rtevhostswift.h>
#include <rtevhostswift_control.h>
#include <rtevhostswift_dma.h>
#include <rtevhostswift_engine.h>

#include "crte_dmadev.h"
#include "crte_event.h"
#include "crte_fault.h"
#include "crte_guard.h"
#include "crte_inspect.h"
#include "crte_memory.h"
#include "crte_probes.h"
#include "crte_socket.h"
#include "crte_thread.h"
#include "crte_vdpa.h"

/*
 * Addresses of fields that other threads may change: Swift's own field access may go through a
 * copy.
 */
static inline uint16_t *crte_refcount(struct rte_mbuf *packet)
{
	return &packet->refcnt;
}

static inline uint16_t *crte_shared_refcount(struct rte_mbuf_ext_shared_info *shared)
{
	return &shared->refcnt;
}

/** NUMA node of the page at an address; -1 when the kernel does not tell. */
static inline int crte_numa_node(void *address)
{
	/* MPOL_F_NODE | MPOL_F_ADDR */
	int node = -1;

	if (syscall(SYS_get_mempolicy, &node, NULL, 0UL, address, 3UL) != 0)
		return -1;
	return node;
}

/** MAP_FAILED, a cast that Swift does not import. */
static inline void *crte_map_failed(void)
{
	return MAP_FAILED;
}

#endif /* CRTEVHOST_H */
