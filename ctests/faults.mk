# SPDX-License-Identifier: BSD-3-Clause
# Included by the root Makefile: faults of the environment.
#
#   make faults                    the short form, part of make test
#   make faults FAULTS_ALL=1       every variant of a device's life, every error of every call
#   make faults-22.11              those that need no more than a life, over the flavour of 22.11: release2211.mk
#   make faults-kill KILLS=500     frontends and backends killed under load, with the accounting

FAULTS_SUPPORT := $(sort $(wildcard ctests/faults/faults_*.c))
FAULTS_OBJECTS := $(FAULTS_SUPPORT:ctests/%.c=build/ctests/faults-objects/%.o)
FAULTS_TESTS := $(patsubst ctests/faults/test_%.c,build/ctests/%,\
	$(sort $(wildcard ctests/faults/test_*.c)))
FAULTS_HEADERS := $(wildcard ctests/faults/*.h)
FAULTS_FLAGS = $(CONTROL_FLAGS) $(CONTROL_INCLUDES) -Ictests/faults

.PHONY: faults faults-build faults-kill
.SECONDARY: $(FAULTS_OBJECTS)

faults-build: $(FAULTS_TESTS)

# -fno-builtin: the functions of libc are written anew there.
build/ctests/faults-objects/%.o: ctests/%.c $(FAULTS_HEADERS) $(CONTROL_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(FAULTS_FLAGS) -fno-builtin -c -o $@ $<

build/ctests/faults_%: ctests/faults/test_faults_%.c $(FAULTS_OBJECTS) $(CONTROL_OBJECTS) \
		$(FAULTS_HEADERS) $(CONTROL_HEADERS) build/lib/librtevhostswift.so.21
	@mkdir -p $(@D)
	$(CC) $(FAULTS_FLAGS) -o $@ $< $(FAULTS_OBJECTS) $(CONTROL_OBJECTS) $(CONTROL_LINK)

# On the test bench of the data path.
build/ctests/faults_starved: ctests/faults/test_faults_starved.c $(CTEST_OBJECTS) \
		$(CTEST_HEADERS) $(HEADERS) $(LIBRARY)
	$(CC) $(CTEST_FLAGS) -rdynamic -o $@ $< $(CTEST_OBJECTS) $(LINK) -lcmocka

FAULTS_ALL ?=
KILLS ?= 24

faults: faults-build
	@for program in $(FAULTS_TESTS); do \
		FAULTS_ALL=$(FAULTS_ALL) KILLS=$(KILLS) $$program >$$program.log 2>&1 || \
			{ cat $$program.log; exit 1; }; \
		grep -E '^[a-z_-]+: ' $$program.log || :; \
	done

# Frontends, backends of a network device, and targets that record what they have in flight.
faults-kill: build/ctests/faults_kill build/ctests/control_reconnect_kill \
		build/ctests/control_inflight_crash
	KILLS=$(KILLS) build/ctests/faults_kill
	CONTROL_CYCLES=100 build/ctests/control_reconnect_kill
	build/ctests/control_inflight_crash
