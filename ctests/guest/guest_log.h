/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * The dirty log of live migration: one bit per 4 KiB page of guest-physical memory, set by the
 * backend for every page it writes (vhost-user, "Migration").
 */
#ifndef GUEST_LOG_H
#define GUEST_LOG_H

#include "guest.h"

/** A dirty log. */
struct guest_log {
	uint8_t *bits;		/**< Shared with the backend. */
	uint64_t size;		/**< Bytes. */
	int fd;			/**< Its file, or -1. */
};

/**
 * Make a log for all of a guest's memory and hand it over: SET_LOG_BASE, SET_FEATURES with
 * LOG_ALL, SET_VRING_ADDR with the log flag for each ring, as QEMU does when migration starts.
 * LOG_SHMFD must have been negotiated.
 */
int guest_log_start(struct guest *guest, struct guest_log *log);

/** The first half of it: make a log for all of a guest's memory. */
int guest_log_create(const struct guest *guest, struct guest_log *log);

/** The second half: SET_FEATURES and SET_VRING_ADDR, with or without logging. */
int guest_log_switch(struct guest *guest, bool on);

/** SET_FEATURES and SET_VRING_ADDR without logging. The log stays readable. */
int guest_log_stop(struct guest *guest);

/** Unmap and close a log. */
void guest_log_destroy(struct guest_log *log);

/** Whether the page of @p gpa is dirty. */
bool guest_log_is_dirty(const struct guest_log *log, uint64_t gpa);

/** Whether every page of [gpa, gpa + size) is dirty. */
bool guest_log_covers(const struct guest_log *log, uint64_t gpa, uint64_t size);

/** Take one page's bit: whether it was dirty; it is clean then. */
bool guest_log_take_page(struct guest_log *log, uint64_t gpa);

/** Dirty pages. */
uint64_t guest_log_count(const struct guest_log *log);

/** Take all bits: count and clear them, as a round of migration does. */
uint64_t guest_log_take(struct guest_log *log);

#endif
