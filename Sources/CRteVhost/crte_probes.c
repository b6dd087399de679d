/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The header says that each probe has a word. */
#define _SDT_HAS_SEMAPHORES 1

#include "CRteVhost.h"

#if defined(__has_include)
#if __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#endif
#endif

#ifndef STAP_PROBE4
#define STAP_PROBE3(provider, name, a, b, c) ((void)(a), (void)(b), (void)(c))
#define STAP_PROBE4(provider, name, a, b, c, d) ((void)(a), (void)(b), (void)(c), (void)(d))
#endif

#define WORD(name) \
	volatile unsigned short rtevhostswift_##name##_semaphore __attribute__((section(".probes")))

WORD(burst);
WORD(submit);
WORD(complete);
WORD(drop);
WORD(message);
WORD(state);

/* Out of line: one place each in the library, and its arguments in registers. */

__attribute__((noinline, cold)) void crte_probe_burst(int32_t vid, uint32_t queue, uint32_t wanted,
						       uint32_t count)
{
	STAP_PROBE4(rtevhostswift, burst, vid, queue, wanted, count);
}

__attribute__((noinline, cold)) void crte_probe_submit(int32_t vid, uint32_t queue,
							uint32_t accepted, uint32_t refused)
{
	STAP_PROBE4(rtevhostswift, submit, vid, queue, accepted, refused);
}

__attribute__((noinline, cold)) void crte_probe_complete(int32_t vid, uint32_t queue,
							  uint32_t count, uint32_t lost)
{
	STAP_PROBE4(rtevhostswift, complete, vid, queue, count, lost);
}

__attribute__((noinline, cold)) void crte_probe_drop(int32_t vid, uint32_t queue, uint32_t reason)
{
	STAP_PROBE3(rtevhostswift, drop, vid, queue, reason);
}

__attribute__((noinline, cold)) void crte_probe_message(int32_t vid, uint32_t request,
							 uint32_t byte_count, int32_t error)
{
	STAP_PROBE4(rtevhostswift, message, vid, request, byte_count, error);
}

__attribute__((noinline, cold)) void crte_probe_state(int32_t vid, int32_t queue,
						       uint32_t is_running)
{
	STAP_PROBE3(rtevhostswift, state, vid, queue, is_running);
}
