# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors

# Tests in C with cmocka: each ctests/test_*.c is a program. Included by the root Makefile.

CTEST_HARNESS := $(sort $(wildcard ctests/harness/*.c))
CTEST_HEADERS := $(wildcard ctests/harness/*.h) $(GUEST_HEADERS)
CTEST_PROGRAMS := $(patsubst ctests/%.c,build/ctests/%,$(sort $(wildcard ctests/test_*.c)))
CTEST_OBJECTS := $(patsubst ctests/%.c,build/ctests/obj/%.o,$(CTEST_HARNESS) $(GUEST_LIBRARY))
CTEST_FLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror $(INCLUDES) -Ictests/guest -Ictests/harness

.PHONY: ctest
.SECONDARY: $(CTEST_OBJECTS)

build/ctests/obj/%.o: ctests/%.c $(CTEST_HEADERS) $(HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CTEST_FLAGS) -c -o $@ $<

# -rdynamic: a program may define functions of DPDK's EAL for the library to find.
build/ctests/test_%: ctests/test_%.c $(CTEST_OBJECTS) $(CTEST_HEADERS) $(HEADERS) $(LIBRARY)
	$(CC) $(CTEST_FLAGS) -rdynamic -o $@ $< $(CTEST_OBJECTS) $(LINK) -lcmocka

ctest: $(CTEST_PROGRAMS)
	@for program in $(CTEST_PROGRAMS); do \
		echo "== $$program"; \
		$$program || exit 1; \
	done
