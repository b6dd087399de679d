/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_MEMPOOL_H
#define RTEVHOSTSWIFT_RTE_MEMPOOL_H

/**
 * @file
 * Pools of objects of one size, for programs without DPDK. The layouts are those of DPDK 21.08, so
 * that code which looks into a pool finds everything where it expects it. A pool of this library
 * is known by its ops_index, RTEVHOSTSWIFT_MEMPOOL_OPS_INDEX. Pools of packet buffers are made by
 * rte_pktmbuf_pool_create() of rte_mbuf.h; there is no other kind.
 *
 * The functions carry names of this library and DPDK's names are macros for them: a process may
 * load both libraries without a clash of symbols.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <rte_common.h>
#include <rte_config.h>
#include <rte_memory.h>
#include <rte_spinlock.h>

#ifdef __cplusplus
extern "C" {
#endif

/** ops_index of a pool that this library made; DPDK's indexes are never negative. */
#define RTEVHOSTSWIFT_MEMPOOL_OPS_INDEX (-0x5653)

/** Debug builds of DPDK only: mark in front of an object that is in use. */
#define RTE_MEMPOOL_HEADER_COOKIE1 0xbadbadbadadd2e55ULL
/** Debug builds of DPDK only: mark in front of an object that is free. */
#define RTE_MEMPOOL_HEADER_COOKIE2 0xf2eef2eedadd2e55ULL
/** Debug builds of DPDK only: mark behind an object. */
#define RTE_MEMPOOL_TRAILER_COOKIE 0xadd2e55badbadbadULL

/** Begins the names of the memory zones that hold DPDK's pools. */
#define RTE_MEMPOOL_MZ_PREFIX "MP_"
/** printf format that makes such a zone's name from the pool's. */
#define RTE_MEMPOOL_MZ_FORMAT "MP_%s"
/** Longest name of a pool, its terminating zero included, in bytes. */
#define RTE_MEMPOOL_NAMESIZE 26
/** Size of struct rte_mempool.name, in bytes. */
#define RTE_MEMZONE_NAMESIZE 32
/** Size of struct rte_mempool_ops.name, in bytes. */
#define RTE_MEMPOOL_OPS_NAMESIZE 32
/** Sets of pool operations that DPDK's table holds. */
#define RTE_MEMPOOL_MAX_OPS_IDX 16
/** Alignment of objects, in bytes. */
#define RTE_MEMPOOL_ALIGN 64
/** RTE_MEMPOOL_ALIGN as a mask. */
#define RTE_MEMPOOL_ALIGN_MASK 63
/** Populate operation: every object must start at a multiple of its whole size. */
#define RTE_MEMPOOL_POPULATE_F_ALIGN_OBJ 0x1
/** Pages that a pool over foreign memory has by default. */
#define MEMPOOL_PG_NUM_DEFAULT 1
/** Largest log2 of a page size. */
#define MEMPOOL_PG_SHIFT_MAX 63

/** Pool flag: objects are not spread over memory channels. */
#define MEMPOOL_F_NO_SPREAD 0x1
/** Pool flag: objects need not start at cache lines. */
#define MEMPOOL_F_NO_CACHE_ALIGN 0x2
/** Pool flag: one thread at a time puts. */
#define MEMPOOL_F_SP_PUT 0x4
/** Pool flag: one thread at a time gets. */
#define MEMPOOL_F_SC_GET 0x8
/** Pool flag, internal: the operations' alloc has run. */
#define MEMPOOL_F_POOL_CREATED 0x10
/** Pool flag: objects need not be contiguous to a device. */
#define MEMPOOL_F_NO_IOVA_CONTIG 0x20

/** @name The same under DPDK's newer names
 * @{ */
/** The flag whose name follows. */
#define RTE_MEMPOOL_F_NO_SPREAD MEMPOOL_F_NO_SPREAD
#define RTE_MEMPOOL_F_NO_CACHE_ALIGN MEMPOOL_F_NO_CACHE_ALIGN
#define RTE_MEMPOOL_F_SP_PUT MEMPOOL_F_SP_PUT
#define RTE_MEMPOOL_F_SC_GET MEMPOOL_F_SC_GET
#define RTE_MEMPOOL_F_POOL_CREATED MEMPOOL_F_POOL_CREATED
#define RTE_MEMPOOL_F_NO_IOVA_CONTIG MEMPOOL_F_NO_IOVA_CONTIG
/** @} */

struct rte_mempool;
struct rte_mempool_memhdr;

/** An lcore's stock of objects, taken from and given back to the pool in bulk. 21.08's layout. */
struct rte_mempool_cache {
	/** Objects it aims to hold. */
	uint32_t size;
	/** Objects at which the surplus goes back to the pool. */
	uint32_t flushthresh;
	/** Objects it holds. */
	uint32_t len;
	/** The objects; the last is taken first. */
	void *objs[RTE_MEMPOOL_CACHE_MAX_SIZE * 3];
	/** Up to whole cache lines. */
	uint8_t rtevhostswift_padding[48];
} __rte_cache_aligned;

/** Sizes of an object and of what surrounds it, in bytes. */
struct rte_mempool_objsz {
	/** The object. */
	uint32_t elt_size;
	/** In front of it, struct rte_mempool_objhdr included. */
	uint32_t header_size;
	/** Behind it. */
	uint32_t trailer_size;
	/** All three. */
	uint32_t total_size;
};

/** Directly in front of each object. */
struct rte_mempool_objhdr {
	/** The pool's list of all objects. */
	struct {
		/** Next object's header, or NULL. */
		struct rte_mempool_objhdr *stqe_next;
	} next;
	/** The pool. */
	struct rte_mempool *mp;
	/** The object's address for devices. */
	rte_iova_t iova;
};

/** All objects of a pool. */
struct rte_mempool_objhdr_list {
	/** First, or NULL. */
	struct rte_mempool_objhdr *stqh_first;
	/** Where the next one is to be linked. */
	struct rte_mempool_objhdr **stqh_last;
};

/** All pieces of memory of a pool. */
struct rte_mempool_memhdr_list {
	/** First, or NULL. */
	struct rte_mempool_memhdr *stqh_first;
	/** Where the next one is to be linked. */
	struct rte_mempool_memhdr **stqh_last;
};

/** Called to give a piece of a pool's memory back. */
typedef void (rte_mempool_memchunk_free_cb_t)(struct rte_mempool_memhdr *memhdr, void *opaque);

/** A piece of memory that objects of a pool lie in. */
struct rte_mempool_memhdr {
	/** The pool's list of pieces. */
	struct {
		/** Next piece, or NULL. */
		struct rte_mempool_memhdr *stqe_next;
	} next;
	/** The pool. */
	struct rte_mempool *mp;
	/** First byte. */
	void *addr;
	/** First byte's address for devices. */
	rte_iova_t iova;
	/** Bytes. */
	size_t len;
	/** Gives the piece back; may be NULL. */
	rte_mempool_memchunk_free_cb_t *free_cb;
	/** Second argument of free_cb. */
	void *opaque;
};

/** What a pool's operations tell about it. */
struct rte_mempool_info {
	/** Objects of a contiguous block; 0 when there are no blocks. */
	unsigned int contig_block_size;
	/** Up to whole cache lines. */
	uint8_t rtevhostswift_padding[60];
} __rte_cache_aligned;

/** A pool. */
struct rte_mempool {
	/** Name, zero-terminated. */
	char name[RTE_MEMZONE_NAMESIZE];
	__extension__ union {
		/** Where the operations keep their objects: a pointer ... */
		void *pool_data;
		/** ... or a number. */
		uint64_t pool_id;
	};
	/** Configuration for the operations' alloc. */
	void *pool_config;
	/** DPDK's memory zone of this structure; NULL in this library's pools. */
	const struct rte_memzone *mz;
	/** MEMPOOL_F_*. */
	unsigned int flags;
	/** NUMA node asked for, or SOCKET_ID_ANY. */
	int socket_id;
	/** Objects at most. */
	uint32_t size;
	/** Size of the lcore caches; 0: the pool has none and no room for them follows. */
	uint32_t cache_size;
	/** Bytes of an object. */
	uint32_t elt_size;
	/** Bytes in front of an object. */
	uint32_t header_size;
	/** Bytes behind an object. */
	uint32_t trailer_size;
	/** Bytes of private data; see rte_mempool_get_priv(). */
	unsigned int private_data_size;
	/** Index of its operations in DPDK's table, or RTEVHOSTSWIFT_MEMPOOL_OPS_INDEX. */
	int32_t ops_index;
	/** RTE_MAX_LCORE caches, or NULL. */
	struct rte_mempool_cache *local_cache;
	/** Objects it has. */
	uint32_t populated_size;
	/** All objects, free or not. */
	struct rte_mempool_objhdr_list elt_list;
	/** Pieces of memory. */
	uint32_t nb_mem_chunks;
	/** The pieces. */
	struct rte_mempool_memhdr_list mem_list;
	/** Up to whole cache lines. */
	uint8_t rtevhostswift_padding[40];
} __rte_cache_aligned;

/** Sets up what a pool keeps its objects in; 0 or a negative errno. */
typedef int (*rte_mempool_alloc_t)(struct rte_mempool *mp);
/** Undoes rte_mempool_alloc_t. */
typedef void (*rte_mempool_free_t)(struct rte_mempool *mp);
/** Puts n objects; 0 or a negative errno, and then none. */
typedef int (*rte_mempool_enqueue_t)(struct rte_mempool *mp, void *const *obj_table,
	unsigned int n);
/** Gets n objects; 0 or a negative errno, and then none. */
typedef int (*rte_mempool_dequeue_t)(struct rte_mempool *mp, void **obj_table, unsigned int n);
/** Gets n contiguous blocks; 0 or a negative errno, and then none. */
typedef int (*rte_mempool_dequeue_contig_blocks_t)(struct rte_mempool *mp,
	void **first_obj_table, unsigned int n);
/** Counts free objects, without those in caches. */
typedef unsigned int (*rte_mempool_get_count)(const struct rte_mempool *mp);
/** Bytes that obj_num objects take with pages of 2^pg_shift bytes, or a negative errno. */
typedef ssize_t (*rte_mempool_calc_mem_size_t)(const struct rte_mempool *mp, uint32_t obj_num,
	uint32_t pg_shift, size_t *min_chunk_size, size_t *align);
/** Told of each object that a populate operation places. */
typedef void (rte_mempool_populate_obj_cb_t)(struct rte_mempool *mp, void *opaque, void *vaddr,
	rte_iova_t iova);
/** Places up to max_objs objects in len bytes at vaddr; their number, or a negative errno. */
typedef int (*rte_mempool_populate_t)(struct rte_mempool *mp, unsigned int max_objs, void *vaddr,
	rte_iova_t iova, size_t len, rte_mempool_populate_obj_cb_t *obj_cb, void *obj_cb_arg);
/** Fills info in; 0 or a negative errno. */
typedef int (*rte_mempool_get_info_t)(const struct rte_mempool *mp,
	struct rte_mempool_info *info);

/** How a kind of pool works. */
struct rte_mempool_ops {
	/** Name, zero-terminated. */
	char name[RTE_MEMPOOL_OPS_NAMESIZE];
	/** Required. */
	rte_mempool_alloc_t alloc;
	/** May be NULL. */
	rte_mempool_free_t free;
	/** Required. */
	rte_mempool_enqueue_t enqueue;
	/** Required. */
	rte_mempool_dequeue_t dequeue;
	/** Required. */
	rte_mempool_get_count get_count;
	/** May be NULL. */
	rte_mempool_calc_mem_size_t calc_mem_size;
	/** May be NULL. */
	rte_mempool_populate_t populate;
	/** May be NULL. */
	rte_mempool_get_info_t get_info;
	/** May be NULL. */
	rte_mempool_dequeue_contig_blocks_t dequeue_contig_blocks;
	/** Up to whole cache lines. */
	uint8_t rtevhostswift_padding[24];
} __rte_cache_aligned;

/** All kinds of pools that DPDK knows; struct rte_mempool.ops_index is an index into ops. */
struct rte_mempool_ops_table {
	/** Held while a kind is added. */
	rte_spinlock_t sl;
	/** Used elements of ops. */
	uint32_t num_ops;
	/** Up to a cache line. */
	uint8_t rtevhostswift_padding[56];
	/** The kinds. */
	struct rte_mempool_ops ops[RTE_MEMPOOL_MAX_OPS_IDX];
} __rte_cache_aligned;

/** @name DPDK's names of functions that the library exports under its own
 * @{ */
/** The function whose name follows. */
#define rte_mempool_lookup rtevhostswift_mempool_lookup
#define rte_mempool_free rtevhostswift_mempool_free
#define rte_mempool_avail_count rtevhostswift_mempool_avail_count
#define rte_mempool_in_use_count rtevhostswift_mempool_in_use_count
/** @} */

/**
 * Find a pool by its name. Also called rte_mempool_lookup().
 *
 * @param name
 *   Zero-terminated name, as given when the pool was made.
 * @return
 *   The pool, or NULL with errno ENOENT, or EINVAL when name is NULL.
 */
struct rte_mempool *rtevhostswift_mempool_lookup(const char *name);

/**
 * Free a pool and all its objects, those in use included: nothing may use them any more. Also
 * called rte_mempool_free().
 *
 * @param mp
 *   A pool of this library; NULL does nothing.
 */
void rtevhostswift_mempool_free(struct rte_mempool *mp);

/**
 * Count a pool's free objects, those in caches included. Exact only while no other thread uses the
 * pool. Also called rte_mempool_avail_count().
 *
 * @param mp
 *   A pool of this library.
 * @return
 *   Objects, 0 to mp->size.
 */
unsigned int rtevhostswift_mempool_avail_count(const struct rte_mempool *mp);

/**
 * Count a pool's objects that are in use. Exact only while no other thread uses the pool. Also
 * called rte_mempool_in_use_count().
 *
 * @param mp
 *   A pool of this library.
 * @return
 *   Objects, 0 to mp->size.
 */
unsigned int rtevhostswift_mempool_in_use_count(const struct rte_mempool *mp);

/**
 * 1 when every object is free, else 0.
 *
 * @param mp
 *   A pool of this library.
 */
static inline int rte_mempool_full(const struct rte_mempool *mp)
{
	return rtevhostswift_mempool_avail_count(mp) == mp->size;
}

/**
 * 1 when every object is in use, else 0.
 *
 * @param mp
 *   A pool of this library.
 */
static inline int rte_mempool_empty(const struct rte_mempool *mp)
{
	return rtevhostswift_mempool_avail_count(mp) == 0;
}

/**
 * A pool's private data, which follows struct rte_mempool and, if cache_size is not 0, the caches.
 *
 * @param mp
 *   A pool.
 * @return
 *   First of mp->private_data_size bytes.
 */
static inline void *rte_mempool_get_priv(struct rte_mempool *mp)
{
	size_t caches = 0;

	if (mp->cache_size != 0)
		caches = sizeof(struct rte_mempool_cache) * RTE_MAX_LCORE;
	return (char *)mp + sizeof(*mp) + caches;
}

/**
 * The header of an object.
 *
 * @param obj
 *   An object of a pool.
 * @return
 *   What lies in front of it.
 */
static inline struct rte_mempool_objhdr *rte_mempool_get_header(void *obj)
{
	return (struct rte_mempool_objhdr *)(void *)((char *)obj -
		sizeof(struct rte_mempool_objhdr));
}

/**
 * The pool that an object belongs to.
 *
 * @param obj
 *   An object of a pool.
 */
static inline struct rte_mempool *rte_mempool_from_obj(void *obj)
{
	return rte_mempool_get_header(obj)->mp;
}

/**
 * An object's address for devices.
 *
 * @param elt
 *   An object of a pool.
 * @return
 *   IOVA of its first byte.
 */
static inline rte_iova_t rte_mempool_virt2iova(const void *elt)
{
	return ((const struct rte_mempool_objhdr *)(const void *)((const char *)elt -
		sizeof(struct rte_mempool_objhdr)))->iova;
}

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_RTE_MEMPOOL_H */
