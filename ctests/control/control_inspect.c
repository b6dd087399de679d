/* SPDX-License-Identifier: BSD-3-Clause */

#define _GNU_SOURCE
#include "control_inspect.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

char inspect_path[108], inspect_tool[4096];
char inspect_text[INSPECT_TEXT];

int inspect_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

long inspect_read(int fd, char text[INSPECT_TEXT], int patience_ms)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	long count = 0;

	while (count < INSPECT_TEXT - 1) {
		ssize_t got;

		if (poll(&poller, 1, patience_ms) != 1)
			return -ETIMEDOUT;
		got = recv(fd, text + count, (size_t)(INSPECT_TEXT - 1 - count), 0);
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		count += got;
	}
	text[count] = 0;
	return count;
}

long inspect_ask(const char *path, const char *line, char text[INSPECT_TEXT])
{
	int fd = inspect_connect(path);
	long result = fd;

	if (fd < 0)
		return fd;
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line))
		result = inspect_read(fd, text, CONTROL_PATIENCE_MS);
	else
		result = -errno;
	close(fd);
	return result;
}

void inspect_assert_has(const char *text, ...)
{
	va_list list;
	const char *words;

	va_start(list, text);
	while ((words = va_arg(list, const char *)))
		if (!strstr(text, words)) {
			print_error("no %s in %s\n", words, text);
			fail();
		}
	va_end(list);
}

static void *ask_on(void *argument)
{
	struct inspect_asker *asker = argument;
	char *text = malloc(INSPECT_TEXT);

	while (!__atomic_load_n(&asker->stop, __ATOMIC_RELAXED)) {
		long count = inspect_ask(asker->path, "1 show\n", text);

		/* The last bracket of all, and nothing behind it. */
		if (count > 3 && strcmp(text + count - 3, "]}\n") == 0)
			asker->answers++;
		else
			asker->failures++;
	}
	free(text);
	return NULL;
}

void inspect_asker_start(struct inspect_asker *asker, const char *path)
{
	memset(asker, 0, sizeof(*asker));
	asker->path = path;
	assert_int_equal(pthread_create(&asker->thread, NULL, ask_on, asker), 0);
}

void inspect_asker_stop(struct inspect_asker *asker)
{
	__atomic_store_n(&asker->stop, true, __ATOMIC_RELAXED);
	pthread_join(asker->thread, NULL);
	print_message("%u answers meanwhile\n", asker->answers);
	assert_true(asker->answers > 0);
	assert_int_equal(asker->failures, 0);
}

void inspect_begin(const char *name)
{
	inspect_begin_with(name, 0);
}

void inspect_begin_with(const char *name, uint64_t flags)
{
	ssize_t length = readlink("/proc/self/exe", inspect_tool, sizeof(inspect_tool) - 100);

	assert_true(length > 0);
	inspect_tool[length] = 0;
	strcpy(strrchr(inspect_tool, '/'), "/../bin/rtevhostctl");
	control_path(inspect_path, name);
	assert_int_equal(rtevhostswift_control_open(inspect_path, flags), 0);
}

int inspect_run(const char *arguments)
{
	char command[5000];
	FILE *file;
	int status;

	snprintf(command, sizeof(command), "RTEVHOSTSWIFT_CONTROL=%s %s %s 2>&1", inspect_path,
		 inspect_tool, arguments);
	file = popen(command, "r");
	assert_non_null(file);
	inspect_text[fread(inspect_text, 1, sizeof(inspect_text) - 1, file)] = 0;
	status = pclose(file);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}
