/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#ifndef CRTE_MEMORY_H
#define CRTE_MEMORY_H

/*
 * Reads and writes of memory that a guest may change at any moment. Volatile makes each exactly
 * one access: a plain Swift load may be split or repeated by the optimiser.
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * ThreadSanitizer is not asked about them: a guest that writes what we read, or two rings that a
 * frontend puts at one place, race by intent. What was read is used by value.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CRTE_SHARED __attribute__((no_sanitize("thread")))
#define CRTE_THREAD_SANITIZER 1
#endif
#endif
#ifndef CRTE_SHARED
#define CRTE_SHARED
#endif

/** Two words fetched one after the other, each exactly once. */
struct crte_pair {
	uint64_t first;
	uint64_t second;
};

/* A guest may put its header or table at any address. */
typedef uint16_t __attribute__((aligned(1), may_alias)) crte_u16;
typedef uint32_t __attribute__((aligned(1), may_alias)) crte_u32;
typedef uint64_t __attribute__((aligned(1), may_alias)) crte_u64;

static inline CRTE_SHARED uint8_t crte_load_u8(const void *p)
{
	return *(const volatile uint8_t *)p;
}

static inline CRTE_SHARED uint16_t crte_load_u16(const void *p)
{
	return *(const volatile crte_u16 *)p;
}

static inline CRTE_SHARED uint32_t crte_load_u32(const void *p)
{
	return *(const volatile crte_u32 *)p;
}

static inline CRTE_SHARED uint64_t crte_load_u64(const void *p)
{
	return *(const volatile crte_u64 *)p;
}

static inline CRTE_SHARED struct crte_pair crte_load_pair(const void *p)
{
	struct crte_pair pair;

	pair.first = ((const volatile crte_u64 *)p)[0];
	pair.second = ((const volatile crte_u64 *)p)[1];
	return pair;
}

/*
 * Asks for a cache line that will be written soon. A hint; __builtin_prefetch() makes a prefetch
 * for reading of it where the compiler may not assume the instruction. Processors that do not
 * know it pass over it.
 */
static inline void crte_prefetch_for_write(const void *p)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
#else
	__builtin_prefetch(p, 1, 3);
#endif
}

/* The same for a line that will be read. */
static inline void crte_prefetch_for_read(const void *p)
{
	__builtin_prefetch(p, 0, 3);
}

/* What only one thread writes and others may look at. */
static inline uint32_t crte_load_relaxed_u32(const void *p)
{
	return __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED);
}

static inline void crte_store_relaxed_u32(void *p, uint32_t value)
{
	__atomic_store_n((uint32_t *)p, value, __ATOMIC_RELAXED);
}

static inline uint16_t crte_load_acquire_u16(const void *p)
{
	return __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE);
}

static inline uint64_t crte_load_acquire_u64(const void *p)
{
	return __atomic_load_n((const uint64_t *)p, __ATOMIC_ACQUIRE);
}

static inline CRTE_SHARED void crte_store_u16(void *p, uint16_t value)
{
	*(volatile crte_u16 *)p = value;
}

static inline CRTE_SHARED void crte_store_u32(void *p, uint32_t value)
{
	*(volatile crte_u32 *)p = value;
}

static inline CRTE_SHARED void crte_store_u64(void *p, uint64_t value)
{
	*(volatile crte_u64 *)p = value;
}

static inline void crte_store_release_u16(void *p, uint16_t value)
{
	__atomic_store_n((uint16_t *)p, value, __ATOMIC_RELEASE);
}

static inline void crte_store_release_u64(void *p, uint64_t value)
{
	__atomic_store_n((uint64_t *)p, value, __ATOMIC_RELEASE);
}

/** Orders a store before a later load, which release and acquire do not. */
static inline void crte_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* 16 bytes in one register, at any address. */
typedef uint64_t __attribute__((vector_size(16), aligned(1), may_alias)) crte_vector;

/** The first and the last 16 bytes, which may overlap: 16 to 32 bytes. */
static inline CRTE_SHARED void crte_copy_16_to_32(char *to, const char *from, size_t count)
{
	crte_vector first = *(const crte_vector *)from;
	crte_vector last = *(const crte_vector *)(from + count - 16);

	*(crte_vector *)to = first;
	*(crte_vector *)(to + count - 16) = last;
}

/** The same in pairs: 32 to 64 bytes. */
static inline CRTE_SHARED void crte_copy_32_to_64(char *to, const char *from, size_t count)
{
	crte_copy_16_to_32(to, from, 32);
	crte_copy_16_to_32(to + count - 32, from + count - 32, 32);
}

/* ThreadSanitizer knows of memcpy() what it copies. */
#if defined(__x86_64__) && !defined(CRTE_THREAD_SANITIZER)
#define CRTE_COPY_WIDE 1

/** This processor has AVX2; set before the library's first function can be called. */
extern __attribute__((visibility("hidden"))) bool crte_copies_wide;

/** 128 bytes or more in steps of 32, where there is AVX2. */
__attribute__((visibility("hidden"), preserve_most)) void crte_copy_wide(
	char *to, const char *from, size_t count);

/** memcpy(). */
__attribute__((visibility("hidden"), preserve_most)) void crte_copy_plain(
	char *to, const char *from, size_t count);
#endif

/** More than 128 bytes. */
static inline __attribute__((always_inline)) void crte_copy_long(
	char *to, const char *from, size_t count)
{
#ifdef CRTE_COPY_WIDE
	if (crte_copies_wide) {
		crte_copy_wide(to, from, count);
		return;
	}
	crte_copy_plain(to, from, count);
#else
	memcpy(to, from, count);
#endif
}

/** memcpy() that spares short packets the call, and is quicker with long ones. */
static inline __attribute__((always_inline)) void crte_copy(
	void *target, const void *source, size_t count)
{
	char *to = (char *)target;
	const char *from = (const char *)source;

	if (count > 128) {
		crte_copy_long(to, from, count);
	} else if (count > 64) {
		crte_copy_32_to_64(to, from, 64);
		crte_copy_32_to_64(to + count - 64, from + count - 64, 64);
	} else if (count > 32) {
		crte_copy_32_to_64(to, from, count);
	} else if (count >= 16) {
		crte_copy_16_to_32(to, from, count);
	} else {
#ifdef CRTE_COPY_WIDE
		crte_copy_plain(to, from, count);
#else
		memcpy(to, from, count);
#endif
	}
}

/**
 * True for the number that lies there. It is compared where it lies: the loops have more to
 * remember than there are registers, and what the compiler would put out of the way for it costs
 * more.
 */
static inline __attribute__((always_inline)) bool crte_is_same(
	const intptr_t *place, intptr_t number)
{
#if defined(__x86_64__)
	bool is_same;

	__asm__("cmpq %2,%1" : "=@cce"(is_same) : "m"(*place), "r"(number));
	return is_same;
#else
	return *place == number;
#endif
}

/** Sets bits that another process may clear; what was written before is visible with them. */
static inline void crte_or_release_u8(void *p, uint8_t bits)
{
	__atomic_fetch_or((uint8_t *)p, bits, __ATOMIC_RELEASE);
}

/** Adds to a 16-bit reference count; the new value. */
static inline uint16_t crte_add_u16(uint16_t *p, uint16_t value)
{
	return __atomic_add_fetch(p, value, __ATOMIC_ACQ_REL);
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
