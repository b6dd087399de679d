/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef RTEVHOSTSWIFT_RTE_COMMON_H
#define RTEVHOSTSWIFT_RTE_COMMON_H

/**
 * @file
 * Attributes, small arithmetic and the basic types that the other headers use, under DPDK's names.
 */

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_config.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Without padding. */
#define __rte_packed __attribute__((__packed__))
/** At addresses that are multiples of a bytes. */
#define __rte_aligned(a) __attribute__((__aligned__(a)))
/** Not necessarily used. */
#define __rte_unused __attribute__((__unused__))
/** Kept although nothing refers to it. */
#define __rte_used __attribute__((used))
/** Warns where it is used. */
#define __rte_deprecated __attribute__((__deprecated__))
/** Never returns. */
#define __rte_noreturn __attribute__((noreturn))
/** Inlined at every optimisation level. */
#define __rte_always_inline inline __attribute__((always_inline))
/** Never inlined. */
#define __rte_noinline __attribute__((noinline))
/** Seldom called. */
#define __rte_cold __attribute__((cold))
/** Often called. */
#define __rte_hot __attribute__((hot))
/** May alias objects of any other type. */
#define __rte_may_alias __attribute__((__may_alias__))
/** A variable or parameter that is unused on purpose. */
#define RTE_SET_USED(x) ((void)(x))

/** log2 of RTE_CACHE_LINE_SIZE. */
#define RTE_CACHE_LINE_SIZE_LOG2 6
/** What to and with to get an address's offset in its cache line. */
#define RTE_CACHE_LINE_MASK (RTE_CACHE_LINE_SIZE - 1)
/** The smallest cache line of the supported processors, in bytes. */
#define RTE_CACHE_LINE_MIN_SIZE 64

#ifdef __swift__
/*
 * Swift does not import a type that is aligned to more than 16 bytes. The structures that are so
 * have their padding written out: size and offsets stay. Swift uses them behind pointers only.
 */
/** Alignment of what starts at a cache line, in bytes. */
#define RTEVHOSTSWIFT_ALIGN_MAX 16
#else
#define RTEVHOSTSWIFT_ALIGN_MAX 64
#endif

/** Starts at a cache line. */
#define __rte_cache_aligned __rte_aligned(RTEVHOSTSWIFT_ALIGN_MAX)
/** Starts at a cache line of the smallest size. */
#define __rte_cache_min_aligned __rte_aligned(RTEVHOSTSWIFT_ALIGN_MAX)
/** x rounded up to whole cache lines, in bytes. */
#define RTE_CACHE_LINE_ROUNDUP(x) \
	(RTE_CACHE_LINE_SIZE * (((x) + RTE_CACHE_LINE_SIZE - 1) / RTE_CACHE_LINE_SIZE))

/** A physical address. */
typedef uint64_t phys_addr_t;
/** An address as a device sees it: physical, or virtual when the IOMMU maps it so. */
typedef uint64_t rte_iova_t;
/** No physical address. */
#define RTE_BAD_PHYS_ADDR ((phys_addr_t)-1)
/** No IOVA. */
#define RTE_BAD_IOVA ((rte_iova_t)-1)

/** A named place in a structure, without size. */
__extension__ typedef void *RTE_MARKER[0];
/** A named place with the alignment of a byte. */
__extension__ typedef uint8_t RTE_MARKER8[0];
/** A named place with the alignment of two bytes. */
__extension__ typedef uint16_t RTE_MARKER16[0];
/** A named place with the alignment of four bytes. */
__extension__ typedef uint32_t RTE_MARKER32[0];
/** A named place with the alignment of eight bytes. */
__extension__ typedef uint64_t RTE_MARKER64[0];

/** Pointer ptr moved x bytes up. */
#define RTE_PTR_ADD(ptr, x) ((void *)((uintptr_t)(ptr) + (x)))
/** Pointer ptr moved x bytes down. */
#define RTE_PTR_SUB(ptr, x) ((void *)((uintptr_t)(ptr) - (x)))
/** Bytes from ptr2 up to ptr1, as uintptr_t. */
#define RTE_PTR_DIFF(ptr1, ptr2) ((uintptr_t)(ptr1) - (uintptr_t)(ptr2))
/** Pointer ptr moved down to a multiple of align, a power of two. */
#define RTE_PTR_ALIGN_FLOOR(ptr, align) \
	((__typeof__(ptr))((uintptr_t)(ptr) & ~((uintptr_t)(align) - 1)))
/** Pointer ptr moved up to a multiple of align, a power of two. */
#define RTE_PTR_ALIGN_CEIL(ptr, align) \
	((__typeof__(ptr))(((uintptr_t)(ptr) + ((uintptr_t)(align) - 1)) & \
		~((uintptr_t)(align) - 1)))
/** As RTE_PTR_ALIGN_CEIL(). */
#define RTE_PTR_ALIGN(ptr, align) RTE_PTR_ALIGN_CEIL(ptr, align)
/** Number val lowered to a multiple of align, a power of two, in val's type. */
#define RTE_ALIGN_FLOOR(val, align) \
	((__typeof__(val))((val) & ~((__typeof__(val))(align) - 1)))
/** Number val raised to a multiple of align, a power of two, in val's type. */
#define RTE_ALIGN_CEIL(val, align) \
	RTE_ALIGN_FLOOR((__typeof__(val))((val) + (__typeof__(val))(align) - 1), align)
/** As RTE_ALIGN_CEIL(). */
#define RTE_ALIGN(val, align) RTE_ALIGN_CEIL(val, align)

/** The smaller of a and b, each evaluated once. */
#define RTE_MIN(a, b) \
	__extension__ ({ \
		__typeof__(a) rte_min_a = (a); \
		__typeof__(b) rte_min_b = (b); \
		rte_min_a < rte_min_b ? rte_min_a : rte_min_b; \
	})
/** The larger of a and b, each evaluated once. */
#define RTE_MAX(a, b) \
	__extension__ ({ \
		__typeof__(a) rte_max_a = (a); \
		__typeof__(b) rte_max_b = (b); \
		rte_max_a > rte_max_b ? rte_max_a : rte_max_b; \
	})

/** Elements of the array a. */
#define RTE_DIM(a) (sizeof(a) / sizeof((a)[0]))
/** 64-bit number whose only set bit is nr. */
#define RTE_BIT64(nr) (UINT64_C(1) << (nr))
/** 32-bit number whose only set bit is nr. */
#define RTE_BIT32(nr) (UINT32_C(1) << (nr))
/** Does not compile when the constant condition holds. */
#define RTE_BUILD_BUG_ON(condition) ((void)sizeof(char[1 - 2 * !!(condition)]))

#ifndef container_of
/** The structure of the given type whose member ptr points at. */
#define container_of(ptr, type, member) \
	((type *)(void *)((uintptr_t)(ptr) - offsetof(type, member)))
#endif

#define RTEVHOSTSWIFT_STR_(x) #x
/** x, with its macros expanded, as a string literal. */
#define RTE_STR(x) RTEVHOSTSWIFT_STR_(x)

/** 1 if n is a power of two, else 0; 0 is none. */
static inline int rte_is_power_of_2(uint32_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/** The smallest power of two that is not below x; 0 when it does not fit, and for 0. */
static inline uint32_t rte_align32pow2(uint32_t x)
{
	uint32_t power = 1;

	if (x == 0)
		return 0;
	while (power != 0 && power < x)
		power <<= 1;
	return power;
}

#ifdef __cplusplus
}
#endif

#endif /* RTEVHOSTSWIFT_RTE_COMMON_H */
