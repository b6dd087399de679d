/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/**
 * @file
 * Fuzzer of all that a frontend can send. An input is a head and records of 24 bytes, so that every
 * string of bytes is a conversation and a mutation at a record's border is one, too. A record is a
 * message whose payload, size and descriptors are right unless it says otherwise; or something
 * else that a frontend, its guest or the environment does.
 */
#ifndef FUZZ_MESSAGES_H
#define FUZZ_MESSAGES_H

#include "fuzz_check.h"
#include "guest_wire.h"

#include <rte_mbuf.h>
#include <rte_vdpa_dev.h>
#include <rte_vhost.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** How the device is registered, and how far it is before the first record. */
struct head {
	/** Bit 0 vDPA, 1 not a net device, 2 new_device refuses, 3 IOMMU, 4 postcopy, 5 external
	 *  buffers, 6 linear buffers, 7 compliant offload flags. */
	uint8_t flags;
	/** Bits 0 and 1: 2, 1, 4 or 128 queue pairs; bit 4: offers all protocol features. */
	uint8_t offers;
	/** See enum prelude. */
	uint8_t prelude;
	/** Results of the application's message handlers: two bits each; bit 4 has them. */
	uint8_t handlers;
};

/** What is sent before the first record. */
enum prelude {
	PRELUDE_NONE,
	PRELUDE_FEATURES,
	PRELUDE_MEMORY,
	PRELUDE_SPLIT,
	PRELUDE_PACKED,
	PRELUDE_IOMMU,
	PRELUDE_LOG,
	PRELUDE_INFLIGHT,
	PRELUDE_SLOTS,
	PRELUDE_POSTCOPY,
	PRELUDE_COUNT,
};

/** One thing that happens. */
struct __attribute__((packed)) record {
	/** A request's number, or one of enum action. */
	uint8_t kind;
	/** Bits 0 and 1 flags, 2 and 3 size, 4 and 5 how it is cut, 6 descriptors come with the
	 *  second piece, 7 answers are left unread. */
	uint8_t form;
	/** 0: the right descriptors. Low four bits: how many; high: of which kind. */
	uint8_t files;
	/** Queue, most often. */
	uint8_t queue;
	/** Bits 0 to 9 where the payload is changed, 10 and 11 how many bytes, 12 and 13 how. */
	uint16_t patch;
	/** Where a message is cut; other small numbers. */
	uint16_t small;
	/** What the payload is changed by. */
	uint64_t value;
	/** Which of the right payloads. */
	uint64_t choice;
};

/** Records that are no requests. Kinds in between are requests that there are not. */
enum action {
	ACTION_FIRST = 200,
	ACTION_RETRY = ACTION_FIRST,
	ACTION_DEQUEUE,
	ACTION_ENQUEUE,
	ACTION_OFFER,
	ACTION_WRITE,
	ACTION_ANSWER,
	ACTION_RECONNECT,
	ACTION_READ,
	ACTION_ASK,
	ACTION_TRUNCATE,
	ACTION_NO_MEMORY,
	ACTION_NO_DESCRIPTORS,
	ACTION_HANDLERS,
	ACTION_RAW,
	ACTION_LAST = ACTION_RAW,
};

/** Most records that are looked at. */
#define MOST_RECORDS 60

/** The guest's file: memory between two stretches that no region has unless a message says so. */
#define MEMORY_BYTES 0x40000ULL
#define MARGIN_BYTES 0x4000ULL
#define FILE_BYTES (MEMORY_BYTES + 2 * MARGIN_BYTES)
/** Where it lies for guest and frontend. */
#define GUEST_BASE 0x100000ULL
#define USER_BASE 0x7e0000000000ULL
/** A queue's ring: descriptors, available, used; eight queues have one of their own. */
#define RING_BYTES 0x2000ULL
#define RING_QUEUES 8
#define RING_SIZE 16
/** Buffers begin here. */
#define BUFFERS 0x20000ULL

/** The files that a frontend can send. */
enum file_kind {
	FILE_MEMORY,
	FILE_BRITTLE,
	FILE_EVENT,
	FILE_LOG,
	FILE_INFLIGHT,
	FILE_CHANNEL,
	FILE_PAGE,
	FILE_EMPTY,
	FILE_SEALED,
	FILE_UNWRITABLE,
	FILE_READ_ONLY,
	FILE_BLOCKING_EVENT,
	FILE_SEMAPHORE,
	FILE_PIPE_OUT,
	FILE_PIPE_IN,
	FILE_DATAGRAM,
	FILE_DIRECTORY,
	FILE_EPOLL,
	FILE_TIMER,
	FILE_NULL,
	FILE_PATH,
	FILE_TCP,
	FILE_ZERO,
	FILE_HUGE,
	FILE_KINDS,
};

/** Where a ring lies in the guest's memory, as the last message said. */
struct ring {
	uint64_t descriptors;
	uint64_t available;
};

/** A connection under attack. */
struct attack {
	struct head head;
	/** Our end, or -1. */
	int socket;
	int vid;
	/** Negotiated, as far as this end knows. */
	uint64_t features;
	/** Our end of the backend's channel, or -1. */
	int channel;
	/** Which file is the memory. */
	enum file_kind memory;
	/** A message may have mapped the margins. */
	bool is_margin_shared;
	/** Messages were answered by the application. */
	bool has_handlers;
	/** Answers are to be as the specification says: not what an application's handler makes. */
	unsigned int sessions;
	/** What guest drivers would know: next place in each available ring. */
	struct ring rings[RING_QUEUES];
	uint16_t available[RING_QUEUES];
	bool wraps[RING_QUEUES];
};

/** files.c */
void files_prepare(void);
/** A number that is good until files_reset(); of FILE_CHANNEL a fresh socket's. */
int files_number(enum file_kind kind, struct attack *attack);
/** Puts contents and sizes back; false when a file was written to that nobody may write to. */
bool files_reset(bool is_margin_shared);
void files_keep_inflight(int number);
void files_write(enum file_kind kind, uint64_t offset, const void *bytes, size_t count);
void files_write_inflight(uint64_t offset, uint64_t value, size_t count);
void files_truncate(enum file_kind kind, uint64_t size);

/** payload.c: the right message for a request; its payload's bytes and its descriptors. */
void payload_make(struct attack *attack, const struct record *record,
	struct guest_message *message);

/** wire.c */
bool wire_step(struct attack *attack);
bool wire_message(struct attack *attack, const struct record *record);
void wire_read_answers(struct attack *attack);
void wire_answer_channel(struct attack *attack, const struct record *record);
bool wire_send(int socket, const void *bytes, size_t count, const int *files,
	unsigned int file_count);

/** attack.c */
void attack_open(struct attack *attack);
void attack_close(struct attack *attack);
bool attack_perform(struct attack *attack, const struct record *record);
bool attack_prelude(struct attack *attack);

/** guest.c: what the guest does. */
void guest_offer(struct attack *attack, const struct record *record);
void guest_burst(struct attack *attack, const struct record *record);
void guest_traffic(struct attack *attack);
void guest_prepare(void);
struct rte_mempool *guest_pool(void);

/** app.c: the application. */
extern const struct vhost_device_ops app_operations;
extern const struct vhost_device_ops app_refusing_operations;
void app_prepare(void);
struct rte_vdpa_device *app_vdpa(void);
void app_set_handlers(int vid, uint8_t results);
void app_ask(int vid, const struct record *record);
void app_check_closed(void);

/** innocent.c: a device that nobody attacks. */
void innocent_prepare(void);
void innocent_check(void);

/** pager.c: fetches pages of a postcopy migration. */
void pager_prepare(void);
void pager_adopt(int number);
void pager_stop(void);

/** session.swift */
void fuzz_session_prepare(void);
int fuzz_session_open(int place, int socket, uint64_t flags, uint32_t pairs, uint32_t choices,
	const struct vhost_device_ops *operations, struct rte_vdpa_device *vdpa);
bool fuzz_session_step(int place);
void fuzz_session_retry(int place);
void fuzz_session_close(int place);
bool fuzz_session_locks_free(int vid);
bool fuzz_session_is_clean(int vid);

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
