# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile: as many sockets, devices and queues as the library promises.
#
#   make scale                     builds and runs it; about a minute, 3 GB

SCALE_SOURCES := $(sort $(wildcard ctests/scale/*.c)) ctests/guest/guest_frontend.c \
	ctests/guest/guest_messages.c ctests/guest/guest_messages_more.c

.PHONY: scale

build/bin/scale: $(SCALE_SOURCES) $(wildcard ctests/scale/*.h) $(GUEST_HEADERS) $(HEADERS) $(LIBRARY)
	@mkdir -p build/bin
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -Werror $(INCLUDES) -Ictests/guest -Ictests/scale \
		-o $@ $(SCALE_SOURCES) $(LINK)

scale: build/bin/scale
	build/bin/scale
