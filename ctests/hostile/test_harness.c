/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */

/* The shared checker sees what it is for: each violation is made in a child, which must fail. */
#include <sys/wait.h>

#include "guest_split.h"
#include "hostile.h"

/** A violation. */
typedef void (*violation)(struct hostile *hostile);

static void lose_an_mbuf(struct hostile *hostile)
{
	assert_non_null(rte_pktmbuf_alloc(hostile->bench->pool.mp));
}

static void lose_an_mbuf_of_the_application(struct hostile *hostile)
{
	assert_non_null(rte_pktmbuf_alloc(hostile->bench->app.mp));
}

static void lose_an_mbuf_of_the_innocent(struct hostile *hostile)
{
	assert_non_null(rte_pktmbuf_alloc(hostile->innocent->pool.mp));
}

static void write_behind_a_buffer(struct hostile *hostile)
{
	struct guest_slots *slots = &hostile->bench->tx->slots;

	slots->slots[3].host[slots->buffer_size] ^= 1;
}

/** The last used chain once more. */
static void use_a_chain_twice(struct hostile *hostile)
{
	struct guest_queue *queue = hostile->bench->tx;
	struct vring_used *used = queue->ring.split.used;

	if (guest_is_packed(queue)) {
		struct guest_packed *packed = &queue->ring.packed;
		uint16_t slot = packed->used.place.slot;

		packed->descriptors[slot] = packed->descriptors[slot - 1];
	} else {
		used->ring[used->idx % queue->size] = used->ring[(used->idx - 1) % queue->size];
		used->idx++;
	}
	guest_tx_reap(queue);
}

static void overtake(struct hostile *hostile)
{
	hostile->bench->tx->used_serial++;
	bench_send(hostile->bench, 100, NULL);
	hostile_take(hostile);
}

static void read_before_a_region(struct hostile *hostile)
{
	struct rte_vhost_memory *memory = NULL;

	assert_int_equal(rte_vhost_get_mem_table(hostile->bench->vid, &memory), 0);
	*(volatile char *)(uintptr_t)(memory->regions[1].host_user_addr - 1);
}

static void write_behind_a_region(struct hostile *hostile)
{
	struct rte_vhost_memory *memory = NULL;

	assert_int_equal(rte_vhost_get_mem_table(hostile->bench->vid, &memory), 0);
	*(volatile char *)(uintptr_t)(memory->regions[0].host_user_addr +
				      memory->regions[0].size) = 1;
}

static void change_a_payload(struct hostile *hostile)
{
	bench_send(hostile->bench, 100, NULL);
	hostile->bench->tx->slots.slots[hostile->bench->tx->chains[
		hostile->bench->tx->order[(hostile->bench->tx->next_serial - 1) %
					  hostile->bench->tx->size]].first_slot].host[60] ^= 1;
	hostile_take(hostile);
}

static void engine_complains(struct hostile *hostile)
{
	hostile->bench->engines[TX].violations++;
}

static void nothing(struct hostile *hostile)
{
	hostile_good(hostile);
}

/** Whether a child that does this and looks at the invariants ends well. */
static bool ends_well(struct hostile *hostile, violation violation)
{
	pid_t child;
	int status = 0;

	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		/* What the child has to say is that it failed. */
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(2);
		hostile->is_child = true;
		violation(hostile);
		hostile_check(hostile);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/** On devices of its own: the child leaves their rings in a state that this process knows not. */
static bool happens(struct hostile *hostile, violation violation)
{
	void *state = NULL;
	bool good;

	hostile_open(hostile, NULL);
	for (int i = 0; i < 3; i++)
		hostile_good(hostile);
	good = ends_well(hostile, violation);
	hostile_teardown(&state);
	return good;
}

static void the_checker_sees_violations(struct hostile *hostile)
{
	static const violation violations[] = {
		lose_an_mbuf, lose_an_mbuf_of_the_application, lose_an_mbuf_of_the_innocent,
		write_behind_a_buffer, use_a_chain_twice, overtake, read_before_a_region,
		write_behind_a_region, change_a_payload, engine_complains,
	};

	assert_true(happens(hostile, nothing));
	for (size_t i = 0; i < HOSTILE_COUNT(violations); i++)
		if (happens(hostile, violations[i]))
			fail_msg("violation %zu was not seen", i);
}

/** What is open is counted: one descriptor more is one too many. */
static void descriptors_are_counted(struct hostile *hostile)
{
	int fd;

	hostile_open(hostile, NULL);
	hostile_good(hostile);
	fd = dup(0);
	assert_true(fd >= 0);
	assert_false(hostile_is_flat(hostile));
	close(fd);
	/* The device itself is not gone either. */
	assert_false(hostile_is_flat(hostile));
	hostile_close(hostile);
}

static const struct CMUnitTest tests[] = {
	HOSTILE_TEST(the_checker_sees_violations),
	HOSTILE_TEST(descriptors_are_counted),
};

HOSTILE_MAIN(60, tests)
