/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "control.h"

#define POLLED_DEVICES 8
#define POLLED_QUEUES 6
#define BURST 32

static struct control_stage *active;

/** What a test that failed left behind. */
static void clean_up(void)
{
	if (!active)
		return;
	control_echo_abandon(&active->echo);
	guest_destroy(active->target.guest);
	control_capture_begin();
	rte_vhost_driver_unregister(active->target.path);
	control_capture_end(NULL);
	active = NULL;
	control_forget_pool();
}

void control_stage_begin(struct control_stage *stage, const char *name)
{
	char echo[64];

	clean_up();
	memset(stage, 0, sizeof(*stage));
	snprintf(echo, sizeof(echo), "%s-echo", name);
	control_echo_start(&stage->echo, echo);
	active = stage;
	control_echo_check(&stage->echo, 100);
	control_listen(&stage->target, name, 0);
	/* Once, so that what is made for good is made. */
	control_attach(&stage->target, NULL);
	control_detach(&stage->target);
	control_count_idle(&stage->before);
}

void control_stage_end(struct control_stage *stage)
{
	control_assert_flat(&stage->before);
	control_echo_check(&stage->echo, 200);
	control_attach(&stage->target, NULL);
	for (uint64_t i = 0; i < 50; i++) {
		control_send_good(&stage->target, i);
		control_receive_good(&stage->target, i);
	}
	control_close(&stage->target);
	control_echo_check(&stage->echo, 100);
	control_echo_stop(&stage->echo);
	active = NULL;
	control_assert_pool();
}

/** One burst on one queue, whoever has it now; vid 0 is the echo's. */
static uint64_t poll_queue(int vid, uint16_t queue)
{
	struct rte_mbuf *mbufs[BURST];
	uint16_t got;

	if (queue % 2) {
		got = rte_vhost_dequeue_burst(vid, queue, control_pool(), mbufs, BURST);
		rte_pktmbuf_free_bulk(mbufs, got);
		return got;
	}
	mbufs[0] = rte_pktmbuf_alloc(control_pool());
	if (!mbufs[0])
		return 0;
	rte_pktmbuf_append(mbufs[0], 500);
	got = rte_vhost_enqueue_burst(vid, queue, mbufs, 1);
	rte_pktmbuf_free(mbufs[0]);
	return got;
}

static void *poll_all(void *argument)
{
	struct control_poller *poller = argument;

	while (!__atomic_load_n(&poller->stop, __ATOMIC_ACQUIRE)) {
		for (int vid = 1; vid < POLLED_DEVICES; vid++)
			for (uint16_t queue = 0; queue < POLLED_QUEUES; queue++)
				if (rte_vhost_get_vring_num(vid) > queue)
					poller->packets += poll_queue(vid, queue);
		usleep(20);
	}
	return NULL;
}

void control_poller_start(struct control_poller *poller)
{
	memset(poller, 0, sizeof(*poller));
	assert_int_equal(pthread_create(&poller->thread, NULL, poll_all, poller), 0);
}

void control_poller_stop(struct control_poller *poller)
{
	__atomic_store_n(&poller->stop, true, __ATOMIC_RELEASE);
	pthread_join(poller->thread, NULL);
}

uint32_t control_payload_size(uint32_t request)
{
	switch (request) {
	case GUEST_SET_MEM_TABLE:
		return 8 + 32;
	case GUEST_SET_VRING_ADDR:
	case GUEST_ADD_MEM_REG:
	case GUEST_REM_MEM_REG:
		return 40;
	case GUEST_IOTLB_MSG:
		return 32;
	case GUEST_SET_LOG_BASE:
		return 16;
	case GUEST_GET_INFLIGHT_FD:
	case GUEST_SET_INFLIGHT_FD:
		return 24;
	case GUEST_GET_CONFIG:
	case GUEST_SET_CONFIG:
		return 12 + 256;
	case GUEST_GET_FEATURES:
	case GUEST_SET_OWNER:
	case GUEST_RESET_OWNER:
	case GUEST_GET_PROTOCOL_FEATURES:
	case GUEST_GET_QUEUE_NUM:
	case GUEST_SET_LOG_FD:
	case GUEST_SET_BACKEND_REQ_FD:
	case GUEST_RESET_DEVICE:
	case GUEST_GET_MAX_MEM_SLOTS:
	case GUEST_POSTCOPY_ADVISE:
	case GUEST_POSTCOPY_LISTEN:
	case GUEST_POSTCOPY_END:
	case GUEST_GET_STATUS:
		return 0;
	default:
		return 8;
	}
}
