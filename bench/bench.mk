# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# For the Makefile in the root directory to include. "make bench" measures the whole matrix, which
# takes about 40 minutes; it takes QUICK=1, FILTER=, ROUNDS=, CALLGRIND=1, FLOOR=1, THEIRS= and more
# from the environment or the command line; "bench/bench --help" tells.

BENCH_SOURCES := $(sort $(wildcard bench/host*.c))
BENCH_HEADERS := $(wildcard bench/host*.h)
BENCH_GUEST := $(patsubst ctests/guest/%.c,build/bench/guest/%.o,$(GUEST_LIBRARY))
BENCH_CFLAGS = $(CFLAGS) -Ibench -Ictests/guest
BENCH_PKG_CONFIG = $${PKG_CONFIG:-pkg-config}

.PHONY: bench bench-hosts bench-valgrind

bench: library
	bench/bench --install
	$(MAKE) -f $(firstword $(MAKEFILE_LIST)) bench-hosts
	bench/bench

bench-hosts: build/bench/host-own build/bench/host-dpdk

# Hosts know valgrind's requests if its headers were there: built again when they come.
bench-valgrind:
	@mkdir -p build/bench
	@ls /usr/include/valgrind/callgrind.h >build/bench/valgrind.new 2>/dev/null || true
	@cmp -s build/bench/valgrind.new build/bench/valgrind || \
		cp build/bench/valgrind.new build/bench/valgrind

build/bench/valgrind: bench-valgrind ;

# One guest for both hosts.
build/bench/guest/%.o: ctests/guest/%.c $(GUEST_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Ictests/guest -c -o $@ $<

# bench/bench makes the copy of the library that it runs with.
build/bench/host-own: $(BENCH_SOURCES) $(BENCH_HEADERS) $(BENCH_GUEST) $(HEADERS) build/bench/valgrind
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) $(INCLUDES) -o $@ $(BENCH_SOURCES) $(BENCH_GUEST) \
		-Lbuild/lib -lrtevhostswift -Wl,-rpath,'$$ORIGIN/lib' -pthread -ldl

# DPDK's headers are not pedantic. No librte_vhost here: --library says which.
build/bench/host-dpdk: $(BENCH_SOURCES) $(BENCH_HEADERS) $(BENCH_GUEST) build/bench/valgrind
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -DBENCH_DPDK \
		$$($(BENCH_PKG_CONFIG) --cflags libdpdk | sed 's/-I */-isystem /g') \
		-o $@ $(BENCH_SOURCES) $(BENCH_GUEST) \
		$$($(BENCH_PKG_CONFIG) --libs-only-L libdpdk) -Wl,--no-as-needed \
		-lrte_mempool_ring -lrte_mbuf -lrte_mempool -lrte_eal -pthread -ldl
