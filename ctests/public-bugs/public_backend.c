/* SPDX-License-Identifier: BSD-3-Clause
 * Copyright (c) 2026 The librtevhostswift authors
 */
#define _GNU_SOURCE
#include "public.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_vhost.h>

#define BURST 32

char public_remark[256];
bool public_is_stuck;

static struct public_shared *shared;

static int new_device(int vid)
{
	shared->vid = vid;
	return 0;
}

static void destroy_device(int vid)
{
	(void)vid;
	shared->vid = -1;
	/* The data plane has left the device after a round. */
	for (uint64_t now = shared->rounds; shared->rounds < now + 2;)
		usleep(100);
}

static const struct rte_vhost_device_ops ops = {
	.new_device = new_device,
	.destroy_device = destroy_device,
};

static void poll_device(int vid, struct rte_mempool *pool)
{
	struct rte_mbuf *mbufs[BURST];
	uint16_t count = rte_vhost_dequeue_burst(vid, 1, pool, mbufs, BURST);

	for (uint16_t i = 0; i < count; i++)
		shared->good += mbufs[i]->pkt_len == PUBLIC_GOOD;
	shared->packets += count;
	rte_pktmbuf_free_bulk(mbufs, count);
	if (!shared->gives || rte_pktmbuf_alloc_bulk(pool, mbufs, 8) != 0)
		return;
	for (int i = 0; i < 8; i++)
		memset(rte_pktmbuf_append(mbufs[i], 64), 0x5a, 64);
	shared->taken += rte_vhost_enqueue_burst(vid, 0, mbufs, 8);
	rte_pktmbuf_free_bulk(mbufs, 8);
}

static int backend_main(const char *path)
{
	char *arguments[] = { (char *)"backend", (char *)"--no-huge", (char *)"--no-pci",
		(char *)"--no-shconf", (char *)"--no-telemetry", (char *)"-m", (char *)"96",
		(char *)"--iova-mode=va", (char *)"-l", (char *)"0",
		(char *)"--log-level=lib.vhost.*:critical", NULL };
	uint64_t protocol = 0;
	struct rte_mempool *pool;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (rte_eal_init(sizeof(arguments) / sizeof(arguments[0]) - 1, arguments) < 0)
		return 2;
	pool = rte_pktmbuf_pool_create("packets", 2047, 32, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	if (!pool || rte_vhost_driver_register(path, 0) != 0 ||
	    rte_vhost_driver_get_protocol_features(path, &protocol) != 0 ||
	    rte_vhost_driver_set_protocol_features(
		    path, protocol | GUEST_BIT(GUEST_PROTOCOL_INFLIGHT_SHMFD)) != 0 ||
	    rte_vhost_driver_callback_register(path, &ops) != 0 ||
	    rte_vhost_driver_start(path) != 0)
		return 3;
	shared->ready = true;
	while (true) {
		int vid = shared->vid;

		if (vid >= 0)
			poll_device(vid, pool);
		shared->rounds++;
		usleep(200);
	}
	return 0;
}

void public_measure(const struct public_backend *backend, int *fds, long *kib)
{
	char name[64];
	FILE *file;
	DIR *dir;

	*fds = 0;
	*kib = 0;
	snprintf(name, sizeof(name), "/proc/%d/fd", backend->pid);
	dir = opendir(name);
	while (dir && readdir(dir))
		(*fds)++;
	if (dir)
		closedir(dir);
	snprintf(name, sizeof(name), "/proc/%d/statm", backend->pid);
	file = fopen(name, "re");
	if (file && fscanf(file, "%*d %ld", kib) != 1)
		*kib = 0;
	if (file)
		fclose(file);
	*kib *= 4;
}

static bool is_alive(const struct public_backend *backend, int *status)
{
	return waitpid(backend->pid, status, WNOHANG) == 0;
}

int public_start(struct public_backend *backend)
{
	int status;

	shared = backend->shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return -1;
	shared->vid = -1;
	strcpy(backend->directory, "/tmp/public-XXXXXX");
	if (!mkdtemp(backend->directory))
		return -1;
	snprintf(backend->path, sizeof(backend->path), "%s/socket", backend->directory);
	backend->pid = fork();
	if (backend->pid == 0)
		_exit(backend_main(backend->path));
	for (int i = 0; i < 6000 && !shared->ready; i++) {
		if (!is_alive(backend, &status))
			return -1;
		usleep(10000);
	}
	/* What the first client makes for good is there before anything is counted. */
	guest_destroy(public_guest(backend, false, 0));
	for (int i = 0; i < 500 && shared->vid >= 0; i++)
		usleep(10000);
	usleep(300000);
	public_measure(backend, &backend->fds, &backend->kib);
	return shared->ready ? 0 : -1;
}

struct guest *public_guest(const struct public_backend *backend, bool packed, uint64_t protocol)
{
	struct guest_config config;
	struct guest *guest = NULL;

	guest_config_init(&config);
	config.socket_path = backend->path;
	config.timeout_ms = PUBLIC_PATIENCE_MS;
	config.protocol_features |= protocol;
	config.extra_memory = 1 << 20;
	if (packed)
		config.features |= GUEST_BIT(VIRTIO_F_RING_PACKED);
	if (guest_create(&config, &guest) < 0)
		return NULL;
	if (guest_connect(guest) < 0 || guest_start(guest) < 0) {
		guest_destroy(guest);
		return NULL;
	}
	for (int i = 0; i < PUBLIC_PATIENCE_MS && backend->shared->vid < 0; i++)
		usleep(1000);
	return guest;
}

int public_connect(const struct public_backend *backend)
{
	struct guest_frontend frontend;

	guest_frontend_init(&frontend, PUBLIC_PATIENCE_MS);
	return guest_frontend_connect(&frontend, backend->path) == 0 ? frontend.socket : -1;
}

void public_turn(const struct public_backend *backend)
{
	uint64_t now = backend->shared->rounds;

	for (int i = 0; i < PUBLIC_PATIENCE_MS && backend->shared->rounds < now + 5; i++)
		usleep(1000);
}

/** Whether a new guest gets packets through. */
static bool serves(const struct public_backend *backend)
{
	uint64_t before = backend->shared->good;
	const struct guest_shape shape = { .header_pieces = 0 };
	struct guest *guest = public_guest(backend, false, 0);
	uint8_t frame[PUBLIC_GOOD] = { 0 };

	if (!guest)
		return false;
	for (int i = 0; i < 10; i++)
		guest_tx(guest_tx_queue(guest, 0), frame, sizeof(frame), &shape);
	guest_submit(guest_tx_queue(guest, 0));
	for (int i = 0; i < PUBLIC_PATIENCE_MS && backend->shared->good < before + 10; i++)
		usleep(1000);
	guest_destroy(guest);
	return backend->shared->good >= before + 10;
}

static void clean(const struct public_backend *backend)
{
	unlink(backend->path);
	rmdir(backend->directory);
}

bool public_verdict(struct public_backend *backend, char *text, size_t size)
{
	uint64_t rounds = backend->shared->rounds;
	int status = 0, fds;
	bool good = true;
	long kib;

	usleep(500000);
	text[0] = 0;
	if (!is_alive(backend, &status)) {
		snprintf(text, size, "crash (%s)", WIFSIGNALED(status)
			 ? strsignal(WTERMSIG(status)) : "exit");
		clean(backend);
		return false;
	}
	public_measure(backend, &fds, &kib);
	if (backend->shared->rounds == rounds) {
		snprintf(text, size, "the data plane hangs");
		good = false;
	} else if (!serves(backend)) {
		snprintf(text, size, !is_alive(backend, &status) ? "crash at the next client"
			 : "alive, serves no new client");
		good = false;
	} else {
		snprintf(text, size, "serves on");
	}
	if (fds > backend->fds + 1) {
		snprintf(text + strlen(text), size - strlen(text), "; %d descriptors leaked",
			 fds - backend->fds);
		good = false;
	}
	if (kib > backend->kib + 8192) {
		snprintf(text + strlen(text), size - strlen(text), "; %ld MiB more",
			 (kib - backend->kib) / 1024);
		good = false;
	}
	kill(backend->pid, SIGKILL);
	waitpid(backend->pid, &status, 0);
	clean(backend);
	return good;
}
