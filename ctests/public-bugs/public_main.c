/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Attacks that have a public name, on whichever librte_vhost.so.23 is found: what the backend does.
 * PUBLIC_STRICT: it must serve on and lose nothing.
 */
#define _GNU_SOURCE
#include "public.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/** One case, in a process of its own. */
static int run(const struct public_case *one)
{
	struct public_backend backend = { .pid = -1 };
	char text[256];
	bool good;

	alarm(120);
	if (public_start(&backend) != 0) {
		printf("%s\t%s\tthe backend did not start\n", one->id, one->what);
		return 1;
	}
	one->attack(&backend);
	good = public_verdict(&backend, text, sizeof(text));
	printf("%s\t%s\t%s%s%s\n", one->id, one->what, public_remark, public_remark[0] ? "; " : "",
	       text);
	return good && !public_is_stuck ? 0 : 1;
}

int main(int argc, char **argv)
{
	bool isStrict = getenv("PUBLIC_STRICT") != NULL;
	int failures = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	for (unsigned int i = 0; i < public_case_count; i++) {
		const struct public_case *one = &public_cases[i];
		int status = 0;
		pid_t child;

		if (argc > 1 && !strstr(one->id, argv[1]) && !strstr(one->what, argv[1]))
			continue;
		child = fork();
		if (child == 0)
			exit(run(one));
		waitpid(child, &status, 0);
		if (WIFSIGNALED(status))
			printf("%s\t%s\tthe test itself: %s\n", one->id, one->what,
			       strsignal(WTERMSIG(status)));
		failures += status != 0;
	}
	return isStrict && failures > 0;
}
