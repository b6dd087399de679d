/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef CRTE_MEMORY_H
#define CRTE_MEMORY_H

/*
 * Reads and writes of memory that a guest may change at any moment. Volatile makes each exactly
 * one access: a plain Swift load may be split or repeated by the optimiser.
 */

#include <stdint.h>
#include <string.h>

/** Two words fetched one after the other, each exactly once. */
struct crte_pair {
	uint64_t first;
	uint64_t second;
};

/* A guest may put its header or table at any address. */
typedef uint16_t __attribute__((aligned(1), may_alias)) crte_u16;
typedef uint32_t __attribute__((aligned(1), may_alias)) crte_u32;
typedef uint64_t __attribute__((aligned(1), may_alias)) crte_u64;

static inline uint8_t crte_load_u8(const void *p)
{
	return *(const volatile uint8_t *)p;
}

static inline uint16_t crte_load_u16(const void *p)
{
	return *(const volatile crte_u16 *)p;
}

static inline uint32_t crte_load_u32(const void *p)
{
	return *(const volatile crte_u32 *)p;
}

static inline uint64_t crte_load_u64(const void *p)
{
	return *(const volatile crte_u64 *)p;
}

static inline struct crte_pair crte_load_pair(const void *p)
{
	struct crte_pair pair;

	pair.first = ((const volatile crte_u64 *)p)[0];
	pair.second = ((const volatile crte_u64 *)p)[1];
	return pair;
}

static inline uint16_t crte_load_acquire_u16(const void *p)
{
	return __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE);
}

static inline void crte_store_u16(void *p, uint16_t value)
{
	*(volatile crte_u16 *)p = value;
}

static inline void crte_store_u64(void *p, uint64_t value)
{
	*(volatile crte_u64 *)p = value;
}

static inline void crte_store_release_u16(void *p, uint16_t value)
{
	__atomic_store_n((uint16_t *)p, value, __ATOMIC_RELEASE);
}

/** Orders a store before a later load, which release and acquire do not. */
static inline void crte_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/** Copy that the compiler may open-code when the count is a constant. */
static inline void crte_copy(void *to, const void *from, size_t count)
{
	memcpy(to, from, count);
}

/** Adds to a 16-bit reference count; the new value. */
static inline uint16_t crte_add_u16(uint16_t *p, uint16_t value)
{
	return __atomic_add_fetch(p, value, __ATOMIC_ACQ_REL);
}

static inline void crte_prefetch(const void *p)
{
	__builtin_prefetch(p, 0, 3);
}

static inline void crte_prefetch_write(const void *p)
{
	__builtin_prefetch(p, 1, 3);
}

/** Hint to the processor that this thread spins. */
static inline void crte_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

#endif /* CRTE_MEMORY_H */
