/* SPDX-License-Identifier: BSD-3-Clause */

#define _GNU_SOURCE
#include "control_capture.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Block types of draft-ietf-opsawg-pcapng, and the options that are looked at. */
#define SECTION 0x0a0d0d0a
#define INTERFACE 1
#define STATISTICS 5
#define PACKET 6
#define COMMENT 1
#define FLAGS 2
#define DROPPED 4

static uint32_t word(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

void capture_start(struct capture *capture, const char *before, const char *options)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	static unsigned int number;
	char command[9000], name[40];
	struct stat status = { 0 };

	memset(capture, 0, sizeof(*capture));
	snprintf(name, sizeof(name), "capture-%u.pcapng", ++number);
	control_path(capture->path, name);
	snprintf(name, sizeof(name), "capture-%u.log", number);
	control_path(capture->log, name);
	snprintf(command, sizeof(command), "%s exec %s capture --control %s -w %s %s >%s 2>&1",
		 before, inspect_tool, inspect_path, capture->path, options, capture->log);
	capture->child = fork();
	assert_true(capture->child >= 0);
	if (capture->child == 0) {
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(99);
	}
	/* It writes the first blocks when the process copies packets. */
	while (status.st_size == 0 && control_now_ms() < deadline) {
		control_sleep_ms(1);
		if (stat(capture->path, &status) < 0)
			status.st_size = 0;
		if (waitpid(capture->child, NULL, WNOHANG | WNOWAIT) == capture->child)
			break;
	}
}

static void *read_all(const char *path, long *count)
{
	FILE *file = fopen(path, "rb");
	void *bytes;

	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	*count = ftell(file);
	rewind(file);
	bytes = calloc((size_t)*count + 1, 1);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, (size_t)*count, file), *count);
	fclose(file);
	return bytes;
}

int capture_end(struct capture *capture)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	int status;
	long count;
	char *said;

	while (waitpid(capture->child, &status, WNOHANG) == 0) {
		if (control_now_ms() > deadline)
			fail_msg("rtevhostctl capture does not end");
		control_sleep_ms(1);
	}
	said = read_all(capture->log, &count);
	snprintf(inspect_text, INSPECT_TEXT, "%s", said);
	free(said);
	print_message("%s", inspect_text);
	if (access(capture->path, F_OK) == 0)
		capture->bytes = read_all(capture->path, &capture->byte_count);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int capture_ask(const char *line)
{
	int fd = inspect_connect(inspect_path);

	assert_true(fd >= 0);
	assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
	assert_int_equal(recv(fd, inspect_text, 1, MSG_PEEK), 1);
	return fd;
}

/** The next block behind @p at; NULL at the end. Fails unless it is whole. */
static const uint8_t *next_block(const struct capture *capture, const uint8_t *at)
{
	const uint8_t *end = capture->bytes + capture->byte_count;
	uint32_t size;

	at = at ? at + word(at + 4) : capture->bytes;
	if (at == end)
		return NULL;
	assert_true(end - at >= 12);
	size = word(at + 4);
	assert_true(size >= 12 && size % 4 == 0 && size <= (uint64_t)(end - at));
	assert_int_equal(word(at + size - 4), size);
	return at;
}

static void read_options(struct captured *packet, const uint8_t *at, const uint8_t *end)
{
	while (end - at >= 4) {
		uint16_t head[2];

		memcpy(head, at, 4);
		if (head[0] == 0)
			return;
		assert_true(end - at >= 4 + head[1]);
		if (head[0] == COMMENT)
			snprintf(packet->comment, sizeof(packet->comment), "%.*s", head[1], at + 4);
		if (head[0] == FLAGS)
			packet->flags = word(at + 4);
		if (head[0] == DROPPED)
			memcpy(&packet->dropped, at + 4, 8);
		at += 4 + (head[1] + 3) / 4 * 4;
	}
	fail_msg("options without an end");
}

bool capture_packet(const struct capture *capture, uint32_t interface, uint32_t index,
		    struct captured *packet)
{
	uint32_t interfaces = 0;

	assert_int_equal(word(next_block(capture, NULL)), SECTION);
	for (const uint8_t *at = NULL; (at = next_block(capture, at));) {
		if (word(at) == INTERFACE) {
			/* LINKTYPE_ETHERNET */
			assert_int_equal(word(at + 8), 1);
			interfaces++;
		}
		if (word(at) != PACKET)
			continue;
		assert_true(word(at + 8) < interfaces);
		if (word(at + 8) != interface || index-- > 0)
			continue;
		memset(packet, 0, sizeof(*packet));
		packet->interface = interface;
		packet->time = (uint64_t)word(at + 12) << 32 | word(at + 16);
		packet->byte_count = word(at + 20);
		packet->packet_byte_count = word(at + 24);
		packet->bytes = at + 28;
		assert_true(packet->byte_count <= word(at + 4) - 32);
		read_options(packet, at + 28 + (packet->byte_count + 3) / 4 * 4,
			     at + word(at + 4) - 4);
		return true;
	}
	return false;
}

uint32_t capture_count(const struct capture *capture, uint32_t interface)
{
	uint32_t count = 0;

	for (const uint8_t *at = NULL; (at = next_block(capture, at));)
		count += word(at) == PACKET && word(at + 8) == interface;
	return count;
}

void capture_assert_tshark(const struct capture *capture, uint32_t count)
{
	char command[300], line[1000];
	uint32_t lines = 0;
	FILE *file;

	snprintf(command, sizeof(command),
		 "tshark -r %s -T fields -e frame.len -e frame.comment 2>/dev/null", capture->path);
	file = popen(command, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		lines += atoi(line) > 0 && strstr(line, "virtio-net flags=") != NULL;
	assert_int_equal(pclose(file), 0);
	assert_int_equal(lines, count);
}

void capture_free(struct capture *capture)
{
	free(capture->bytes);
	capture->bytes = NULL;
}
