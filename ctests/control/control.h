/* SPDX-License-Identifier: BSD-3-Clause */

/**
 * @file
 * What the control-plane and hostile-peer tests share: a backend of the library in this process,
 * a log of its callbacks, guests connected to it, and counts of what the process holds.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <pthread.h>

#include <cmocka.h>

#include <rte_mbuf.h>
#include <rte_vhost.h>
#include <rtevhostswift.h>

#include "guest.h"
#include "guest_packet.h"

/** How long a test waits for what must happen; never for what must not. */
#define CONTROL_PATIENCE_MS 20000

/** Room for captured log text. */
#define CONTROL_TEXT 65536

/** Mbufs of the shared pool. */
#define CONTROL_POOL_SIZE 16384

/** Elements of an array. */
#define CONTROL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** Which callback ran. */
enum control_kind {
	CONTROL_NEW_CONNECTION,
	CONTROL_STATE,
	CONTROL_NEW_DEVICE,
	CONTROL_DESTROY_DEVICE,
	CONTROL_DESTROY_CONNECTION,
	CONTROL_NOTIFIED,
};

/** One call of a callback. */
struct control_event {
	enum control_kind kind;
	int vid;
	int queue;		/**< CONTROL_STATE. */
	int enable;		/**< CONTROL_STATE. */
};

/** What the callbacks answer, and what they do besides. Set while no device is connected. */
typedef void control_hook(enum control_kind kind, int vid);

struct control_answers {
	_Atomic int new_device;
	_Atomic int new_connection;
	_Atomic(control_hook *) hook;
};

extern struct control_answers control_answers;

/** The callbacks that log themselves. */
extern const struct vhost_device_ops control_ops;

/** A socket of the library with a guest, if there is one. */
struct control_device {
	char path[108];
	struct guest *guest;
	int vid;		/**< -1 without a running device. */
};

/** What the process holds. */
struct control_counts {
	int fds, threads, guest_maps, maps;
	long resident_kib;
};

/** A device whose packets come back, on a thread of its own. */
struct control_echo {
	struct control_device device;
	pthread_t worker;
	bool stop;
	uint64_t sequence;
};

/* control_process.c */

/** Directory for sockets; made at the first call, removed at exit. */
const char *control_directory(void);
/** Write a path in that directory. */
void control_path(char path[108], const char *name);
void control_count(struct control_counts *counts);
/** The same once threads that still close what was there before have ended. */
void control_count_idle(struct control_counts *counts);
/** Fail unless descriptors, threads and guest mappings come down to what they were. */
void control_assert_flat(const struct control_counts *before);
/** Fail when resident memory grew by more than this. */
void control_assert_memory(const struct control_counts *before, long kib);
/** From here on standard error goes to a file... */
void control_capture_begin(void);
/** ...up to here; its text, and @return its lines. */
int control_capture_end(char text[CONTROL_TEXT]);
/** Fail unless the text is one line with all of these words (NULL ends them). */
void control_assert_line(const char *text, ...);
void control_sleep_ms(int ms);
int64_t control_now_ms(void);

/** Value of an expression, the log lines of its evaluation in @p text. */
#define CONTROL_LOGGED(text, expression) __extension__ ({ \
	control_capture_begin(); \
	__auto_type control_value = (expression); \
	control_capture_end(text); \
	control_value; })

/* control_device.c */

/** Events so far. */
int control_events(void);
/** One of them. */
struct control_event control_event(int index);
/** Wait for an event from @p from on; vid -1: any. @return its index or -1. */
int control_wait_event(int from, enum control_kind kind, int vid);
/** How many of a kind came from @p from on. */
int control_count_events(int from, enum control_kind kind, int vid);
/** Register, set callbacks, start. */
void control_listen(struct control_device *device, const char *name, uint64_t flags);
/**
 * Connect and start a guest with rings of the test's format; waits for new_device. NULL:
 * guest_config_init()'s.
 */
void control_attach(struct control_device *device, const struct guest_config *config);
/** Hang up; waits for destroy_connection. */
void control_detach(struct control_device *device);
/** control_detach() and unregister. */
void control_close(struct control_device *device);
/** control_listen() and control_attach(). */
void control_open(struct control_device *device, const char *name, uint64_t flags,
		  const struct guest_config *config);
void control_config(struct guest_config *config, const struct control_device *device);
/** A connected socket with nothing said. */
int control_connect(const struct control_device *device);
struct rtevhostswift_vring_stats control_stats(int vid, uint16_t queue);
/** The pool of all tests. */
struct rte_mempool *control_pool(void);
/** Fail unless every mbuf is back. */
void control_assert_pool(void);
/** Whatever is out now is lost: not the next test's fault. */
void control_forget_pool(void);

/** Setup functions of CONTROL_TEST(): the ring format that guests ask for from here on. */
int control_split(void **state);
int control_packed(void **state);
/** Whether it is the packed one. */
bool control_is_packed(void);
/** Ask for that format, where features are chosen by the test. */
void control_choose_ring(struct guest_config *config);

/** A test of one ring format: it is about something that the other one does not have. */
#define CONTROL_TEST_SPLIT(function) \
	{ #function "_split", function, control_split, NULL, NULL }
#define CONTROL_TEST_PACKED(function) \
	{ #function "_packed", function, control_packed, NULL, NULL }
/** A test of both. */
#define CONTROL_TEST(function) CONTROL_TEST_SPLIT(function), CONTROL_TEST_PACKED(function)

/* control_echo.c */

void control_echo_start(struct control_echo *echo, const char *name);
/** Send packets and fail unless all come back in order and unchanged. */
void control_echo_check(struct control_echo *echo, uint32_t count);
void control_echo_stop(struct control_echo *echo);
/** The same after a failure: without asserting anything. */
void control_echo_abandon(struct control_echo *echo);
/** Frame number @p sequence of @p size bytes. */
void control_frame(uint8_t *frame, uint32_t size, uint64_t sequence);
/** Fail unless a frame is that one. */
void control_assert_frame(const uint8_t *frame, uint32_t size, uint64_t sequence);
/** The queue by which a device's guest sends. */
struct guest_queue *control_tx(const struct control_device *device);
/** The guest makes a frame of 200 bytes with that number ready; the application is not told. */
void control_tx_numbered(const struct control_device *device, uint64_t sequence,
			 const struct guest_shape *shape);
/** Dequeue from queue 1. */
uint16_t control_dequeue(const struct control_device *device, struct rte_mbuf **mbufs,
			 uint16_t count);
/** Send one good packet of the guest on transmit queue 1 and fail unless it arrives. */
void control_send_good(struct control_device *device, uint64_t sequence);
/** Give the guest one good packet on queue 0 and fail unless it arrives. */
void control_receive_good(struct control_device *device, uint64_t sequence);
/** An mbuf with such a frame. */
struct rte_mbuf *control_mbuf(uint32_t size, uint64_t sequence);
/** A packet of these bytes, up to @p room in an mbuf; NULL when the pool is empty. */
struct rte_mbuf *control_chain(const uint8_t *bytes, uint32_t size, uint32_t room);

/* control_wire.c */

/** Send header and payload with fds, as they are. @return 0 or a negative errno. */
int control_send(int socket, uint32_t request, uint32_t flags, const void *payload,
		 uint32_t size, const int *fds, unsigned int fd_count);
/** Whether the backend hangs up within the patience. */
bool control_hangs_up(int socket);
/** Say nothing more, wait until all that was said is handled, close. */
void control_finish(int socket);
/** Reply to a message: its u64, or -ECONNRESET and the like. */
int control_reply(int socket, uint64_t *value);
/** Connect, negotiate REPLY_ACK and features (the test's ring format); no memory is sent. */
int control_negotiate(const struct control_device *device);
/** Send with NEED_REPLY: 0 done, 1 refused, negative: hung up. */
int control_ask(int socket, uint32_t request, const void *payload, uint32_t size, int fd);
/** Requests of vhost-user from 0 to behind the last one. */
#define CONTROL_LAST_REQUEST 45

/* control_stage.c */

/** A healthy device that echoes, and the one that is attacked. */
struct control_stage {
	struct control_echo echo;
	struct control_device target;
	struct control_counts before;
};

/** An application that polls whatever devices there are, on a thread of its own. */
struct control_poller {
	pthread_t thread;
	bool stop;
	uint64_t packets;
};

/** Start both devices; the target has no guest. */
void control_stage_begin(struct control_stage *stage, const char *name);
/** Nothing may be left over, both devices must work. */
void control_stage_end(struct control_stage *stage);
void control_poller_start(struct control_poller *poller);
void control_poller_stop(struct control_poller *poller);
/** Bytes of payload that a request has, 0 for those without. */
uint32_t control_payload_size(uint32_t request);

/** Main of test programs that make the library complain a lot. */
#define CONTROL_MAIN_QUIET(seconds, tests) \
	int main(void) \
	{ \
		alarm(seconds); \
		setenv("RTEVHOSTSWIFT_LOG", "error", 1); \
		setvbuf(stdout, NULL, _IOLBF, 0); \
		control_directory(); \
		return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL); \
	}

/** Main of every test program. */
#define CONTROL_MAIN(seconds, tests) \
	int main(void) \
	{ \
		alarm(seconds); \
		setvbuf(stdout, NULL, _IOLBF, 0); \
		control_directory(); \
		return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL); \
	}

#endif
