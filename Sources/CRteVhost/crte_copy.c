/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

#include "CRteVhost.h"

#ifdef CRTE_COPY_WIDE

bool crte_copies_wide;

/* The processor is asked once, before anybody can copy. */
__attribute__((constructor)) static void choose(void)
{
	__builtin_cpu_init();
	crte_copies_wide = __builtin_cpu_supports("avx2");
}

/* 32 bytes in one register, at any address. */
typedef uint64_t __attribute__((vector_size(32), aligned(1), may_alias)) wide_vector;

/* Lest the compiler makes another order of copies, or a call of memcpy(), of them. */
static inline __attribute__((always_inline)) void keep_order(void)
{
	__asm__ volatile("" ::: "memory");
}

/** 64 bytes, all read before the first is written. */
static inline __attribute__((always_inline, target("avx2"))) CRTE_SHARED void copy_64(
	char *to, const char *from)
{
	const wide_vector *source = (const wide_vector *)from;
	wide_vector *target = (wide_vector *)to;
	wide_vector first = source[0], second = source[1];

	target[0] = first;
	target[1] = second;
}

/** 128 bytes, the same. */
static inline __attribute__((always_inline, target("avx2"))) CRTE_SHARED void copy_128(
	char *to, const char *from)
{
	const wide_vector *source = (const wide_vector *)from;
	wide_vector *target = (wide_vector *)to;
	wide_vector first = source[0], second = source[1], third = source[2], fourth = source[3];

	target[0] = first;
	target[1] = second;
	target[2] = third;
	target[3] = fourth;
}

/*
 * Strictly forwards, as prefetchers like it, and never by "rep movsb": where either side is not in
 * the caches of this core, and packets seldom are, glibc's memcpy() takes up to 1.6 times as long.
 * Behind a packet's header in guest memory every other store would lie in two lines of cache: long
 * copies begin with one of 32 bytes, and go on from where the next are aligned. The function is
 * aligned, too: else how fast its loop is changes with whatever is in front of it.
 */
__attribute__((target("avx2"), preserve_most, aligned(64))) CRTE_SHARED void crte_copy_wide(
	char *to, const char *from, size_t count)
{
	size_t offset = 0, left = count;

	if (count >= 256) {
		*(wide_vector *)to = *(const wide_vector *)from;
		offset = 32 - ((uintptr_t)to & 31);
		left -= offset;
		keep_order();
	}
	for (; left > 128; left -= 128) {
		copy_128(to + offset, from + offset);
		keep_order();
		offset += 128;
	}
	/* Bytes that are copied twice are as dear as others. */
	if (left > 64) {
		copy_64(to + offset, from + offset);
		keep_order();
	}
	copy_64(to + count - 64, from + count - 64);
}

__attribute__((preserve_most)) CRTE_SHARED void crte_copy_plain(
	char *to, const char *from, size_t count)
{
	memcpy(to, from, count);
}

#endif
