/* SPDX-License-Identifier: BSD-3-Clause */

/* rte_vhost_extern_callback_register(): what handlers see, and what their results do. */
#define _GNU_SOURCE
#include "control.h"

#include <fcntl.h>

/** DPDK 21.08's message: a payload as large as the parameters of a crypto session. */
struct extern_message {
	uint32_t request, flags, size;
	uint8_t payload[632];
	int32_t fds[8];
	int32_t fd_num;
} __attribute__((packed));

_Static_assert(sizeof(struct extern_message) == 680, "as in DPDK 21.08");

/** What one handler saw last and answers. */
struct handler {
	enum rte_vhost_msg_result result;
	struct extern_message seen;
	void (*change)(struct extern_message *message);
	int calls;
};

#define NOT_HANDLED RTE_VHOST_MSG_RESULT_NOT_HANDLED

static struct handler pre, post;
/** The handlers care for this request alone; others may come while a test says what is next. */
static _Atomic uint32_t only;
static struct control_device one;
static char text[CONTROL_TEXT];

static enum rte_vhost_msg_result run(struct handler *handler, void *argument)
{
	struct extern_message *message = argument;

	if (message->request != only)
		return NOT_HANDLED;
	handler->calls++;
	handler->seen = *message;
	if (handler->change)
		handler->change(message);
	return handler->result;
}

static enum rte_vhost_msg_result run_pre(int vid, void *message)
{
	assert_true(vid >= 0);
	return run(&pre, message);
}

static enum rte_vhost_msg_result run_post(int vid, void *message)
{
	assert_true(vid >= 0);
	return run(&post, message);
}

static const struct rte_vhost_user_extern_ops ops = { run_pre, run_post };

static void hook(enum control_kind kind, int vid)
{
	if (kind == CONTROL_NEW_CONNECTION)
		assert_int_equal(rte_vhost_extern_callback_register(vid, &ops, &one), 0);
}

static void expect(uint32_t request, enum rte_vhost_msg_result before,
		   enum rte_vhost_msg_result after)
{
	only = 0;
	memset(&pre, 0, sizeof(pre));
	memset(&post, 0, sizeof(post));
	pre.result = before;
	post.result = after;
	only = request;
}

/** A socket whose connections have handlers, and a connection to it. */
static int begin(const char *name, uint64_t more)
{
	uint64_t protocol = GUEST_BIT(GUEST_PROTOCOL_REPLY_ACK) | GUEST_BIT(GUEST_PROTOCOL_MQ);
	int socket;

	control_answers.hook = hook;
	only = 0;
	control_path(one.path, name);
	one.guest = NULL;
	assert_int_equal(rte_vhost_driver_register(one.path, 0), 0);
	assert_int_equal(rte_vhost_driver_callback_register(one.path, &control_ops), 0);
	assert_int_equal(rte_vhost_driver_set_protocol_features(one.path, protocol | more), 0);
	assert_int_equal(rte_vhost_driver_start(one.path), 0);
	socket = control_connect(&one);
	protocol |= more;
	assert_int_equal(control_send(socket, GUEST_SET_PROTOCOL_FEATURES, GUEST_FLAG_VERSION,
				      &protocol, 8, NULL, 0), 0);
	return socket;
}

static void finish(int socket)
{
	control_finish(socket);
	assert_int_equal(rte_vhost_driver_unregister(one.path), 0);
	control_answers.hook = NULL;
}

static void registration_wants_device_and_ops(void **state)
{
	int socket;

	(void)state;
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_extern_callback_register(77, &ops, NULL)),
			 -1);
	control_assert_line(text, "rte_vhost_extern_callback_register", "77", NULL);
	assert_int_equal(rte_vhost_extern_callback_register(-1, &ops, NULL), -1);
	socket = begin("register", 0);
	assert_int_equal(control_ask(socket, GUEST_SET_OWNER, NULL, 0, -1), 0);
	assert_int_equal(CONTROL_LOGGED(text, rte_vhost_extern_callback_register(0, NULL, NULL)),
			 -1);
	control_assert_line(text, "rte_vhost_extern_callback_register", "invalid", NULL);
	finish(socket);
}

/** Handlers see known messages before and after the library does its part. */
static void both_see_what_the_library_handles(void **state)
{
	uint32_t payload[2] = { 0, 64 };
	int socket = begin("both", 0);

	(void)state;
	expect(GUEST_SET_VRING_NUM, NOT_HANDLED, NOT_HANDLED);
	assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, payload, 8, -1), 0);
	assert_int_equal(pre.calls, 1);
	assert_int_equal(post.calls, 1);
	assert_int_equal(pre.seen.request, GUEST_SET_VRING_NUM);
	assert_int_equal(pre.seen.flags, GUEST_FLAG_VERSION | GUEST_FLAG_NEED_REPLY);
	assert_int_equal(pre.seen.size, 8);
	assert_memory_equal(pre.seen.payload, payload, 8);
	assert_int_equal(pre.seen.fd_num, 0);
	assert_memory_equal(post.seen.payload, payload, 8);
	/* Afterwards, an answer is seen as it goes out. */
	expect(GUEST_GET_QUEUE_NUM, NOT_HANDLED, NOT_HANDLED);
	assert_int_equal(control_ask(socket, GUEST_GET_QUEUE_NUM, NULL, 0, -1), 1);
	assert_int_equal(post.seen.flags, GUEST_FLAG_VERSION | GUEST_FLAG_REPLY);
	assert_int_equal(post.seen.size, 8);
	assert_int_equal(post.seen.payload[0], 128);
	finish(socket);
}

/** OK ends the processing: the library does not do it, an acknowledgement is sent. */
static void pre_ok_keeps_it_from_the_library(void **state)
{
	uint32_t wrong[2] = { 0, 63 };
	int socket = begin("ok", 0);

	(void)state;
	expect(GUEST_SET_VRING_NUM, RTE_VHOST_MSG_RESULT_OK, NOT_HANDLED);
	assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, wrong, 8, -1), 0);
	assert_int_equal(post.calls, 1);
	expect(GUEST_SET_VRING_NUM, NOT_HANDLED, NOT_HANDLED);
	assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, wrong, 8, -1), 1);
	assert_int_equal(post.calls, 0);
	finish(socket);
}

static void errors_of_either_are_answered(void **state)
{
	uint32_t payload[2] = { 0, 64 };
	int socket = begin("errors", 0);

	(void)state;
	expect(GUEST_SET_VRING_NUM, RTE_VHOST_MSG_RESULT_ERR, NOT_HANDLED);
	assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, payload, 8, -1), 1);
	assert_int_equal(post.calls, 0);
	expect(GUEST_SET_VRING_NUM, NOT_HANDLED, RTE_VHOST_MSG_RESULT_ERR);
	assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, payload, 8, -1), 1);
	/* Without NEED_REPLY there is no other way to say it. */
	expect(GUEST_SET_VRING_NUM, RTE_VHOST_MSG_RESULT_ERR, NOT_HANDLED);
	assert_int_equal(control_send(socket, GUEST_SET_VRING_NUM, GUEST_FLAG_VERSION, payload, 8,
				      NULL, 0), 0);
	assert_true(control_hangs_up(socket));
	close(socket);
	assert_int_equal(rte_vhost_driver_unregister(one.path), 0);
	control_answers.hook = NULL;
}

/** Numbers that are no result mean "not handled", as in DPDK 21.08. */
static void unknown_results_are_not_handled(void **state)
{
	uint32_t wrong[2] = { 0, 63 };
	int socket = begin("results", 0);

	(void)state;
	expect(GUEST_SET_VRING_NUM, (enum rte_vhost_msg_result)77,
	       (enum rte_vhost_msg_result)-5);
	assert_int_equal(control_ask(socket, GUEST_SET_VRING_NUM, wrong, 8, -1), 1);
	expect(200, (enum rte_vhost_msg_result)77, (enum rte_vhost_msg_result)-5);
	assert_int_equal(control_ask(socket, 200, NULL, 0, -1), 1);
	finish(socket);
}

static void answer_300(struct extern_message *message)
{
	message->size = 300;
	memset(message->payload, 0x5a, 300);
}

/** An answer of any size, from either handler. */
static void replies_are_sent(void **state)
{
	struct guest_message reply;
	int socket = begin("reply", 0);

	(void)state;
	for (int which = 0; which < 2; which++) {
		expect(99, which ? NOT_HANDLED : RTE_VHOST_MSG_RESULT_REPLY,
		       which ? RTE_VHOST_MSG_RESULT_REPLY : NOT_HANDLED);
		(which ? &post : &pre)->change = answer_300;
		assert_int_equal(control_send(socket, 99, GUEST_FLAG_VERSION, NULL, 500, NULL, 0),
				 0);
		assert_int_equal(guest_receive(socket, &reply, CONTROL_PATIENCE_MS), 0);
		assert_int_equal(reply.request, 99);
		assert_int_equal(reply.flags, GUEST_FLAG_VERSION | GUEST_FLAG_REPLY);
		assert_int_equal(reply.size, 300);
		assert_int_equal(reply.fd_count, 0);
		for (int i = 0; i < 300; i++)
			assert_int_equal(reply.payload.bytes[i], 0x5a);
	}
	finish(socket);
}

static void answer_too_much(struct extern_message *message)
{
	message->size = 633;
}

static void answer_bad_fds(struct extern_message *message)
{
	message->size = 8;
	message->fd_num = 9;
}

/** An answer that is none does not go out, and no byte behind the message does. */
static void impossible_replies_end_the_connection(void **state)
{
	static void (*const changes[])(struct extern_message *) = { answer_too_much,
								     answer_bad_fds };

	(void)state;
	for (size_t i = 0; i < CONTROL_COUNT(changes); i++) {
		int socket = begin("impossible", 0);

		expect(99, RTE_VHOST_MSG_RESULT_REPLY, NOT_HANDLED);
		pre.change = changes[i];
		assert_int_equal(control_send(socket, 99, GUEST_FLAG_VERSION, NULL, 0, NULL, 0),
				 0);
		assert_true(control_hangs_up(socket));
		close(socket);
		assert_int_equal(rte_vhost_driver_unregister(one.path), 0);
	}
	control_answers.hook = NULL;
}

static int kept = -1;

static void keep_first(struct extern_message *message)
{
	kept = message->fds[0];
	message->fds[0] = -1;
}

static void descriptors_are_kept_or_closed(void **state)
{
	struct control_counts before;
	int pair[2], socket;

	(void)state;
	socket = begin("kept", 0);
	assert_int_equal(control_ask(socket, GUEST_SET_OWNER, NULL, 0, -1), 0);
	control_count_idle(&before);
	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	for (int which = 0; which < 2; which++) {
		expect(99, which ? NOT_HANDLED : RTE_VHOST_MSG_RESULT_OK,
		       which ? RTE_VHOST_MSG_RESULT_OK : NOT_HANDLED);
		(which ? &post : &pre)->change = keep_first;
		assert_int_equal(control_send(socket, 99, 9, NULL, 8, pair, 2), 0);
		assert_int_equal(control_reply(socket, &(uint64_t){ 0 }), 0);
		assert_int_equal((which ? &post : &pre)->seen.fd_num, 2);
		/* The first one is the handler's and works, the second is closed. */
		assert_true(fcntl(kept, F_GETFD) >= 0);
		assert_int_equal(fcntl((which ? &post : &pre)->seen.fds[1], F_GETFD), -1);
		assert_int_equal(close(kept), 0);
	}
	/* More than any request has. */
	expect(99, RTE_VHOST_MSG_RESULT_OK, NOT_HANDLED);
	assert_int_equal(control_send(socket, 99, GUEST_FLAG_VERSION, NULL, 8,
				      (int[]){ pair[0], pair[0], pair[0], pair[0], pair[0],
					       pair[0], pair[0], pair[0], pair[0] }, 9), 0);
	assert_true(control_hangs_up(socket));
	assert_int_equal(pre.calls, 0);
	close(pair[0]);
	close(pair[1]);
	close(socket);
	assert_int_equal(rte_vhost_driver_unregister(one.path), 0);
	control_answers.hook = NULL;
}

static int handed;

static void answer_with_fd(struct extern_message *message)
{
	message->size = 8;
	message->fds[0] = handed;
	message->fd_num = 1;
}

static void descriptors_of_a_reply_are_sent_and_stay(void **state)
{
	struct guest_message reply;
	int socket = begin("handed", 0);

	(void)state;
	handed = open("/dev/null", O_RDONLY | O_CLOEXEC);
	expect(99, RTE_VHOST_MSG_RESULT_REPLY, NOT_HANDLED);
	pre.change = answer_with_fd;
	assert_int_equal(control_send(socket, 99, GUEST_FLAG_VERSION, NULL, 0, NULL, 0), 0);
	assert_int_equal(guest_receive(socket, &reply, CONTROL_PATIENCE_MS), 0);
	assert_int_equal(reply.fd_count, 1);
	guest_message_close(&reply);
	assert_int_equal(close(handed), 0);
	finish(socket);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(registration_wants_device_and_ops),
	cmocka_unit_test(both_see_what_the_library_handles),
	cmocka_unit_test(pre_ok_keeps_it_from_the_library),
	cmocka_unit_test(errors_of_either_are_answered),
	cmocka_unit_test(unknown_results_are_not_handled),
	cmocka_unit_test(replies_are_sent),
	cmocka_unit_test(impossible_replies_end_the_connection),
	cmocka_unit_test(descriptors_are_kept_or_closed),
	cmocka_unit_test(descriptors_of_a_reply_are_sent_and_stay),
};

CONTROL_MAIN(120, tests)
