/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * Calls from the library into libc that fail when they are told to. The functions of that name in
 * the program come before libc's; what the program itself calls goes through untouched, because
 * the return address tells who calls.
 */
#ifndef FAULTS_INJECT_H
#define FAULTS_INJECT_H

#include <stdbool.h>
#include <stdint.h>

/** In place of an errno: less than was asked for. */
#define FAULTS_SHORT (-1)
/** In place of an errno: the kernel had no room for the descriptors of a message. */
#define FAULTS_NO_DESCRIPTORS (-2)

/** Most errors that one function is given. */
#define FAULTS_KINDS 6

/** What a function asks the system for. */
enum faults_group {
	FAULTS_NONE,
	FAULTS_FILES,
	FAULTS_MEMORY,
};

/** A function of libc that the library calls. */
struct faults_function {
	const char *name;
	bool is_silent;			/**< A failure needs no log line. */
	enum faults_group group;
	int kinds[FAULTS_KINDS];	/**< Errors, 0 ends them. */
};

/** All of them; a NULL name ends the list. */
extern const struct faults_function faults_functions[];

/** What the library has and has not given back. */
struct faults_held {
	long blocks;	/**< Allocations... */
	long bytes;	/**< ...and what they hold. */
	long maps;	/**< Mappings. */
};

/** Count from here on, and have call @p number (from 1) of a function fail; -1: none does. */
void faults_arm(int function, uint32_t number, int kind);
/** The same with all calls of a group from @p number on, counted together. */
void faults_arm_group(enum faults_group group, uint32_t number);
/** Calls of a group since then. */
uint32_t faults_count_group(enum faults_group group);
/** No further failure. @return whether there was one. */
bool faults_disarm(void);
/** Calls since faults_arm(). */
uint32_t faults_count(int function);
/** Index of a function, or -1. */
int faults_find(const char *name);
void faults_get_held(struct faults_held *held);

#endif
