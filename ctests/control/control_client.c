/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control_client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

void control_client_register(const char *path, uint64_t flags)
{
	assert_int_equal(rte_vhost_driver_register(path, flags | RTE_VHOST_USER_CLIENT), 0);
	assert_int_equal(rte_vhost_driver_callback_register(path, &control_ops), 0);
}

void control_client_start(const char *path, uint64_t flags)
{
	control_client_register(path, flags);
	assert_int_equal(rte_vhost_driver_start(path), 0);
}

void control_client_listen(struct control_device *device, const char *name)
{
	struct guest_config config;

	control_path(device->path, name);
	control_config(&config, device);
	config.listen = true;
	device->vid = -1;
	assert_int_equal(guest_create(&config, &device->guest), 0);
}

void control_client_close(struct control_device *device)
{
	assert_int_equal(rte_vhost_driver_unregister(device->path), 0);
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	assert_true(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	return address;
}

int control_client_socket(const char *path, int type)
{
	struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	unlink(path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

int control_client_dial(const char *path)
{
	struct sockaddr_un address = address_of(path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret;

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

bool control_client_calls(int listener, int timeout_ms)
{
	struct pollfd poller = { .fd = listener, .events = POLLIN };

	return poll(&poller, 1, timeout_ms) > 0;
}

int64_t control_cpu_us(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}
