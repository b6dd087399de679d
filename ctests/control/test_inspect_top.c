/* SPDX-License-Identifier: BSD-3-Clause */

/* rtevhostctl top, on a terminal and elsewhere. */
#define _GNU_SOURCE
#include "control_inspect.h"

#include <pty.h>
#include <signal.h>
#include <sys/wait.h>

/** Ends `top` on a terminal; @return its status, or -1 when it does not end. */
static int end_top(char key, bool hang_up)
{
	static char shown[65536];
	size_t count = 0;
	int terminal, status, result = -1;
	pid_t child = forkpty(&terminal, NULL, NULL, &(struct winsize){ 24, 80, 0, 0 });

	assert_true(child >= 0);
	if (child == 0) {
		execl(inspect_tool, inspect_tool, "top", "--interval", "0.1", "--control",
		      inspect_path, NULL);
		_exit(99);
	}
	while (!memmem(shown, count, "PKT/S", 5) && count < sizeof(shown)) {
		ssize_t got = read(terminal, shown + count, sizeof(shown) - count);

		assert_true(got > 0);
		count += (size_t)got;
	}
	if (hang_up)
		close(terminal);
	else
		assert_int_equal(write(terminal, &key, 1), 1);
	for (int64_t start = control_now_ms(); control_now_ms() - start < 5000;) {
		if (!hang_up) {
			ssize_t got = read(terminal, shown, sizeof(shown));

			count = got > 0 ? (size_t)got : 0;
			/* The screen as it was, and the cursor. */
			if (memmem(shown, count, "\033[?25h\033[?1049l", 14))
				result = 0;
			if (got <= 0)
				break;
		}
		control_sleep_ms(1);
		if (hang_up && waitpid(child, &status, WNOHANG) == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	if (!hang_up) {
		close(terminal);
		assert_int_equal(waitpid(child, &status, 0), child);
		return result == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return -1;
}

static void top_ends_when_it_is_told_to(void **state)
{
	struct control_device device;

	(void)state;
	inspect_begin("ctl");
	control_open(&device, "top.sock", 0, NULL);
	assert_int_equal(end_top('q', false), 0);
	assert_int_equal(end_top(3, false), 0);
	assert_int_equal(end_top(0, true), 0);
	assert_int_equal(inspect_run("top --json --count 2 --interval 0.1"), 0);
	inspect_assert_has(inspect_text, "[{\"bits\":", "\"direction\":\"from guest\"", NULL);
	assert_int_equal(inspect_run("top --count 1 --interval 0.1"), 0);
	inspect_assert_has(inspect_text, "PKT/S", NULL);
	control_close(&device);
	assert_int_equal(rtevhostswift_control_close(), 0);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(top_ends_when_it_is_told_to),
};

CONTROL_MAIN(120, tests)
