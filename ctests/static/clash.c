/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * What a program may define for itself, although the library has it under the same name: in the
 * archive, too, only the version map's names are in sight. Were they not the library's own, this
 * would not link, or the library would end here.
 */
#include <stdint.h>
#include <stdlib.h>

void *crte_devices[1] = { &crte_devices };
uint32_t crte_guard_used = UINT32_MAX;
void *swift_retain(void *object);
void swift_release(void *object);
void *swift_allocObject(void *metadata, size_t size, size_t alignment);
void swift_once(void *once, void (*function)(void *), void *context);
void crte_library_loaded(void);

void *swift_retain(void *object)
{
	(void)object;
	abort();
}

void swift_release(void *object)
{
	(void)object;
	abort();
}

void *swift_allocObject(void *metadata, size_t size, size_t alignment)
{
	(void)metadata, (void)size, (void)alignment;
	abort();
}

void swift_once(void *once, void (*function)(void *), void *context)
{
	(void)once, (void)function, (void)context;
	abort();
}

void crte_library_loaded(void)
{
	abort();
}
