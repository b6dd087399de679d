# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile: programs of DPDK 22.11's, built against Debian's headers and libraries, that run on our
# librte_vhost.so.23 in the place of Debian's.
#
#   make ctest-dpdk               builds and runs all of build/ctests/dpdk_*
#   make ctest-dpdk-reference     runs those that are fair to DPDK's own library on it

DPDK_TESTS := $(sort $(patsubst ctests/dpdk/test_%.c,build/ctests/dpdk_%,$(wildcard ctests/dpdk/test_*.c)))
DPDK_SUPPORT := $(filter-out $(wildcard ctests/dpdk/test_*.c),$(sort $(wildcard ctests/dpdk/*.c)))
DPDK_OBJECTS := $(patsubst ctests/%.c,build/ctests/dpdk-objects/%.o,$(DPDK_SUPPORT) $(GUEST_LIBRARY))
DPDK_HEADERS := $(wildcard ctests/dpdk/*.h) $(GUEST_HEADERS)
DPDK_FLAGS = -std=gnu11 -O2 -g -Wall -Wextra -Werror -DALLOW_EXPERIMENTAL_API -Ictests/guest \
	-Ictests/dpdk $(shell pkg-config --cflags libdpdk)
DPDK_LINK = -Wl,--no-as-needed -lrte_dma_skeleton -Wl,--as-needed -lrte_vhost -lrte_dmadev -lrte_mempool \
	-lrte_mbuf -lrte_eal -lcmocka -pthread
DPDK_REFERENCE = /usr/lib/x86_64-linux-gnu/librte_vhost.so.23

.PHONY: ctest-dpdk ctest-dpdk-build ctest-dpdk-reference
.SECONDARY: $(DPDK_OBJECTS)

ctest-dpdk-build: packages $(DPDK_TESTS)

build/ctests/dpdk-objects/%.o: ctests/%.c $(DPDK_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(DPDK_FLAGS) -c -o $@ $<

build/ctests/dpdk_%: ctests/dpdk/test_%.c $(DPDK_OBJECTS) $(DPDK_HEADERS)
	$(CC) $(DPDK_FLAGS) -o $@ $< $(DPDK_OBJECTS) $(DPDK_LINK)

ctest-dpdk: ctest-dpdk-build $(LIBRARY_2211)
	@for program in $(DPDK_TESTS); do \
		echo "== $$program"; \
		LD_LIBRARY_PATH=$(dir $(LIBRARY_2211)) RIG_LIBRARY=$(LIBRARY_2211) $$program || exit 1; \
	done

ctest-dpdk-reference: ctest-dpdk-build
	RIG_REFERENCE=1 RIG_LIBRARY=$(DPDK_REFERENCE) build/ctests/dpdk_dmadev
