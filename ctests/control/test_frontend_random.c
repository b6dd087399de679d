/* SPDX-License-Identifier: BSD-3-Clause */

/*
 * Every message in any order, with all features of the control plane, while an application uses
 * every function that reads what the messages change. CONTROL_STEPS and CONTROL_SEED in the
 * environment: longer, and others.
 */
#define _GNU_SOURCE
#include "control_random.h"
#include "control_vdpa.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <rte_vhost_async.h>
#include <rtevhostswift_dma.h>

#define STEPS 60000
#define STEPS_OF_ONE 300
#define QUEUES 4
#define BURST 32
/** What the event thread may keep another device waiting, and room for a slow machine. */
#define BOUNDED_MS 5000

static struct control_stage stage;
static struct rtevhostswift_dma *engine;
static bool stop, uses_engine;
static uint64_t packets, records, configured;

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

/** A handler that does nothing but ask about its own device, as a backend of any kind may. */
static enum rte_vhost_msg_result handle(int vid, void *message)
{
	uint32_t request = *(uint32_t *)message;
	struct rte_vhost_memory *memory = NULL;
	uint64_t bits;

	rte_vhost_get_negotiated_features(vid, &bits);
	if (rte_vhost_get_mem_table(vid, &memory) == 0)
		free(memory);
	/* It would wait for itself. */
	if (rte_vhost_driver_unregister(stage.target.path) == 0)
		abort();
	if (request == GUEST_GET_CONFIG)
		return RTE_VHOST_MSG_RESULT_REPLY;
	if (request == GUEST_SET_CONFIG)
		return RTE_VHOST_MSG_RESULT_OK;
	return RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

static const struct rte_vhost_user_extern_ops handlers = { handle, handle };

static void hook(enum control_kind kind, int vid)
{
	struct rte_vhost_async_config config = { .features = RTE_VHOST_ASYNC_INORDER,
						 .async_threshold = 64 };

	if (kind == CONTROL_NEW_CONNECTION)
		rte_vhost_extern_callback_register(vid, &handlers, NULL);
	if (kind != CONTROL_NEW_DEVICE)
		return;
	rte_vhost_host_notifier_ctrl(vid, RTE_VHOST_QUEUE_ALL, true);
	for (uint16_t queue = 0; queue < 2 && uses_engine; queue++) {
		rtevhostswift_dma_attach(engine, vid, queue);
		rte_vhost_async_channel_register(vid, queue, config, rtevhostswift_dma_ops());
	}
}

static void receive(int vid, uint16_t queue)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(control_pool()), *done[BURST];
	uint32_t count = 0;

	if (!mbuf)
		return;
	rte_pktmbuf_append(mbuf, 700);
	if (!uses_engine) {
		packets += rte_vhost_enqueue_burst(vid, queue, &mbuf, 1);
		rte_pktmbuf_free(mbuf);
		return;
	}
	if (rte_vhost_submit_enqueue_burst(vid, queue, &mbuf, 1, done, &count) == 0)
		rte_pktmbuf_free(mbuf);
	rte_pktmbuf_free_bulk(done, count);
	count = rte_vhost_poll_enqueue_completed(vid, queue, done, BURST);
	packets += count;
	rte_pktmbuf_free_bulk(done, count);
}

static void transmit(int vid, uint16_t queue)
{
	struct rte_mbuf *mbufs[BURST];
	int inflight;
	uint16_t got = uses_engine ?
		rte_vhost_async_try_dequeue_burst(vid, queue, control_pool(), mbufs, BURST,
						  &inflight) :
		rte_vhost_dequeue_burst(vid, queue, control_pool(), mbufs, BURST);

	packets += got;
	rte_pktmbuf_free_bulk(mbufs, got);
}

/** What a backend does that serves rings by itself, with numbers that may be out of date. */
static void record(int vid, uint16_t queue, uint16_t head)
{
	uint16_t entry, available, used;

	if (rte_vhost_set_inflight_desc_packed(vid, queue, head, head / 2, &entry) == 0) {
		records++;
		rte_vhost_set_last_inflight_io_packed(vid, queue, entry);
		rte_vhost_clr_inflight_desc_packed(vid, queue, entry);
	}
	rte_vhost_set_inflight_desc_split(vid, queue, head);
	rte_vhost_set_last_inflight_io_split(vid, queue, head);
	rte_vhost_clr_inflight_desc_split(vid, queue, head, head);
	rte_vhost_get_vring_base_from_inflight(vid, queue, &available, &used);
}

static void look(int vid, uint16_t queue, uint64_t number)
{
	struct rte_vhost_memory *memory = NULL;
	struct rte_vhost_vring ring;
	uint16_t available, used;

	if (rte_vhost_get_mem_table(vid, &memory) == 0)
		free(memory);
	rte_vhost_get_vhost_vring(vid, queue, &ring);
	rte_vhost_get_vring_base(vid, queue, &available, &used);
	rte_vhost_rx_queue_count(vid, queue);
	rte_vhost_avail_entries(vid, queue);
	rte_vhost_log_write(vid, number << 12, 10000);
	rte_vhost_log_used_vring(vid, queue, number, 100);
	rte_vhost_vring_call(vid, queue);
	rte_vhost_enable_guest_notification(vid, queue, number & 1);
	rte_vhost_slave_config_change(vid, false);
}

/** Hardware that looks at what it was given, and touches nothing. */
static int configure(int vid)
{
	for (uint16_t queue = 0; queue < 2; queue++) {
		struct rte_vhost_vring ring;

		/* Nobody sets up hardware for rings that there are not. */
		if (rte_vhost_get_vhost_vring(vid, queue, &ring) < 0 || !ring.desc || !ring.size)
			abort();
	}
	rte_vhost_host_notifier_ctrl(vid, RTE_VHOST_QUEUE_ALL, true);
	configured++;
	return 0;
}

static int unconfigure(int vid)
{
	rte_vhost_host_notifier_ctrl(vid, RTE_VHOST_QUEUE_ALL, false);
	return 0;
}

static void attach_hardware(void)
{
	control_vdpa_init("random");
	control_vdpa.ops.dev_conf = configure;
	control_vdpa.ops.dev_close = unconfigure;
	control_vdpa.notify_file = memfd_create("doorbells", MFD_CLOEXEC);
	control_vdpa_register();
	assert_int_equal(rte_vhost_driver_attach_vdpa_device(stage.target.path,
							     control_vdpa.registered), 0);
}

/** Used entries of a ring that is not the guest's, as hardware left them. */
static void relay(int vid, uint16_t queue, uint64_t number)
{
	static uint8_t memory[1 << 14];
	struct vring shadow;

	vring_init(&shadow, 256, (void *)(((uintptr_t)memory + 63) & ~(uintptr_t)63), 64);
	shadow.used->idx = (uint16_t)(number * 3);
	shadow.used->ring[number % 256].id = (uint32_t)(number % 300);
	rte_vdpa_relay_vring_used(vid, queue, &shadow);
}

static void *use_all(void *unused)
{
	(void)unused;
	for (uint64_t round = 0; !__atomic_load_n(&stop, __ATOMIC_ACQUIRE); round++) {
		for (uint16_t queue = 0; queue < QUEUES; queue++) {
			/* vid 0 is the echo's. */
			if (queue % 2)
				transmit(1, queue);
			else
				receive(1, queue);
			if (round % 4 == 0)
				record(1, queue, (uint16_t)(round / 4 % 300));
			if (round % 8 == 0)
				look(1, queue, round);
			if (control_vdpa.registered && round % 8 == 1)
				relay(1, queue, round);
		}
		usleep(50);
	}
	return NULL;
}

static void offer_all(bool with_hardware)
{
	uint64_t flags = RTE_VHOST_USER_IOMMU_SUPPORT | RTE_VHOST_USER_POSTCOPY_SUPPORT |
		RTE_VHOST_USER_ASYNC_COPY;

	assert_int_equal(rte_vhost_driver_unregister(stage.target.path), 0);
	assert_int_equal(rte_vhost_driver_register(stage.target.path, flags), 0);
	assert_int_equal(rte_vhost_driver_set_protocol_features(stage.target.path, UINT64_MAX), 0);
	assert_int_equal(rte_vhost_driver_callback_register(stage.target.path, &control_ops), 0);
	if (with_hardware)
		attach_hardware();
	assert_int_equal(rte_vhost_driver_start(stage.target.path), 0);
}

/** The first migration starts a thread that looks after all of them; it is not counted. */
static void start_watch(void)
{
	uint64_t bits = GUEST_BIT(GUEST_PROTOCOL_PAGEFAULT);
	struct control_device device;
	struct guest_message message;
	int socket;

	control_listen(&device, "watch", RTE_VHOST_USER_POSTCOPY_SUPPORT);
	socket = control_connect(&device);
	control_send(socket, GUEST_SET_PROTOCOL_FEATURES, 1, &bits, 8, NULL, 0);
	control_send(socket, GUEST_POSTCOPY_ADVISE, 1, NULL, 0, NULL, 0);
	assert_int_equal(guest_receive(socket, &message, CONTROL_PATIENCE_MS), 0);
	guest_message_close(&message);
	close(socket);
	assert_int_equal(rte_vhost_driver_unregister(device.path), 0);
}

/** Standard error goes nowhere: the library complains of nearly everything. @return what it was. */
static int hush(void)
{
	int kept = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(nowhere, STDERR_FILENO);
	close(nowhere);
	return kept;
}

static void unhush(int kept)
{
	dup2(kept, STDERR_FILENO);
	close(kept);
}

/** Connections that say anything; the longest time that one message took to have an effect. */
static int64_t say_anything(uint64_t seed, uint64_t steps)
{
	struct control_random fuzz;
	int64_t longest = 0;

	control_random_init(&fuzz, seed);
	for (uint64_t done = 0; done < steps;) {
		int socket = control_random_connect(&fuzz, &stage.target), ret = 0;
		int64_t start;

		for (int i = 0; i < STEPS_OF_ONE && ret == 0; i++, done++)
			ret = control_random_step(&fuzz, socket);
		start = control_now_ms();
		control_finish(socket);
		if (control_now_ms() - start > longest)
			longest = control_now_ms() - start;
	}
	control_random_destroy(&fuzz);
	return longest;
}

static void anything(const char *name, bool with_engine, bool with_hardware)
{
	int at = control_events(), ran, kept;
	pthread_t thread;
	int64_t longest;

	start_watch();
	control_stage_begin(&stage, name);
	offer_all(with_hardware);
	uses_engine = with_engine;
	engine = rtevhostswift_dma_create(NULL);
	control_answers.hook = hook;
	stop = false;
	kept = hush();
	packets = records = 0;
	assert_int_equal(pthread_create(&thread, NULL, use_all, NULL), 0);
	longest = say_anything(setting("CONTROL_SEED", 20260101), setting("CONTROL_STEPS", STEPS));
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	unhush(kept);
	ran = control_count_events(at, CONTROL_NEW_DEVICE, -1);
	print_message("%d devices ran, %lu packets, %lu records, longest wait %ld ms\n", ran,
		      packets, records, longest);
	control_answers.hook = NULL;
	for (uint16_t queue = 0; queue < 2; queue++)
		rtevhostswift_dma_detach(1, queue);
	assert_int_equal(rtevhostswift_dma_destroy(engine), 0);
	/* It was not all refused, and nobody else waited. */
	assert_true(ran > 10);
	assert_true(longest < BOUNDED_MS);
	assert_int_equal(rte_vhost_driver_unregister(stage.target.path), 0);
	if (with_hardware) {
		assert_int_equal(rte_vdpa_unregister_device(control_vdpa.registered), 0);
		close(control_vdpa.notify_file);
	}
	control_listen(&stage.target, name, 0);
	control_stage_end(&stage);
	control_assert_memory(&stage.before, 32768);
}

static void anything_while_the_processor_copies(void **state)
{
	(void)state;
	anything("processor", false, false);
}

static void anything_while_an_engine_copies(void **state)
{
	(void)state;
	anything("engine", true, false);
}

static void anything_while_hardware_serves(void **state)
{
	(void)state;
	configured = 0;
	anything("hardware", false, true);
	assert_true(configured > 10);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(anything_while_the_processor_copies),
	cmocka_unit_test(anything_while_an_engine_copies),
	cmocka_unit_test(anything_while_hardware_serves),
};

CONTROL_MAIN_QUIET((unsigned int)setting("CONTROL_SECONDS", 400), tests)
