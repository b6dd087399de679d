/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control_logged.h"

struct control_stage logged_stage;
struct guest_log logged_log;

void logged_begin(const char *name)
{
	struct guest_config config;

	control_stage_begin(&logged_stage, name);
	guest_config_init(&config);
	config.protocol_features = LOGGED_PROTOCOL;
	control_attach(&logged_stage.target, &config);
	memset(&logged_log, 0, sizeof(logged_log));
	assert_int_equal(guest_log_create(logged_stage.target.guest, &logged_log), 0);
}

void logged_end(void)
{
	guest_log_destroy(&logged_log);
	control_detach(&logged_stage.target);
	control_stage_end(&logged_stage);
}

struct guest_frontend *logged_frontend(void)
{
	return &logged_stage.target.guest->frontend;
}
