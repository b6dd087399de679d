# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile.
#
#   make examples                 build/examples: each example, as a program; vhost-switch is build/bin/vhost-switch
#   make check-examples           runs them all with the guest of ctests/guest (tools/check-examples)

EXAMPLES = build/examples
EXAMPLES_2108 := $(patsubst %,$(EXAMPLES)/%,echo packet-capture own-engine)
# Over DPDK's headers, and with its libraries; of these, not librte_vhost.
EXAMPLES_DPDK_FLAGS = -std=gnu11 -O2 -g -Wall -Wextra -Werror -DALLOW_EXPERIMENTAL_API -Iinclude/dpdk-22.11 -Iinclude \
	$(shell pkg-config --cflags libdpdk)
EXAMPLES_DPDK_LINK = $(LIBRARY_2211) -Wl,-rpath,'$$ORIGIN/../lib/dpdk-22.11' -lrte_mempool -lrte_mbuf -lrte_eal -pthread

.PHONY: examples examples-packages check-examples

examples: $(EXAMPLES_2108) $(EXAMPLES)/dpdk-echo build/bin/vhost-switch

$(EXAMPLES_2108): $(EXAMPLES)/%: examples/%.c $(HEADERS) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(INCLUDES) -o $@ $< $(LINK)

# Before pkg-config is asked.
examples-packages:
	@tools/need libdpdk-dev pkg-config tshark

$(EXAMPLES)/dpdk-echo: examples/dpdk-echo.c $(HEADERS) $(LIBRARY_2211) | examples-packages
	@mkdir -p $(@D)
	$(CC) $(EXAMPLES_DPDK_FLAGS) -o $@ $< $(EXAMPLES_DPDK_LINK)

check-examples: examples build/bin/guest-traffic build/bin/frames
	tools/check-examples
