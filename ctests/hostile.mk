# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile: a test for each row of hostile inputs, in four variants.
#
#   make hostile                   builds and runs all of build/hostile/test_*
#   make hostile LONG=1            as often as the rows say: tens of thousands of times
#   make hostile-build             builds them
#   make hostile-table             runs them and writes the table of rows to build/hostile.md
#   make flip PACKETS=100000000    the second thread that changes what the guest wrote, for so many
#                                  packets from the guest in each of the four variants
#   make flip-planted              libraries that read an address, a length, a next or an id twice must not pass that
#
# The log of a program lies beside it; tools/hostile-table reads the logs.

HOSTILE_TESTS := $(patsubst ctests/hostile/%.c,build/hostile/%,$(sort $(wildcard ctests/hostile/test_*.c)))
HOSTILE_SUPPORT := $(sort $(wildcard ctests/hostile/hostile*.c ctests/hostile/front*.c ctests/control/control_*.c)) \
	$(CTEST_HARNESS) $(GUEST_LIBRARY)
HOSTILE_OBJECTS := $(HOSTILE_SUPPORT:ctests/%.c=build/hostile/obj/%.o)
HOSTILE_HEADERS := $(wildcard ctests/hostile/*.h ctests/control/*.h) $(CTEST_HEADERS) $(HEADERS)
HOSTILE_FLAGS = $(CTEST_FLAGS) -Ictests/control -Ictests/hostile
# Seconds that one program may take; each has an alarm of its own as well.
HOSTILE_GUARD ?= $(if $(LONG),7200,300)
# LONG=1: as often as each row says, instead of what fits `make test`.
export HOSTILE_LONG := $(LONG)

.PHONY: hostile hostile-build flip flip-planted
.SECONDARY: $(HOSTILE_OBJECTS)

hostile-build: $(HOSTILE_TESTS)

build/hostile/obj/%.o: ctests/%.c $(HOSTILE_HEADERS)
	@mkdir -p $(@D)
	@$(CC) $(HOSTILE_FLAGS) -c -o $@ $<

# -rdynamic: the library is to find the program's mmap().
build/hostile/test_%: ctests/hostile/test_%.c $(HOSTILE_OBJECTS) $(HOSTILE_HEADERS) $(LIBRARY)
	@$(CC) $(HOSTILE_FLAGS) -rdynamic -o $@ $< $(HOSTILE_OBJECTS) $(LINK) -lcmocka

# All run, however many fail.
hostile: $(HOSTILE_TESTS)
	@failed=; for program in $(HOSTILE_TESTS); do \
		if timeout -k 10 $(HOSTILE_GUARD) $$program >$$program.log 2>&1; \
		then result=ok; \
		else result="FAILED ($$?)"; failed="$$failed $$program"; fi; \
		echo "$$program: $$(grep -c '^\[       OK' $$program.log) passed," \
			"$$(grep '^\[  FAILED  \] [A-Za-z_0-9]*$$' $$program.log | sort -u | wc -l) failed: $$result"; \
	done; \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

PACKETS ?= 100000000
flip: build/hostile/test_guest_flip
	PACKETS=$(PACKETS) build/hostile/test_guest_flip 2>build/hostile/flip.err || \
		{ grep -v "until it is set up again" build/hostile/flip.err; exit 1; }

flip-planted: build/hostile/test_guest_flip
	tools/flip-planted

# The rows, their tests, and what came of these.
.PHONY: hostile-table
hostile-table: hostile-build
	@$(MAKE) -s --no-print-directory hostile || true
	@tools/hostile-table >build/hostile.md
	@tail -1 build/hostile.md
