/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * A whole life of the library's devices: sockets, every family of messages, traffic, the end of it
 * all. Every step may fail; nothing that it had may be left over then.
 */
#ifndef FAULTS_LIFE_H
#define FAULTS_LIFE_H

#include "control.h"

/** What kind of life. */
struct faults_variant {
	const char *name;
	bool packed, async;
	bool iommu;	/**< Addresses are translated; else all the other families. */
};

/** The step that needs no log line. */
#define FAULTS_BY_ERRNO "faults_app_begin(), with errno"

/** How it went. */
struct faults_outcome {
	const char *step;	/**< The first step that failed, or NULL. */
	const char *broken;	/**< What may not happen in any life, or NULL. */
};

extern const struct faults_variant faults_variants[];
/** How many there are. */
#define FAULTS_VARIANTS 6

/** How long a step may take, in milliseconds. */
extern int faults_patience;

/** Live. The fault is over when a life has ended and it comes to counting mbufs. */
struct faults_outcome faults_live(const struct faults_variant *variant);

#endif
