# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile: what is measured besides the matrix of synchronous calls.
#
#   make bench-async      asynchronous calls, and memcpy() of the same bytes: time of the data-plane core
#   make bench-latency    from a guest's kick, or publish, to the packet's return
#   make bench-scale      queues, regions; memory and set-up time of devices
#   make bench-capture    instructions a packet while somebody captures, under callgrind
#
# All but the last take QUICK=1 (less than 30 s), ROUNDS=, CPUS=HOST,GUEST and OUT= from the environment or the command line;
# bench-async also CALLGRIND=1. "bench/async.py --help" and so on tell more.

MORE_COMMON := $(sort $(wildcard bench/more*.c))
MORE_HEADERS := $(wildcard bench/more.h bench/host_clock.h bench/async*.h bench/latency*.h bench/scale*.h)
MORE_PROGRAMS = build/bench/async-host build/bench/latency-host build/bench/scale-host
# Our own headers first: the asynchronous functions of 21.08 are not in those of DPDK 22.11.
MORE_FLAGS = $(CFLAGS) -DALLOW_EXPERIMENTAL_API -Ibench -Ictests/guest -Ictests/scale -Iinclude
MORE_DPDK_FLAGS = $$($(BENCH_PKG_CONFIG) --cflags libdpdk | sed 's/-I */-isystem /g')
MORE_LINK = $$($(BENCH_PKG_CONFIG) --libs-only-L libdpdk) -Wl,--no-as-needed \
	-lrte_mempool_ring -lrte_dma_skeleton -lrte_dmadev -lrte_mbuf -lrte_mempool -lrte_eal -pthread -ldl

.PHONY: bench-async bench-latency bench-scale bench-more-hosts

bench-more-hosts: $(MORE_PROGRAMS)

build/bench/async-host: $(sort $(wildcard bench/async*.c))
build/bench/latency-host: $(sort $(wildcard bench/latency*.c))
build/bench/scale-host: $(sort $(wildcard bench/scale*.c)) ctests/scale/scale_frontend.c

# Debian's librte_vhost is not linked: the programs load the library that they are told.
$(MORE_PROGRAMS): build/bench/%-host: $(MORE_COMMON) $(MORE_HEADERS) $(BENCH_GUEST) $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(MORE_FLAGS) $(MORE_DPDK_FLAGS) -o $@ $(filter %.c %.o,$^) $(MORE_LINK)

bench-async bench-latency bench-scale: bench-%: library flavour-22.11
	@tools/need libdpdk-dev librte-vhost23 librte-mempool-ring23 python3
	@$(MAKE) -s --no-print-directory -f $(firstword $(MAKEFILE_LIST)) build/bench/$*-host
	bench/$*.py

# With the guest and the application of the tests.
build/bench/capture-host: bench/capture.c $(CONTROL_OBJECTS) $(CONTROL_HEADERS) build/lib/librtevhostswift.so.21
	@mkdir -p $(@D)
	$(CC) $(CONTROL_FLAGS) $(CONTROL_INCLUDES) -o $@ $< $(CONTROL_OBJECTS) -Lbuild/lib -lrtevhostswift \
		-Wl,-rpath,'$$ORIGIN/../lib' -lcmocka -pthread

.PHONY: bench-capture

bench-capture: build/bench/capture-host
	@tools/need valgrind libcmocka-dev
	bench/capture
