/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_BYTEORDER_H
#define RTEVHOSTSWIFT_RTE_BYTEORDER_H

/**
 * @file
 * Byte orders: types that say which one a field has, and conversions from and to the processor's.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** 16 bits, big-endian (network order). */
typedef uint16_t rte_be16_t;
/** 32 bits, big-endian (network order). */
typedef uint32_t rte_be32_t;
/** 64 bits, big-endian (network order). */
typedef uint64_t rte_be64_t;
/** 16 bits, little-endian. */
typedef uint16_t rte_le16_t;
/** 32 bits, little-endian. */
typedef uint32_t rte_le32_t;
/** 64 bits, little-endian. */
typedef uint64_t rte_le64_t;

/** Value of RTE_BYTE_ORDER on a big-endian processor. */
#define RTE_BIG_ENDIAN 1
/** Value of RTE_BYTE_ORDER on a little-endian processor. */
#define RTE_LITTLE_ENDIAN 2

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
/** This processor's byte order. */
#define RTE_BYTE_ORDER RTE_BIG_ENDIAN
/** The constant v in big-endian order, as a constant expression of 16 bits. */
#define RTE_BE16(v) ((rte_be16_t)(v))
/** The constant v in big-endian order, as a constant expression of 32 bits. */
#define RTE_BE32(v) ((rte_be32_t)(v))
/** The constant v in big-endian order, as a constant expression of 64 bits. */
#define RTE_BE64(v) ((rte_be64_t)(v))
#else
/** This processor's byte order. */
#define RTE_BYTE_ORDER RTE_LITTLE_ENDIAN
/** The constant v in big-endian order, as a constant expression of 16 bits. */
#define RTE_BE16(v) ((rte_be16_t)__builtin_bswap16((uint16_t)(v)))
/** The constant v in big-endian order, as a constant expression of 32 bits. */
#define RTE_BE32(v) ((rte_be32_t)__builtin_bswap32((uint32_t)(v)))
/** The constant v in big-endian order, as a constant expression of 64 bits. */
#define RTE_BE64(v) ((rte_be64_t)__builtin_bswap64((uint64_t)(v)))
#endif

/** x with its two bytes exchanged. */
static inline uint16_t rte_bswap16(uint16_t x)
{
	return __builtin_bswap16(x);
}

/** x with its four bytes reversed. */
static inline uint32_t rte_bswap32(uint32_t x)
{
	return __builtin_bswap32(x);
}

/** x with its eight bytes reversed. */
static inline uint64_t rte_bswap64(uint64_t x)
{
	return __builtin_bswap64(x);
}

/** From the processor's order to big-endian, 16 bits. */
static inline rte_be16_t rte_cpu_to_be_16(uint16_t x)
{
	return RTE_BE16(x);
}

/** From the processor's order to big-endian, 32 bits. */
static inline rte_be32_t rte_cpu_to_be_32(uint32_t x)
{
	return RTE_BE32(x);
}

/** From the processor's order to big-endian, 64 bits. */
static inline rte_be64_t rte_cpu_to_be_64(uint64_t x)
{
	return RTE_BE64(x);
}

/** From big-endian to the processor's order, 16 bits. */
static inline uint16_t rte_be_to_cpu_16(rte_be16_t x)
{
	return RTE_BE16(x);
}

/** From big-endian to the processor's order, 32 bits. */
static inline uint32_t rte_be_to_cpu_32(rte_be32_t x)
{
	return RTE_BE32(x);
}

/** From big-endian to the processor's order, 64 bits. */
static inline uint64_t rte_be_to_cpu_64(rte_be64_t x)
{
	return RTE_BE64(x);
}

/** From the processor's order to little-endian, 16 bits. */
static inline rte_le16_t rte_cpu_to_le_16(uint16_t x)
{
	return RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN ? x : rte_bswap16(x);
}

/** From the processor's order to little-endian, 32 bits. */
static inline rte_le32_t rte_cpu_to_le_32(uint32_t x)
{
	return RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN ? x : rte_bswap32(x);
}

/** From the processor's order to little-endian, 64 bits. */
static inline rte_le64_t rte_cpu_to_le_64(uint64_t x)
{
	return RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN ? x : rte_bswap64(x);
}

/** From little-endian to the processor's order, 16 bits. */
static inline uint16_t rte_le_to_cpu_16(rte_le16_t x)
{
	return rte_cpu_to_le_16(x);
}

/** From little-endian to the processor's order, 32 bits. */
static inline uint32_t rte_le_to_cpu_32(rte_le32_t x)
{
	return rte_cpu_to_le_32(x);
}

/** From little-endian to the processor's order, 64 bits. */
static inline uint64_t rte_le_to_cpu_64(rte_le64_t x)
{
	return rte_cpu_to_le_64(x);
}

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_RTE_BYTEORDER_H */
