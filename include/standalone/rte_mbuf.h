/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_MBUF_H
#define RTEVHOSTSWIFT_RTE_MBUF_H

/**
 * @file
 * What a program without DPDK does with packet buffers. Functions that the library exports carry
 * names of this library, and DPDK's names are macros for them; the others are inline.
 *
 * A packet is a chain of one or more mbufs, its segments. pkt_len and nb_segs are valid in the
 * first. An mbuf's buffer is headroom, then data, then tailroom. *Direct* mbufs use the buffer
 * that follows them in memory, *indirect* ones that of another mbuf, and the rest an external
 * buffer.
 */

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_config.h>
#include <rte_mbuf_core.h>
#include <rte_mbuf_ptype.h>
#include <rte_mempool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name DPDK's names of functions that the library exports under its own
 * @{ */
/** The function whose name follows. */
#define rte_pktmbuf_pool_create rtevhostswift_pktmbuf_pool_create
#define rte_pktmbuf_alloc rtevhostswift_pktmbuf_alloc
#define rte_pktmbuf_alloc_bulk rtevhostswift_pktmbuf_alloc_bulk
#define rte_pktmbuf_free rtevhostswift_pktmbuf_free
#define rte_pktmbuf_free_seg rtevhostswift_pktmbuf_free_seg
#define rte_pktmbuf_free_bulk rtevhostswift_pktmbuf_free_bulk
#define rte_pktmbuf_detach rtevhostswift_pktmbuf_detach
/** @} */

/** Private data of a pool of mbufs; see rte_mempool_get_priv(). */
struct rte_pktmbuf_pool_private {
	/** Bytes of each buffer, headroom included. */
	uint16_t mbuf_data_room_size;
	/** Bytes of private data of each mbuf. */
	uint16_t mbuf_priv_size;
	/** RTE_PKTMBUF_POOL_F_*. */
	uint32_t flags;
};

/** Memory for buffers that lie outside of a pool; DPDK only. */
struct rte_pktmbuf_extmem {
	/** First byte. */
	void *buf_ptr;
	/** The same for devices. */
	rte_iova_t buf_iova;
	/** Bytes. */
	size_t buf_len;
	/** Bytes of a buffer. */
	uint16_t elt_size;
};

/**
 * Make a pool of mbufs. Also called rte_pktmbuf_pool_create().
 *
 * @param name
 *   Name, unique in the process, shorter than RTE_MEMPOOL_NAMESIZE.
 * @param n
 *   Mbufs.
 * @param cache_size
 *   Mbufs that a thread may keep to itself; up to RTE_MEMPOOL_CACHE_MAX_SIZE; 0: none.
 * @param priv_size
 *   Bytes of private data of each mbuf; a multiple of RTE_MBUF_PRIV_ALIGN.
 * @param data_room_size
 *   Bytes of each buffer, headroom included; RTE_MBUF_DEFAULT_BUF_SIZE is usual.
 * @param socket_id
 *   NUMA node, or SOCKET_ID_ANY.
 * @return
 *   Pool, or NULL with errno set: EINVAL, ENOMEM, EEXIST, ENAMETOOLONG.
 */
struct rte_mempool *rtevhostswift_pktmbuf_pool_create(const char *name, unsigned int n,
	unsigned int cache_size, uint16_t priv_size, uint16_t data_room_size, int socket_id);

/**
 * Take an mbuf from a pool, reset as rte_pktmbuf_reset() does it. Also called rte_pktmbuf_alloc().
 *
 * @param mp
 *   Pool of this library.
 * @return
 *   Mbuf with one reference, or NULL when there is none left.
 */
struct rte_mbuf *rtevhostswift_pktmbuf_alloc(struct rte_mempool *mp);

/**
 * Take mbufs from a pool, reset as rte_pktmbuf_reset() does it; all or none. Also called
 * rte_pktmbuf_alloc_bulk().
 *
 * @param pool
 *   Pool of this library.
 * @param mbufs
 *   Out: count mbufs.
 * @param count
 *   Mbufs.
 * @return
 *   0, or -ENOENT when there are too few left.
 */
int rtevhostswift_pktmbuf_alloc_bulk(struct rte_mempool *pool, struct rte_mbuf **mbufs,
	unsigned int count);

/**
 * Drop a reference to each segment of a packet; those without another go back to their pools,
 * which may be DPDK's. Also called rte_pktmbuf_free().
 *
 * @param m
 *   First segment; NULL does nothing.
 */
void rtevhostswift_pktmbuf_free(struct rte_mbuf *m);

/**
 * As rte_pktmbuf_free(), for one segment. Also called rte_pktmbuf_free_seg().
 *
 * @param m
 *   Segment; NULL does nothing.
 */
void rtevhostswift_pktmbuf_free_seg(struct rte_mbuf *m);

/**
 * As rte_pktmbuf_free(), for several packets. Also called rte_pktmbuf_free_bulk().
 *
 * @param mbufs
 *   count packets; NULL among them is skipped.
 * @param count
 *   Packets.
 */
void rtevhostswift_pktmbuf_free_bulk(struct rte_mbuf **mbufs, unsigned int count);

/**
 * Give an indirect mbuf, or one with an external buffer, its own buffer back. The reference to the
 * other buffer is dropped. Data is empty afterwards. Also called rte_pktmbuf_detach().
 *
 * @param m
 *   Mbuf that is not direct.
 */
void rtevhostswift_pktmbuf_detach(struct rte_mbuf *m);

/** rte_pktmbuf_detach() for mbufs with an external buffer. */
#define rte_pktmbuf_detach_extbuf(m) rtevhostswift_pktmbuf_detach(m)

/** Bytes of data in all segments of m. */
#define rte_pktmbuf_pkt_len(m) ((m)->pkt_len)
/** Bytes of data in the segment m. */
#define rte_pktmbuf_data_len(m) ((m)->data_len)

/** The address for devices at which m's data starts when the headroom is a fresh mbuf's. */
static inline rte_iova_t rte_mbuf_data_iova_default(const struct rte_mbuf *m)
{
	return m->buf_iova + RTE_PKTMBUF_HEADROOM;
}

/** The address for devices at which m's data starts. */
static inline rte_iova_t rte_mbuf_data_iova(const struct rte_mbuf *m)
{
	return m->buf_iova + m->data_off;
}

/** The direct mbuf whose buffer the indirect mbuf mi uses. */
static inline struct rte_mbuf *rte_mbuf_from_indirect(struct rte_mbuf *mi)
{
	return (struct rte_mbuf *)(void *)((char *)mi->buf_addr - sizeof(*mi) - mi->priv_size);
}

/** Bytes of each buffer of the pool mp, headroom included. */
static inline uint16_t rte_pktmbuf_data_room_size(struct rte_mempool *mp)
{
	return ((const struct rte_pktmbuf_pool_private *)rte_mempool_get_priv(mp))
		->mbuf_data_room_size;
}

/** Bytes of private data of each mbuf of the pool mp. */
static inline uint16_t rte_pktmbuf_priv_size(struct rte_mempool *mp)
{
	return ((const struct rte_pktmbuf_pool_private *)rte_mempool_get_priv(mp))->mbuf_priv_size;
}

/** The flags of the pool mp, RTE_PKTMBUF_POOL_F_*. */
static inline uint32_t rte_pktmbuf_priv_flags(struct rte_mempool *mp)
{
	return ((const struct rte_pktmbuf_pool_private *)rte_mempool_get_priv(mp))->flags;
}

/** First byte of the buffer that follows mb, an mbuf of the pool mp. */
static inline char *rte_mbuf_buf_addr(struct rte_mbuf *mb, struct rte_mempool *mp)
{
	return (char *)mb + sizeof(*mb) + rte_pktmbuf_priv_size(mp);
}

/** First byte of the buffer that follows md. */
static inline char *rte_mbuf_to_baddr(struct rte_mbuf *md)
{
	return rte_mbuf_buf_addr(md, md->pool);
}

/** First byte of m's private data. */
static inline void *rte_mbuf_to_priv(struct rte_mbuf *m)
{
	return (char *)m + sizeof(*m);
}

/** References to m. */
static inline uint16_t rte_mbuf_refcnt_read(const struct rte_mbuf *m)
{
	return __atomic_load_n(&m->refcnt, __ATOMIC_RELAXED);
}

/** Set the references to m. */
static inline void rte_mbuf_refcnt_set(struct rte_mbuf *m, uint16_t new_value)
{
	__atomic_store_n(&m->refcnt, new_value, __ATOMIC_RELAXED);
}

/**
 * Add to the references to an mbuf.
 *
 * @param m
 *   Mbuf.
 * @param value
 *   References to add; may be negative.
 * @return
 *   References afterwards.
 */
static inline uint16_t rte_mbuf_refcnt_update(struct rte_mbuf *m, int16_t value)
{
	/* The only holder needs no atomic addition. */
	if (likely(rte_mbuf_refcnt_read(m) == 1)) {
		uint16_t sum = (uint16_t)(1 + value);

		rte_mbuf_refcnt_set(m, sum);
		return sum;
	}
	return __atomic_add_fetch(&m->refcnt, (uint16_t)value, __ATOMIC_ACQ_REL);
}

/** References to an external buffer. */
static inline uint16_t rte_mbuf_ext_refcnt_read(const struct rte_mbuf_ext_shared_info *shinfo)
{
	return __atomic_load_n(&shinfo->refcnt, __ATOMIC_RELAXED);
}

/** Set the references to an external buffer. */
static inline void rte_mbuf_ext_refcnt_set(struct rte_mbuf_ext_shared_info *shinfo,
	uint16_t new_value)
{
	__atomic_store_n(&shinfo->refcnt, new_value, __ATOMIC_RELAXED);
}

/**
 * Add to the references to an external buffer.
 *
 * @param shinfo
 *   The buffer's shared data.
 * @param value
 *   References to add; may be negative.
 * @return
 *   References afterwards.
 */
static inline uint16_t rte_mbuf_ext_refcnt_update(struct rte_mbuf_ext_shared_info *shinfo,
	int16_t value)
{
	if (likely(rte_mbuf_ext_refcnt_read(shinfo) == 1)) {
		uint16_t sum = (uint16_t)(1 + value);

		rte_mbuf_ext_refcnt_set(shinfo, sum);
		return sum;
	}
	return __atomic_add_fetch(&shinfo->refcnt, (uint16_t)value, __ATOMIC_ACQ_REL);
}

/** Add v, which may be negative, to the references to each segment of the packet m. */
static inline void rte_pktmbuf_refcnt_update(struct rte_mbuf *m, int16_t v)
{
	for (; m != NULL; m = m->next)
		rte_mbuf_refcnt_update(m, v);
}

/** Give m a fresh mbuf's headroom, or as much as its buffer has. */
static inline void rte_pktmbuf_reset_headroom(struct rte_mbuf *m)
{
	m->data_off = m->buf_len < RTE_PKTMBUF_HEADROOM ? m->buf_len : RTE_PKTMBUF_HEADROOM;
}

/** Make m an empty packet of one segment. Its buffer, pool and references stay. */
static inline void rte_pktmbuf_reset(struct rte_mbuf *m)
{
	m->next = NULL;
	m->pkt_len = 0;
	m->tx_offload = 0;
	m->vlan_tci = 0;
	m->vlan_tci_outer = 0;
	m->nb_segs = 1;
	m->port = RTE_MBUF_PORT_INVALID;
	m->ol_flags &= EXT_ATTACHED_MBUF;
	m->packet_type = 0;
	m->data_len = 0;
	rte_pktmbuf_reset_headroom(m);
}

/** Bytes in front of m's data. */
static inline uint16_t rte_pktmbuf_headroom(const struct rte_mbuf *m)
{
	return m->data_off;
}

/** Bytes behind m's data. */
static inline uint16_t rte_pktmbuf_tailroom(const struct rte_mbuf *m)
{
	return (uint16_t)(m->buf_len - m->data_off - m->data_len);
}

/** The last segment of the packet m. */
static inline struct rte_mbuf *rte_pktmbuf_lastseg(struct rte_mbuf *m)
{
	while (m->next != NULL)
		m = m->next;
	return m;
}

/** 1 if the packet m has one segment, else 0. */
static inline int rte_pktmbuf_is_contiguous(const struct rte_mbuf *m)
{
	return m->nb_segs == 1;
}

/**
 * Make a packet's data longer at its start.
 *
 * @param m
 *   First segment.
 * @param len
 *   Bytes.
 * @return
 *   New first byte, or NULL when the headroom is too small.
 */
static inline char *rte_pktmbuf_prepend(struct rte_mbuf *m, uint16_t len)
{
	if (unlikely(len > rte_pktmbuf_headroom(m)))
		return NULL;
	m->data_off = (uint16_t)(m->data_off - len);
	m->data_len = (uint16_t)(m->data_len + len);
	m->pkt_len += len;
	return rte_pktmbuf_mtod(m, char *);
}

/**
 * Make a packet's data longer at its end.
 *
 * @param m
 *   First segment.
 * @param len
 *   Bytes.
 * @return
 *   First of the new bytes, or NULL when the last segment's tailroom is too small.
 */
static inline char *rte_pktmbuf_append(struct rte_mbuf *m, uint16_t len)
{
	struct rte_mbuf *last = rte_pktmbuf_lastseg(m);
	char *tail;

	if (unlikely(len > rte_pktmbuf_tailroom(last)))
		return NULL;
	tail = rte_pktmbuf_mtod_offset(last, char *, last->data_len);
	last->data_len = (uint16_t)(last->data_len + len);
	m->pkt_len += len;
	return tail;
}

/**
 * Make a packet's data shorter at its start.
 *
 * @param m
 *   First segment.
 * @param len
 *   Bytes.
 * @return
 *   New first byte, or NULL when the first segment has fewer bytes.
 */
static inline char *rte_pktmbuf_adj(struct rte_mbuf *m, uint16_t len)
{
	if (unlikely(len > m->data_len))
		return NULL;
	m->data_off = (uint16_t)(m->data_off + len);
	m->data_len = (uint16_t)(m->data_len - len);
	m->pkt_len -= len;
	return rte_pktmbuf_mtod(m, char *);
}

/**
 * Make a packet's data shorter at its end.
 *
 * @param m
 *   First segment.
 * @param len
 *   Bytes.
 * @return
 *   0, or -1 when the last segment has fewer bytes.
 */
static inline int rte_pktmbuf_trim(struct rte_mbuf *m, uint16_t len)
{
	struct rte_mbuf *last = rte_pktmbuf_lastseg(m);

	if (unlikely(len > last->data_len))
		return -1;
	last->data_len = (uint16_t)(last->data_len - len);
	m->pkt_len -= len;
	return 0;
}

/**
 * Append a packet to another, whose part it becomes.
 *
 * @param head
 *   First segment of the packet to make longer.
 * @param tail
 *   First segment of the other.
 * @return
 *   0, or -EOVERFLOW when there would be more than RTE_MBUF_MAX_NB_SEGS segments.
 */
static inline int rte_pktmbuf_chain(struct rte_mbuf *head, struct rte_mbuf *tail)
{
	if ((unsigned int)head->nb_segs + tail->nb_segs > RTE_MBUF_MAX_NB_SEGS)
		return -EOVERFLOW;
	rte_pktmbuf_lastseg(head)->next = tail;
	head->nb_segs = (uint16_t)(head->nb_segs + tail->nb_segs);
	head->pkt_len += tail->pkt_len;
	tail->pkt_len = tail->data_len;
	return 0;
}

/**
 * Read from a packet's data, over segments.
 *
 * @param m
 *   First segment.
 * @param off
 *   First byte.
 * @param len
 *   Bytes.
 * @param buf
 *   Where to copy what lies in more than one segment; len bytes.
 * @return
 *   The bytes, in the packet or in buf; NULL when the packet is too short.
 */
static inline const void *rte_pktmbuf_read(const struct rte_mbuf *m, uint32_t off, uint32_t len,
	void *buf)
{
	char *out = (char *)buf;

	if (off > m->pkt_len || len > m->pkt_len - off)
		return NULL;
	while (off >= m->data_len && m->next != NULL) {
		off -= m->data_len;
		m = m->next;
	}
	if (likely(off <= m->data_len && len <= m->data_len - off))
		return rte_pktmbuf_mtod_offset(m, const void *, off);
	for (; len != 0 && m != NULL; m = m->next, off = 0) {
		uint32_t piece = m->data_len - off;

		if (piece > len)
			piece = len;
		memcpy(out, rte_pktmbuf_mtod_offset(m, const void *, off), piece);
		out += piece;
		len -= piece;
	}
	return len == 0 ? buf : NULL;
}

/**
 * Move all of a packet's data to its first segment and free the others.
 *
 * @param mbuf
 *   First segment.
 * @return
 *   0, or -1 when its tailroom is too small.
 */
static inline int rte_pktmbuf_linearize(struct rte_mbuf *mbuf)
{
	if (rte_pktmbuf_is_contiguous(mbuf))
		return 0;
	if (mbuf->pkt_len - mbuf->data_len > rte_pktmbuf_tailroom(mbuf))
		return -1;
	while (mbuf->next != NULL) {
		struct rte_mbuf *segment = mbuf->next;

		memcpy(rte_pktmbuf_mtod_offset(mbuf, char *, mbuf->data_len),
			rte_pktmbuf_mtod(segment, const char *), segment->data_len);
		mbuf->data_len = (uint16_t)(mbuf->data_len + segment->data_len);
		mbuf->next = segment->next;
		segment->next = NULL;
		segment->nb_segs = 1;
		rtevhostswift_pktmbuf_free_seg(segment);
	}
	mbuf->nb_segs = 1;
	return 0;
}

/**
 * Set up the shared data of an external buffer at the buffer's end, with one reference.
 *
 * @param buf_addr
 *   First byte of the buffer.
 * @param buf_len
 *   In: bytes of the buffer. Out: bytes left in front of the shared data.
 * @param free_cb
 *   Frees the buffer.
 * @param fcb_opaque
 *   Second argument of free_cb.
 * @return
 *   Shared data, or NULL when the buffer is too small.
 */
static inline struct rte_mbuf_ext_shared_info *rte_pktmbuf_ext_shinfo_init_helper(void *buf_addr,
	uint16_t *buf_len, rte_mbuf_extbuf_free_callback_t free_cb, void *fcb_opaque)
{
	uintptr_t start = (uintptr_t)buf_addr;
	uintptr_t place = start + *buf_len;
	struct rte_mbuf_ext_shared_info *shinfo;

	if (*buf_len < sizeof(*shinfo))
		return NULL;
	place = (place - sizeof(*shinfo)) & ~(uintptr_t)(sizeof(uintptr_t) - 1);
	if (place <= start)
		return NULL;
	shinfo = (struct rte_mbuf_ext_shared_info *)place;
	shinfo->free_cb = free_cb;
	shinfo->fcb_opaque = fcb_opaque;
	rte_mbuf_ext_refcnt_set(shinfo, 1);
	*buf_len = (uint16_t)(place - start);
	return shinfo;
}

/**
 * Attach an external buffer to a direct mbuf. The reference that shinfo counts for it becomes the
 * mbuf's. Data is empty afterwards and the headroom is 0.
 *
 * @param m
 *   Direct mbuf.
 * @param buf_addr
 *   First byte of the buffer.
 * @param buf_iova
 *   The same for devices.
 * @param buf_len
 *   Bytes.
 * @param shinfo
 *   The buffer's shared data.
 */
static inline void rte_pktmbuf_attach_extbuf(struct rte_mbuf *m, void *buf_addr,
	rte_iova_t buf_iova, uint16_t buf_len, struct rte_mbuf_ext_shared_info *shinfo)
{
	m->buf_addr = buf_addr;
	m->buf_iova = buf_iova;
	m->buf_len = buf_len;
	m->data_off = 0;
	m->data_len = 0;
	m->ol_flags |= EXT_ATTACHED_MBUF;
	m->shinfo = shinfo;
}

/**
 * Let an mbuf use the buffer of another, which gets one reference more. It becomes a packet of one
 * segment with the same data.
 *
 * @param mi
 *   Direct mbuf with one reference.
 * @param m
 *   The other; of any kind.
 */
static inline void rte_pktmbuf_attach(struct rte_mbuf *mi, struct rte_mbuf *m)
{
	if (RTE_MBUF_HAS_EXTBUF(m)) {
		rte_mbuf_ext_refcnt_update(m->shinfo, 1);
		mi->shinfo = m->shinfo;
		mi->ol_flags = m->ol_flags;
	} else {
		/* An indirect mbuf's owner is the direct mbuf behind it. */
		rte_mbuf_refcnt_update(RTE_MBUF_CLONED(m) ? rte_mbuf_from_indirect(m) : m, 1);
		mi->priv_size = m->priv_size;
		mi->ol_flags = m->ol_flags | IND_ATTACHED_MBUF;
	}
	mi->buf_addr = m->buf_addr;
	mi->buf_iova = m->buf_iova;
	mi->buf_len = m->buf_len;
	mi->data_off = m->data_off;
	mi->data_len = m->data_len;
	mi->pkt_len = m->data_len;
	mi->next = NULL;
	mi->nb_segs = 1;
	mi->port = m->port;
	mi->vlan_tci = m->vlan_tci;
	mi->vlan_tci_outer = m->vlan_tci_outer;
	mi->tx_offload = m->tx_offload;
	mi->hash = m->hash;
	mi->packet_type = m->packet_type;
	mi->timesync = m->timesync;
	memcpy(mi->dynfield1, m->dynfield1, sizeof(mi->dynfield1));
}

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_RTE_MBUF_H */
