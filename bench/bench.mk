# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# For the Makefile in the root directory to include. "make bench" takes QUICK=1, ROUNDS=,
# CALLGRIND=1, THEIRS= and more from the environment or the command line; "bench/bench --help"
# tells.

BENCH_SOURCES := $(sort $(wildcard bench/host*.c))
BENCH_HEADERS := $(wildcard bench/*.h)
BENCH_GUEST := $(patsubst ctests/guest/%.c,build/bench/guest/%.o,$(GUEST_LIBRARY))
BENCH_CFLAGS = $(CFLAGS) -Ibench -Ictests/guest
BENCH_PKG_CONFIG = $${PKG_CONFIG:-pkg-config}

.PHONY: bench bench-hosts

bench: library
	bench/bench --install
	$(MAKE) -f $(firstword $(MAKEFILE_LIST)) bench-hosts
	bench/bench

bench-hosts: build/bench/host-own build/bench/host-dpdk

# One guest for both hosts.
build/bench/guest/%.o: ctests/guest/%.c $(GUEST_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Ictests/guest -c -o $@ $<

# bench/bench makes the copy of the library that it runs with.
build/bench/host-own: $(BENCH_SOURCES) $(BENCH_HEADERS) $(BENCH_GUEST) $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) $(INCLUDES) -o $@ $(BENCH_SOURCES) $(BENCH_GUEST) \
		-Lbuild/lib -lrtevhostswift -Wl,-rpath,'$$ORIGIN/lib' -pthread -ldl

# DPDK's headers are not pedantic. No librte_vhost here: --library says which.
build/bench/host-dpdk: $(BENCH_SOURCES) $(BENCH_HEADERS) $(BENCH_GUEST)
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -DBENCH_DPDK \
		$$($(BENCH_PKG_CONFIG) --cflags libdpdk | sed 's/-I */-isystem /g') \
		-o $@ $(BENCH_SOURCES) $(BENCH_GUEST) \
		$$($(BENCH_PKG_CONFIG) --libs-only-L libdpdk) -Wl,--no-as-needed \
		-lrte_mempool_ring -lrte_mbuf -lrte_mempool -lrte_eal -pthread -ldl
