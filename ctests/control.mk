# SPDX-License-Identifier: BSD-3-Clause
# Included by the root Makefile: tests of the control plane and of hostile peers.
#
#   make ctest-control             builds and runs all of build/ctests/control_*
#   make ctest-control-build       builds them

CONTROL_FLAGS = -std=gnu11 -O2 -g -Wall -Wextra -Werror
CONTROL_TESTS := $(sort $(patsubst ctests/control/test_%.c,%, \
	$(wildcard ctests/control/test_*.c)))
CONTROL_PROGRAMS := $(CONTROL_TESTS:%=build/ctests/control_%)
CONTROL_SUPPORT := $(sort $(wildcard ctests/control/control_*.c)) \
	$(filter-out ctests/guest/guest_traffic.c,$(sort $(wildcard ctests/guest/guest_*.c)))
CONTROL_OBJECTS := $(CONTROL_SUPPORT:ctests/%.c=build/ctests/control-objects/%.o)
CONTROL_HEADERS := $(wildcard ctests/control/*.h ctests/guest/*.h) $(shell find include -name '*.h')
CONTROL_INCLUDES = -Iinclude -Iinclude/standalone -Ictests/guest -Ictests/control
CONTROL_LINK = -Lbuild/lib -lrtevhostswift -Wl,-rpath,'$$ORIGIN/../lib' -lcmocka -pthread
# Seconds that one program may take; each has an alarm of its own as well.
CONTROL_GUARD ?= 900

.PHONY: ctest-control ctest-control-build
.SECONDARY: $(CONTROL_OBJECTS)

ctest-control-build: $(CONTROL_PROGRAMS)

build/ctests/control-objects/%.o: ctests/%.c $(CONTROL_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CONTROL_FLAGS) $(CONTROL_INCLUDES) -c -o $@ $<

build/ctests/control_%: ctests/control/test_%.c $(CONTROL_OBJECTS) $(CONTROL_HEADERS) \
		build/lib/librtevhostswift.so.21
	@mkdir -p $(@D)
	$(CC) $(CONTROL_FLAGS) $(CONTROL_INCLUDES) -o $@ $< $(CONTROL_OBJECTS) $(CONTROL_LINK)

# It runs the programs.
build/ctests/control_reconnect_switch: build/bin/vhost-switch build/bin/guest-traffic

# All run, however many fail; the log of each is beside it.
ctest-control: $(CONTROL_PROGRAMS)
	@failed=; for program in $(CONTROL_PROGRAMS); do \
		if timeout -k 10 $(CONTROL_GUARD) $$program >$$program.log 2>&1; \
		then result=ok; \
		else result="FAILED ($$?)"; failed="$$failed $$program"; fi; \
		echo "$$program: $$(grep -c '^\[       OK' $$program.log) passed," \
			"$$(grep '^\[  FAILED  \] [a-z_0-9]*$$' $$program.log | sort -u | wc -l) failed: $$result"; \
	done; \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }
