/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Linked into programs by tools/sanitize-cc: all of them are slower under a sanitizer, some twenty
 * times, so the alarms that end what hangs come later.
 */
#define PATIENCE 10

unsigned int __real_alarm(unsigned int seconds);
unsigned int __wrap_alarm(unsigned int seconds);

unsigned int __wrap_alarm(unsigned int seconds)
{
	return __real_alarm(seconds * PATIENCE);
}
