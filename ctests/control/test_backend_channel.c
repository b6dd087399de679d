/* SPDX-License-Identifier: BSD-3-Clause */

/* SET_BACKEND_REQ_FD and what the backend asks there: configuration changes, doorbells. */
#define _GNU_SOURCE
#include "control_vdpa.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define CHANNEL_FEATURES (GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ) | \
			  GUEST_BIT(GUEST_PROTOCOL_BACKEND_SEND_FD) | \
			  GUEST_BIT(GUEST_PROTOCOL_HOST_NOTIFIER))

/** How a frontend answers. */
enum manner { GOOD, REFUSES, WRONG_REQUEST, WRONG_FLAGS, WRONG_SIZE, HALF, DESCRIPTOR, SILENT,
	      HANGS_UP, SLOW };

/** A frontend's thread on its end of the channel. */
struct peer {
	pthread_t thread;
	struct guest_frontend *frontend;
	enum manner manner;
	unsigned int count;		/**< Requests to answer. */
	struct guest_message messages[8];
	unsigned int counts[8];
	struct stat files[8];
};

static void open_channel(struct control_device *device, const char *name, uint64_t extra)
{
	struct guest_config config;

	control_listen(device, name, 0);
	control_config(&config, device);
	config.protocol_features |= CHANNEL_FEATURES | extra;
	control_attach(device, &config);
	assert_int_equal(guest_set_backend_req_fd(&device->guest->frontend), 0);
}

static void answer(struct peer *peer, const struct guest_message *request)
{
	uint32_t words[5] = { request->request, 5, 8, 0, 0 };
	int socket = peer->frontend->backend_channel, fd;

	switch (peer->manner) {
	case REFUSES:
		words[4] = 1;
		break;
	case WRONG_REQUEST:
		words[0]++;
		break;
	case WRONG_FLAGS:
		words[1] = 1;
		break;
	case WRONG_SIZE:
		words[2] = 4;
		break;
	case HALF:
		guest_send_raw(socket, words, 10, NULL, 0);
		return;
	case DESCRIPTOR:
		fd = eventfd(0, EFD_CLOEXEC);
		guest_send_raw(socket, words, 20, &fd, 1);
		close(fd);
		return;
	case SILENT:
		return;
	case HANGS_UP:
		shutdown(socket, SHUT_RDWR);
		return;
	case SLOW:
		for (int i = 0; i < 20; i++) {
			guest_send_raw(socket, (uint8_t *)words + i, 1, NULL, 0);
			control_sleep_ms(10);
		}
		return;
	default:
		break;
	}
	guest_send_raw(socket, words, 20, NULL, 0);
}

static void *serve(void *argument)
{
	struct peer *peer = argument;

	for (unsigned int i = 0; i < peer->count; i++) {
		struct guest_message *message = &peer->messages[i];

		if (guest_receive(peer->frontend->backend_channel, message,
				  CONTROL_PATIENCE_MS) < 0)
			break;
		peer->counts[i] = message->fd_count;
		if (message->fd_count)
			fstat(message->fds[0], &peer->files[i]);
		guest_message_close(message);
		if (message->flags & GUEST_FLAG_NEED_REPLY)
			answer(peer, message);
	}
	return NULL;
}

static void peer_start(struct peer *peer, struct control_device *device, enum manner manner,
		       unsigned int count)
{
	memset(peer, 0, sizeof(*peer));
	peer->frontend = &device->guest->frontend;
	peer->manner = manner;
	peer->count = count;
	assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
}

static void configuration_changes_are_told(void **state)
{
	struct control_device device;
	struct guest_message message;
	struct peer peer;

	(void)state;
	open_channel(&device, "config", 0);
	assert_int_equal(rte_vhost_slave_config_change(device.vid, false), 0);
	assert_int_equal(guest_receive(device.guest->frontend.backend_channel, &message,
				       CONTROL_PATIENCE_MS), 0);
	assert_int_equal(message.request, GUEST_BACKEND_CONFIG_CHANGE_MSG);
	assert_int_equal(message.flags, GUEST_FLAG_VERSION);
	assert_int_equal(message.size, 0);
	for (enum manner manner = GOOD; manner <= SLOW; manner += SLOW) {
		peer_start(&peer, &device, manner, 1);
		assert_int_equal(rte_vhost_slave_config_change(device.vid, true), 0);
		pthread_join(peer.thread, NULL);
		assert_int_equal(peer.messages[0].flags,
				 GUEST_FLAG_VERSION | GUEST_FLAG_NEED_REPLY);
	}
	/* "No" is an answer: the channel lives on. */
	peer_start(&peer, &device, REFUSES, 1);
	assert_true(rte_vhost_slave_config_change(device.vid, true) < 0);
	pthread_join(peer.thread, NULL);
	peer_start(&peer, &device, GOOD, 1);
	assert_int_equal(rte_vhost_slave_config_change(device.vid, true), 0);
	pthread_join(peer.thread, NULL);
	control_close(&device);
	assert_true(rte_vhost_slave_config_change(device.vid, false) < 0);
	assert_true(rte_vhost_slave_config_change(900, false) < 0);
}

static void without_channel_nothing_is_told(void **state)
{
	struct control_device device;

	(void)state;
	control_open(&device, "none", 0, NULL);
	assert_true(rte_vhost_slave_config_change(device.vid, false) < 0);
	control_close(&device);
}

/* Answers that are none end the channel, within a second and a bit, and nothing else. */
static void bad_answers_end_the_channel(void **state)
{
	struct control_counts before;
	struct control_device device;

	(void)state;
	control_count_idle(&before);
	for (enum manner manner = WRONG_REQUEST; manner <= HANGS_UP; manner++) {
		int64_t start;
		struct peer peer;

		open_channel(&device, "bad", 0);
		peer_start(&peer, &device, manner, 1);
		start = control_now_ms();
		assert_true(rte_vhost_slave_config_change(device.vid, true) < 0);
		assert_true(control_now_ms() - start < 5000);
		pthread_join(peer.thread, NULL);
		assert_true(rte_vhost_slave_config_change(device.vid, false) < 0);
		/* Who kept us waiting is not given another chance on this connection. */
		assert_true(guest_set_backend_req_fd(&device.guest->frontend) < 0);
		assert_int_equal(guest_send_memory(device.guest), 0);
		control_send_good(&device, 1);
		control_receive_good(&device, 2);
		/* The next connection is another one. */
		control_close(&device);
	}
	open_channel(&device, "bad", 0);
	assert_int_equal(rte_vhost_slave_config_change(device.vid, false), 0);
	control_close(&device);
	control_assert_flat(&before);
}

/* A frontend that never reads: requests fail once its socket is full, at once. */
static void a_frontend_that_never_reads(void **state)
{
	struct control_device device;
	int64_t start = control_now_ms();
	int told = 0;

	(void)state;
	open_channel(&device, "deaf", 0);
	while (told < 1000000 && rte_vhost_slave_config_change(device.vid, false) == 0)
		told++;
	assert_in_range(told, 10, 999999);
	assert_true(control_now_ms() - start < CONTROL_PATIENCE_MS);
	control_send_good(&device, 1);
	control_close(&device);
}

/* The device goes while a question is open: the thread that asks does not wait for its second. */
static void *ask(void *argument)
{
	int64_t start = control_now_ms();

	rte_vhost_slave_config_change(*(int *)argument, true);
	return (void *)(intptr_t)(control_now_ms() - start);
}

static void questions_end_with_the_device(void **state)
{
	struct control_device device;
	struct guest_message message;
	pthread_t thread;
	void *took;
	int vid, other;

	(void)state;
	open_channel(&device, "ends", 0);
	vid = device.vid;
	assert_int_equal(pthread_create(&thread, NULL, ask, &vid), 0);
	assert_int_equal(guest_receive(device.guest->frontend.backend_channel, &message,
				       CONTROL_PATIENCE_MS), 0);
	/* Our end stays open: it is the library that gives up. */
	other = fcntl(device.guest->frontend.backend_channel, F_DUPFD_CLOEXEC, 0);
	control_close(&device);
	pthread_join(thread, &took);
	close(other);
	assert_true((intptr_t)took < 900);
}

static void the_descriptor_must_be_a_socket(void **state)
{
	int fds[5], pair[2];
	struct control_device device;

	(void)state;
	control_listen(&device, "kinds", 0);
	fds[0] = eventfd(0, EFD_CLOEXEC);
	fds[1] = memfd_create("x", MFD_CLOEXEC);
	fds[2] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fds[3] = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	fds[4] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	for (int i = 0; i < 5; i++) {
		int socket = control_negotiate(&device);

		assert_int_equal(control_ask(socket, GUEST_SET_BACKEND_REQ_FD, NULL, 0, fds[i]), 1);
		close(socket);
		close(fds[i]);
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	for (int count = 0; count <= 3; count++) {
		int socket = control_negotiate(&device), three[3] = { pair[0], pair[0], pair[0] };
		uint64_t value = 9;

		control_send(socket, GUEST_SET_BACKEND_REQ_FD, 9, NULL, 0, three,
			     (unsigned int)count);
		if (count == 1) {
			assert_int_equal(control_reply(socket, &value), 0);
			assert_int_equal(value, 0);
			/* A second one takes its place; the first is closed. */
			assert_int_equal(control_ask(socket, GUEST_SET_BACKEND_REQ_FD, NULL, 0,
						     pair[1]), 0);
		} else {
			assert_true(control_hangs_up(socket));
		}
		close(socket);
	}
	close(pair[0]);
	close(pair[1]);
	control_close(&device);
}

static void open_hardware(struct control_device *device, const char *name, uint64_t protocol)
{
	struct guest_config config;

	control_vdpa_init(name);
	control_vdpa.notify_file = memfd_create("doorbells", MFD_CLOEXEC);
	control_vdpa_register();
	control_vdpa_listen(device, name);
	control_config(&config, device);
	config.protocol_features |= protocol;
	control_attach(device, &config);
	if (protocol & GUEST_BIT(GUEST_PROTOCOL_BACKEND_REQ))
		assert_int_equal(guest_set_backend_req_fd(&device->guest->frontend), 0);
}

static void close_hardware(struct control_device *device)
{
	control_close(device);
	assert_int_equal(rte_vdpa_unregister_device(control_vdpa.registered), 0);
	close(control_vdpa.notify_file);
}

static void assert_area(const struct guest_message *message, uint64_t word, uint64_t size,
			uint64_t offset)
{
	const uint64_t *words = (const uint64_t *)message->payload.bytes;

	assert_int_equal(message->request, GUEST_BACKEND_VRING_HOST_NOTIFIER_MSG);
	assert_int_equal(message->flags, GUEST_FLAG_VERSION | GUEST_FLAG_NEED_REPLY);
	assert_int_equal(message->size, 24);
	assert_int_equal(words[0], word);
	assert_int_equal(words[1], size);
	assert_int_equal(words[2], offset);
}

static void doorbells_are_given_and_taken_back(void **state)
{
	struct control_device device;
	struct stat file;
	struct peer peer;

	(void)state;
	open_hardware(&device, "bells", CHANNEL_FEATURES);
	assert_int_equal(fstat(control_vdpa.notify_file, &file), 0);
	peer_start(&peer, &device, GOOD, 5);
	assert_int_equal(rte_vhost_host_notifier_ctrl(device.vid, RTE_VHOST_QUEUE_ALL, true), 0);
	assert_int_equal(rte_vhost_host_notifier_ctrl(device.vid, 1, true), 0);
	assert_int_equal(rte_vhost_host_notifier_ctrl(device.vid, RTE_VHOST_QUEUE_ALL, false), 0);
	pthread_join(peer.thread, NULL);
	assert_area(&peer.messages[0], 0, 4096, 4096);
	assert_area(&peer.messages[1], 1, 4096, 8192);
	assert_area(&peer.messages[2], 1, 4096, 8192);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(peer.counts[i], 1);
		assert_int_equal(peer.files[i].st_ino, file.st_ino);
	}
	assert_area(&peer.messages[3], 0x100, 0, 0);
	assert_area(&peer.messages[4], 0x101, 0, 0);
	assert_int_equal(peer.counts[4], 0);
	/* Refused: what was given is taken back. */
	peer_start(&peer, &device, REFUSES, 3);
	assert_int_equal(rte_vhost_host_notifier_ctrl(device.vid, RTE_VHOST_QUEUE_ALL, true),
			 -EFAULT);
	pthread_join(peer.thread, NULL);
	assert_area(&peer.messages[1], 0x100, 0, 0);
	assert_area(&peer.messages[2], 0x101, 0, 0);
	assert_int_equal(rte_vhost_host_notifier_ctrl(device.vid, 2, true), -EINVAL);
	control_vdpa.notify_file = -control_vdpa.notify_file;
	peer_start(&peer, &device, GOOD, 1);
	assert_int_equal(rte_vhost_host_notifier_ctrl(device.vid, 0, true), -ENOTSUP);
	pthread_join(peer.thread, NULL);
	control_vdpa.notify_file = -control_vdpa.notify_file;
	close_hardware(&device);
}

static void doorbells_need_negotiation(void **state)
{
	struct control_device device;

	(void)state;
	control_open(&device, "soft", 0, NULL);
	assert_int_equal(rte_vhost_host_notifier_ctrl(device.vid, 0, true), -ENODEV);
	control_close(&device);
	assert_int_equal(rte_vhost_host_notifier_ctrl(900, 0, true), -ENODEV);
	open_hardware(&device, "deaf", CHANNEL_FEATURES &
		      ~GUEST_BIT(GUEST_PROTOCOL_BACKEND_SEND_FD));
	assert_int_equal(rte_vhost_host_notifier_ctrl(device.vid, 0, true), -ENOTSUP);
	close_hardware(&device);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(configuration_changes_are_told),
	cmocka_unit_test(without_channel_nothing_is_told),
	cmocka_unit_test(bad_answers_end_the_channel),
	cmocka_unit_test(a_frontend_that_never_reads),
	cmocka_unit_test(questions_end_with_the_device),
	cmocka_unit_test(the_descriptor_must_be_a_socket),
	cmocka_unit_test(doorbells_are_given_and_taken_back),
	cmocka_unit_test(doorbells_need_negotiation),
};

CONTROL_MAIN_QUIET(120, tests)
