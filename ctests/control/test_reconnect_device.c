/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Reconnection under load within this process: the frontend hangs up and comes back with the memory
 * and the rings it had, or the backend's driver is unregistered and registered again. Nothing may
 * be lost, and nothing left over.
 */
#define _GNU_SOURCE
#include "control_flow.h"

static int cycles = 100;

/** Hang up and come back, in the middle of traffic; every third time after a proper stop. */
static void restart_frontend(struct control_flow *flow, struct control_app *app, int cycle)
{
	/*
	 * GET_VRING_BASE says that everything taken was used: who does not fetch what the engine
	 * finished until then has lost it.
	 */
	if (cycle % 3 == 0 && app->what->copy != CONTROL_CARELESS)
		assert_int_equal(guest_stop(flow->guest), 0);
	guest_disconnect(flow->guest);
	if (cycle % 5 == 0)
		control_sleep_ms(15);
	assert_int_equal(control_flow_connect(flow), 0);
}

/** The driver goes and comes back; the guest finds its connection closed. */
static void restart_backend(struct control_flow *flow, struct control_app *app, int cycle)
{
	assert_int_equal(control_app_close(app), 0);
	assert_false(guest_frontend_alive(&flow->guest->frontend));
	guest_disconnect(flow->guest);
	if (cycle % 5 == 0)
		control_sleep_ms(15);
	assert_int_equal(control_app_open(app), 0);
	assert_int_equal(control_flow_connect(flow), 0);
}

typedef void (*restart_function)(struct control_flow *, struct control_app *, int);

/** Everything once, so that what is made for good is made. */
static void warm_up(struct control_flow *flow, struct control_app *app, restart_function restart)
{
	assert_int_equal(control_app_open(app), 0);
	assert_int_equal(control_flow_connect(flow), 0);
	control_flow_run(flow, 20000);
	restart(flow, app, 1);
	control_flow_run(flow, 20000);
}

static void reconnect(const struct control_case *what, const char *name, restart_function restart)
{
	struct guest_random random = { .state = 77 };
	struct control_counts counts, idle;
	struct control_flow flow;
	struct control_app app;
	char path[108];

	control_path(path, name);
	control_count_idle(&idle);
	assert_int_equal(control_flow_create(&flow, what, path), 0);
	assert_int_equal(control_app_init(&app, what, path), 0);
	warm_up(&flow, &app, restart);
	control_count(&counts);
	for (int i = 0; i < cycles; i++) {
		control_flow_run(&flow, (int)guest_random_range(&random, 0, 6000));
		restart(&flow, &app, i);
	}
	control_flow_run(&flow, 20000);
	control_flow_drain(&flow);
	control_assert_flat(&counts);
	control_assert_memory(&counts, 8192);
	control_flow_check(&flow);
	assert_int_equal(flow.skipped, 0);
	assert_int_equal(guest_stop(flow.guest), 0);
	guest_destroy(flow.guest);
	assert_int_equal(control_app_close(&app), 0);
	assert_int_equal(app.failures, 0);
	assert_true(app.devices >= (uint32_t)cycles);
	print_message("%s: %d times, %lu packets\n", name, cycles, (unsigned long)flow.sent);
	assert_int_equal(control_app_end(&app), 0);
	/* Not the first time: the event thread and its descriptors stay for good. */
	if (idle.threads > 1)
		control_assert_flat(&idle);
}

static void frontend(void **state)
{
	const struct control_case *what = *state;
	char name[64];

	snprintf(name, sizeof(name), "frontend-%s", what->name);
	reconnect(what, name, restart_frontend);
}

static void backend(void **state)
{
	const struct control_case *what = *state;
	char name[64];

	snprintf(name, sizeof(name), "backend-%s", what->name);
	reconnect(what, name, restart_backend);
}

static struct control_case cases[] = {
	CONTROL_RECONNECTS,
	{ "server-careless", false, CONTROL_CARELESS, false, false },
};

int main(void)
{
	struct CMUnitTest tests[2 * CONTROL_COUNT(cases)];
	const char *wanted = getenv("CONTROL_CYCLES");
	size_t count = 0;

	alarm(600);
	if (wanted)
		cycles = atoi(wanted);
	setenv("RTEVHOSTSWIFT_LOG", "error", 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	control_directory();
	for (size_t i = 0; i < CONTROL_COUNT(cases); i++) {
		tests[count++] = (struct CMUnitTest){
			cases[i].name, frontend, NULL, NULL, &cases[i],
		};
		tests[count++] = (struct CMUnitTest){
			cases[i].name, backend, NULL, NULL, &cases[i],
		};
	}
	return _cmocka_run_group_tests(__FILE__, tests, count, NULL, NULL);
}
