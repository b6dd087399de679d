/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/*
 * Telemetry of releases that are not installed here. This program has the functions that
 * rte_telemetry.h of DPDK declares, of its own making, with a release's bounds; the library finds
 * them by name. Each release is a process: commands are registered once. What is the same in all:
 * types, numbers of kinds, 256 names and 512 elements at most. What is not: the longest text, a
 * command's help among them (64 bytes with its zero up to DPDK 21.05 at least, 128 in 22.11), and
 * 22.11's rule that names are letters, digits, "_" and "/".
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdio.h>
#include <sys/wait.h>

#include "link.h"

#define LONGEST 128
#define MOST_NAMES 256
#define MOST_ELEMENTS 512
#define MOST_COMMANDS 8
#define COMMAND 56

/** A release of DPDK's. */
struct release {
	const char *name;
	size_t text;		/**< Longest text, with its zero. */
	bool has_rule;		/**< For names. */
};

enum kind { NOTHING, TEXTS, NUMBERS, WORDS, LISTS, NAMES };

struct rte_tel_data;

/** An element of a list, or what has a name. */
struct entry {
	char name[LONGEST], text[LONGEST];
	uint64_t number;
	struct rte_tel_data *list;
};

struct rte_tel_data {
	enum kind kind;
	unsigned int count;
	struct entry entries[MOST_ELEMENTS];
};

typedef int command_function(const char *command, const char *parameters,
			     struct rte_tel_data *answer);

static const struct release *release;
static struct {
	char name[COMMAND];
	command_function *function;
} commands[MOST_COMMANDS];
static unsigned int command_count, refused, cut_names, cut_texts;
static int lists;

int rte_telemetry_register_cmd(const char *name, command_function *function, const char *help);
struct rte_tel_data *rte_tel_data_alloc(void);
void rte_tel_data_free(struct rte_tel_data *data);
int rte_tel_data_start_array(struct rte_tel_data *data, int type);
int rte_tel_data_start_dict(struct rte_tel_data *data);
int rte_tel_data_add_array_string(struct rte_tel_data *data, const char *text);
int rte_tel_data_add_array_int(struct rte_tel_data *data, int number);
int rte_tel_data_add_dict_string(struct rte_tel_data *data, const char *name, const char *text);
int rte_tel_data_add_dict_u64(struct rte_tel_data *data, const char *name, uint64_t number);
int rte_tel_data_add_dict_container(struct rte_tel_data *data, const char *name,
				    struct rte_tel_data *list, int keep);

int rte_telemetry_register_cmd(const char *name, command_function *function, const char *help)
{
	if (strlen(name) >= COMMAND || !function || name[0] != '/' ||
	    strlen(help) >= release->text || command_count == MOST_COMMANDS) {
		print_error("%s is refused\n", name);
		refused++;
		return -EINVAL;
	}
	strcpy(commands[command_count].name, name);
	commands[command_count++].function = function;
	return 0;
}

struct rte_tel_data *rte_tel_data_alloc(void)
{
	lists++;
	return calloc(1, sizeof(struct rte_tel_data));
}

void rte_tel_data_free(struct rte_tel_data *data)
{
	lists -= data != NULL;
	free(data);
}

int rte_tel_data_start_array(struct rte_tel_data *data, int type)
{
	static const enum kind kinds[] = { TEXTS, NUMBERS, WORDS, LISTS };

	assert_in_range(type, 0, 3);
	data->kind = kinds[type];
	data->count = 0;
	return 0;
}

int rte_tel_data_start_dict(struct rte_tel_data *data)
{
	data->kind = NAMES;
	data->count = 0;
	return 0;
}

/** The next entry where the answer is of that kind and has room. */
static struct entry *add(struct rte_tel_data *data, enum kind kind)
{
	if (data->kind != kind || data->count == (kind == NAMES ? MOST_NAMES : MOST_ELEMENTS))
		return NULL;
	return memset(&data->entries[data->count++], 0, sizeof(struct entry));
}

/** What does not fit is cut, and told by a positive number. */
static int put(char *to, const char *text, unsigned int *cut)
{
	snprintf(to, release->text, "%s", text);
	*cut += strlen(text) >= release->text;
	return strlen(text) >= release->text ? E2BIG : 0;
}

static struct entry *add_name(struct rte_tel_data *data, const char *name)
{
	struct entry *entry;

	for (const char *at = name; release->has_rule && *at; at++)
		if (!isalnum((unsigned char)*at) && *at != '_' && *at != '/')
			return NULL;
	entry = add(data, NAMES);
	if (entry && put(entry->name, name, &cut_names) != 0)
		print_error("%s is cut\n", name);
	return entry;
}

int rte_tel_data_add_array_string(struct rte_tel_data *data, const char *text)
{
	struct entry *entry = add(data, TEXTS);

	return entry ? put(entry->text, text, &cut_texts) : -EINVAL;
}

int rte_tel_data_add_array_int(struct rte_tel_data *data, int number)
{
	struct entry *entry = add(data, NUMBERS);

	if (!entry)
		return -EINVAL;
	entry->number = (uint64_t)number;
	return 0;
}

int rte_tel_data_add_dict_string(struct rte_tel_data *data, const char *name, const char *text)
{
	struct entry *entry = add_name(data, name);

	return entry ? put(entry->text, text, &cut_texts) : -EINVAL;
}

int rte_tel_data_add_dict_u64(struct rte_tel_data *data, const char *name, uint64_t number)
{
	struct entry *entry = add_name(data, name);

	if (!entry)
		return -EINVAL;
	entry->number = number;
	return 0;
}

int rte_tel_data_add_dict_container(struct rte_tel_data *data, const char *name,
				    struct rte_tel_data *list, int keep)
{
	struct entry *entry;

	/* Releases before 22.11 know no other. */
	assert_in_range(list->kind, TEXTS, WORDS);
	assert_int_equal(keep, 0);
	entry = add_name(data, name);
	if (!entry)
		return -EINVAL;
	entry->list = list;
	return 0;
}

/** As a client asks; the answer is good until the next one. @return what the command gives. */
static int ask(const char *name, const char *parameters, struct rte_tel_data **answer)
{
	static struct rte_tel_data data;

	for (unsigned int i = 0; data.kind == NAMES && i < data.count; i++)
		rte_tel_data_free(data.entries[i].list);
	/* What the memory had before is nobody's business. */
	memset(&data, 0xee, sizeof(data));
	data.kind = NOTHING;
	*answer = &data;
	for (unsigned int i = 0; i < command_count; i++)
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].function(name, parameters, &data);
	fail_msg("there is no %s", name);
	return -1;
}

static const struct entry *find(const struct rte_tel_data *answer, const char *name)
{
	for (unsigned int i = 0; i < answer->count; i++)
		if (strcmp(answer->entries[i].name, name) == 0)
			return &answer->entries[i];
	fail_msg("there is no %s", name);
	return NULL;
}

static void assert_names(const struct rte_tel_data *answer)
{
	assert_int_equal(answer->kind, NAMES);
	assert_in_range(answer->count, 10, MOST_NAMES - 1);
	for (unsigned int i = 0; i < answer->count; i++)
		assert_ptr_equal(find(answer, answer->entries[i].name), &answer->entries[i]);
}

static void assert_device(int vid)
{
	struct rte_tel_data *answer;
	const struct entry *features;
	char number[20];
	bool found = false;

	snprintf(number, sizeof(number), "%d", vid);
	assert_true(ask("/vhost/show", number, &answer) >= 0);
	assert_names(answer);
	assert_string_equal(find(answer, "running")->text, "true");
	assert_true(find(answer, "counters_messages_handled")->number > 5);
	features = find(answer, "features_names");
	assert_non_null(features->list);
	for (unsigned int i = 0; i < features->list->count; i++)
		found |= strcmp(features->list->entries[i].text, "VIRTIO_F_VERSION_1") == 0;
	assert_true(found);
}

static void assert_ring(int vid, uint64_t packets)
{
	struct rte_tel_data *answer;
	char numbers[20];

	snprintf(numbers, sizeof(numbers), "%d,1", vid);
	assert_true(ask("/vhost/ring", numbers, &answer) >= 0);
	assert_names(answer);
	assert_string_equal(find(answer, "direction")->text, "from guest");
	assert_string_equal(find(answer, "kick")->text, "present");
	assert_int_equal(find(answer, "size")->number, 256);
	assert_int_equal(find(answer, "counters_packets")->number, packets);
}

static void life(void **state)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create("telemetry", 64, 0, 0, 2176, 0);
	struct rte_tel_data *answer;
	struct rte_mbuf *packets[8];

	(void)state;
	for (int packed = 0; packed < 2; packed++) {
		struct link *link = link_open(NULL, 0, packed != 0);

		assert_int_equal(refused, 0);
		assert_int_equal(command_count, 4);
		link_send(link, 5, 100);
		assert_int_equal(link_take(link, pool, packets, 8), 5);
		rte_pktmbuf_free_bulk(packets, 5);
		assert_true(ask("/vhost/sockets", NULL, &answer) >= 0);
		assert_int_equal(answer->kind, TEXTS);
		assert_int_equal(answer->count, 1);
		assert_string_equal(answer->entries[0].text, link->path);
		assert_true(ask("/vhost/list", NULL, &answer) >= 0);
		assert_int_equal(answer->kind, NUMBERS);
		assert_int_equal(answer->count, 1);
		assert_int_equal(answer->entries[0].number, link->vid);
		assert_device(link->vid);
		assert_ring(link->vid, 5);
		assert_true(ask("/vhost/show", "900", &answer) < 0);
		assert_true(ask("/vhost/ring", "0", &answer) < 0);
		assert_true(ask("/vhost/ring", "0,77", &answer) < 0);
		link_close(link);
		assert_true(ask("/vhost/list", NULL, &answer) >= 0);
		assert_int_equal(answer->count, 0);
	}
	assert_int_equal(cut_names, 0);
	assert_int_equal(cut_texts, 0);
	assert_int_equal(lists, 0);
	rte_mempool_free(pool);
}

static const struct release releases[] = {
	{ "up_to_21_08", 64, false },
	{ "from_22_11", LONGEST, true },
};

#define RELEASES (sizeof(releases) / sizeof(*releases))

/** Runs one release, which is the test's state, in a process of its own. */
static void in_child(void **state)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		execl("/proc/self/exe", "inside_made_telemetry", (const char *)*state,
		      (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int main(int count, char **arguments)
{
	const struct CMUnitTest one[] = { cmocka_unit_test(life) };
	struct CMUnitTest tests[RELEASES];

	alarm(60);
	for (unsigned int i = 0; i < RELEASES; i++) {
		if (count > 1 && strcmp(releases[i].name, arguments[1]) == 0)
			release = &releases[i];
		tests[i] = (struct CMUnitTest){ releases[i].name, in_child, NULL, NULL,
						(void *)(uintptr_t)releases[i].name };
	}
	return release ? cmocka_run_group_tests(one, NULL, NULL) :
			 cmocka_run_group_tests(tests, NULL, NULL);
}
