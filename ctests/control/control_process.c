/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

static char directory[64];
static int saved_stderr = -1;
static int capture_fd = -1;

int64_t control_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void control_sleep_ms(int ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static void remove_directory(void)
{
	DIR *dir = opendir(directory);
	char path[512];

	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (entry->d_name[0] != '.' && unlink(path) < 0)
			rmdir(path);
	}
	closedir(dir);
	rmdir(directory);
}

const char *control_directory(void)
{
	if (directory[0])
		return directory;
	strcpy(directory, "/tmp/control-XXXXXX");
	if (!mkdtemp(directory)) {
		perror("mkdtemp");
		exit(1);
	}
	atexit(remove_directory);
	return directory;
}

void control_path(char path[108], const char *name)
{
	snprintf(path, 108, "%s/%s", control_directory(), name);
}

static int count_lines(const char *file, const char *with)
{
	FILE *stream = fopen(file, "re");
	char line[1024];
	int count = 0;

	if (!stream)
		return -1;
	while (fgets(line, sizeof(line), stream))
		count += !with || strstr(line, with) != NULL;
	fclose(stream);
	return count;
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = 0;

	for (struct dirent *entry; dir && (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

void control_count(struct control_counts *counts)
{
	FILE *stream = fopen("/proc/self/statm", "re");
	long pages = 0;

	if (stream && fscanf(stream, "%*d %ld", &pages) != 1)
		pages = 0;
	if (stream)
		fclose(stream);
	counts->resident_kib = pages * 4;
	counts->fds = guest_process_fds();
	counts->threads = count_entries("/proc/self/task");
	counts->guest_maps = count_lines("/proc/self/maps", "memfd:guest");
	counts->maps = count_lines("/proc/self/maps", NULL);
}

void control_count_idle(struct control_counts *counts)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	struct control_counts last;
	int same = 0;

	control_count(counts);
	while (same < 3 && control_now_ms() < deadline) {
		last = *counts;
		control_sleep_ms(10);
		control_count(counts);
		same = last.fds == counts->fds && last.threads == counts->threads ? same + 1 : 0;
	}
}

void control_assert_flat(const struct control_counts *before)
{
	int64_t deadline = control_now_ms() + CONTROL_PATIENCE_MS;
	struct control_counts now;

	do {
		control_count(&now);
		if (now.fds == before->fds && now.threads == before->threads &&
		    now.guest_maps == before->guest_maps)
			break;
		control_sleep_ms(10);
	} while (control_now_ms() < deadline);
	assert_int_equal(now.fds, before->fds);
	assert_int_equal(now.threads, before->threads);
	assert_int_equal(now.guest_maps, before->guest_maps);
}

void control_assert_memory(const struct control_counts *before, long kib)
{
	/* Under a sanitizer what was freed is kept, and all memory has a shadow. */
	const char *slack = getenv("CONTROL_SLACK"), *sanitizer = getenv("SANITIZER");
	/* ThreadSanitizer maps shadow beside each place where memory ever was, and keeps it. */
	bool keeps_maps = sanitizer && strcmp(sanitizer, "thread") == 0;
	struct control_counts now;

	control_count(&now);
	if (now.resident_kib - before->resident_kib > kib + (slack ? atol(slack) : 0))
		fail_msg("resident memory grew from %ld to %ld KiB", before->resident_kib,
			 now.resident_kib);
	if (now.maps - before->maps > 64 && !keeps_maps)
		fail_msg("mappings grew from %d to %d", before->maps, now.maps);
}

void control_capture_begin(void)
{
	fflush(stderr);
	capture_fd = memfd_create("log", MFD_CLOEXEC);
	saved_stderr = fcntl(2, F_DUPFD_CLOEXEC, 3);
	/* Lines of two threads at once take no place of each other. */
	if (capture_fd < 0 || saved_stderr < 0 || fcntl(capture_fd, F_SETFL, O_APPEND) < 0 ||
	    dup2(capture_fd, 2) < 0)
		abort();
}

int control_capture_end(char text[CONTROL_TEXT])
{
	ssize_t got;
	int lines = 0;

	fflush(stderr);
	dup2(saved_stderr, 2);
	close(saved_stderr);
	got = text ? pread(capture_fd, text, CONTROL_TEXT - 1, 0) : 0;
	close(capture_fd);
	if (got <= 0)
		got = 0;
	if (!text)
		return 0;
	text[got] = 0;
	for (ssize_t i = 0; i < got; i++)
		lines += text[i] == '\n';
	return lines;
}

void control_assert_line(const char *text, ...)
{
	const char *end = strchr(text, '\n');
	va_list words;

	if (!end)
		fail_msg("no log line: \"%s\"", text);
	if (end[1])
		fail_msg("more than one log line: \"%s\"", text);
	va_start(words, text);
	for (const char *word; (word = va_arg(words, const char *)) != NULL;)
		if (!strstr(text, word))
			fail_msg("\"%s\" is missing in \"%s\"", word, text);
	va_end(words);
}
