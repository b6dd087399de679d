/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * What every fuzzer asks after each input: is all that was taken given back? Costs microseconds.
 *
 * Call fuzz_baseline() with the first input (libFuzzer opens files of its own before), after a
 * warm-up that made what the library keeps for good (cells of devices and queues), and
 * fuzz_check_baseline() after each input, when the fuzzer has closed all that it opened. What is
 * wrong ends the process with a message: a finding.
 */
#ifndef FUZZ_CHECK_H
#define FUZZ_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** Ends the process; libFuzzer keeps the input. */
__attribute__((format(printf, 1, 2), noreturn)) void fuzz_fail(const char *format, ...);

/** A finding unless it holds. */
#define FUZZ_CHECK(condition) \
	((condition) ? (void)0 : fuzz_fail("%s:%d: not so: %s", __FILE__, __LINE__, #condition))

/** Remembers what is open, mapped and allocated now. */
void fuzz_baseline(void);

/** So many blocks of so many bytes may be kept for good, made when they are first needed. */
void fuzz_may_keep(long blocks, long bytes);

/** Compares with what fuzz_baseline() saw; a difference is a finding. */
void fuzz_check_baseline(void);

/** How many mappings, and bytes of them, library and driver hold; how many blocks of memory. */
struct fuzz_usage {
	long mappings;
	long mapped_bytes;
	long blocks;
	long block_bytes;
};

struct fuzz_usage fuzz_usage(void);

/** Prints a line for each block that was allocated since fuzz_baseline(), to find a leak. */
void fuzz_print_blocks(void);

/** The descriptors that are open and were not at the baseline: how many, and the first of them. */
int fuzz_fresh_descriptors(int *first);

/** From the `after`-th request for memory on all fail; 0 for none. */
void fuzz_fail_allocations(unsigned int after);

/** A fuzzer may have both, in the place of mmap() and munmap(). */
__attribute__((weak)) void *fuzz_map(void *where, size_t size, int protection, int flags,
	int file, off_t offset);
__attribute__((weak)) int fuzz_unmap(void *where, size_t size);

#endif
