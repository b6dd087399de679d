/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * vhost-switch and guest-traffic as their users have them: the switch is stopped, or killed, and
 * started again while the guest's packets go through it, as a server and with --client.
 */
#define _GNU_SOURCE
#include "control.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#define RESTARTS 6

extern char **environ;

static char programs[256];

/** One of the programs beside this one's directory. */
static pid_t spawn(const char *name, char **words, int output)
{
	posix_spawn_file_actions_t actions;
	char path[512];
	pid_t child;

	snprintf(path, sizeof(path), "%s/%s", programs, name);
	words[0] = path;
	posix_spawn_file_actions_init(&actions);
	if (output >= 0)
		posix_spawn_file_actions_adddup2(&actions, output, 1);
	else
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	assert_int_equal(posix_spawn(&child, path, &actions, NULL, words, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	return child;
}

static pid_t spawn_switch(char *path, bool client, bool async)
{
	char *words[] = {
		NULL, "--socket", path, "--echo", "--quiet", async ? "--async" : "--sync",
		client ? "--client" : NULL, NULL,
	};

	return spawn("vhost-switch", words, -1);
}

static pid_t spawn_guest(char *path, bool listens, int output)
{
	char *words[] = {
		NULL, "--socket", path, "--echo-verify", "--reconnect", "--seconds", "4",
		listens ? "--listen" : NULL, NULL,
	};

	return spawn("guest-traffic", words, output);
}

/** A number of the guest's summary. */
static unsigned long figure(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	if (!at)
		fail_msg("no %s in: %s", name, text);
	return strtoul(at + strlen(name), NULL, 10);
}

static void restart(const char *name, bool client, bool async, int signal)
{
	pid_t guest, backend;
	char path[108], text[1024];
	ssize_t length;
	int output[2], status;

	control_path(path, name);
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	guest = spawn_guest(path, client, output[1]);
	close(output[1]);
	for (int i = 0; i < RESTARTS; i++) {
		backend = spawn_switch(path, client, async);
		control_sleep_ms(400);
		assert_int_equal(kill(backend, signal), 0);
		assert_int_equal(waitpid(backend, &status, 0), backend);
		/* All of its mbufs came back. */
		if (signal == SIGTERM)
			assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
	}
	backend = spawn_switch(path, client, async);
	assert_int_equal(waitpid(guest, &status, 0), guest);
	length = read(output[0], text, sizeof(text) - 1);
	text[length > 0 ? length : 0] = 0;
	close(output[0]);
	kill(backend, SIGTERM);
	waitpid(backend, NULL, 0);
	print_message("%s", text);
	assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0);
	assert_true(figure(text, "reconnects=") >= RESTARTS / 2);
	assert_true(figure(text, "received=") > 1000);
	/* One that is asked to stop sends what it has. */
	if (signal == SIGTERM)
		assert_int_equal(figure(text, "lost="), 0);
}

static void server_stopped(void **state)
{
	(void)state;
	restart("server-stopped", false, true, SIGTERM);
}

static void server_killed(void **state)
{
	(void)state;
	restart("server-killed", false, false, SIGKILL);
}

static void client_stopped(void **state)
{
	(void)state;
	restart("client-stopped", true, true, SIGTERM);
}

static void client_killed(void **state)
{
	(void)state;
	restart("client-killed", true, true, SIGKILL);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(server_stopped),
	cmocka_unit_test(server_killed),
	cmocka_unit_test(client_stopped),
	cmocka_unit_test(client_killed),
};

int main(void)
{
	ssize_t length = readlink("/proc/self/exe", programs, sizeof(programs) - 32);
	char *name;

	alarm(200);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (length < 0)
		return 1;
	programs[length] = 0;
	name = strrchr(programs, '/');
	strcpy(name, "/../bin");
	control_directory();
	return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL);
}
