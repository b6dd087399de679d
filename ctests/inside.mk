# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile: the library inside DPDK processes.
#
#   make ctest-inside             builds and runs all of build/ctests/inside_*
#   make ctest-inside-build       builds them
#
# test_*.c are programs with DPDK's headers and libraries (Debian's, 22.11); made_*.c are programs
# without, which stand in for releases that are not installed.

INSIDE_FLAGS = -std=gnu11 -O2 -g -Wall -Wextra -Werror -DALLOW_EXPERIMENTAL_API
INSIDE_TESTS := $(sort $(patsubst ctests/inside/test_%.c,build/ctests/inside_%, \
	$(wildcard ctests/inside/test_*.c)))
INSIDE_MADE := $(sort $(patsubst ctests/inside/made_%.c,build/ctests/inside_made_%, \
	$(wildcard ctests/inside/made_*.c)))
INSIDE_SUPPORT := $(sort $(wildcard ctests/inside/inside_*.c)) $(GUEST_LIBRARY)
INSIDE_OBJECTS := $(INSIDE_SUPPORT:ctests/%.c=build/ctests/inside-objects/%.o)
INSIDE_LINKS := ctests/inside/link.c
INSIDE_HEADERS := $(wildcard ctests/inside/*.h ctests/guest/*.h)
INSIDE_INCLUDES = -Ictests/guest -Ictests/inside
INSIDE_CFLAGS = $$(pkg-config --cflags libdpdk | sed 's/-I */-isystem /g')
# The same programs with the flavour of 22.11; the asynchronous functions are dpdk.mk's.
INSIDE_2211 := $(patsubst build/ctests/inside_%,build/ctests/inside-22.11_%, \
	$(filter-out %_engine,$(INSIDE_TESTS)))
INSIDE_OURS = -Wl,--no-as-needed -Lbuild/lib -lrtevhostswift -Wl,-rpath,'$$ORIGIN/../lib'
# No DT_RUNPATH: what the EAL's drivers need has to be found there as well.
INSIDE_OURS_2211 = -Wl,--no-as-needed $(LIBRARY_2211) -Wl,--disable-new-dtags \
	-Wl,-rpath,'$$ORIGIN/../lib/dpdk-22.11'
INSIDE_LINK = $$(pkg-config --libs-only-L libdpdk) -lrte_mempool_ring \
	-lrte_mempool_stack -lrte_mempool_bucket -lrte_ring -lrte_mbuf -lrte_mempool -lrte_eal \
	-lcmocka -pthread -ldl

# The asynchronous functions of 21.08 are not those of the headers of 22.11.
build/ctests/inside_engine: private INSIDE_INCLUDES += -Iinclude

.PHONY: ctest-inside ctest-inside-build
.SECONDARY: $(INSIDE_OBJECTS)

ctest-inside-build: $(INSIDE_TESTS) $(INSIDE_2211) $(INSIDE_MADE)

build/ctests/inside-objects/%.o: ctests/%.c $(INSIDE_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(INSIDE_FLAGS) $(INSIDE_INCLUDES) $(INSIDE_CFLAGS) -c -o $@ $<

build/ctests/inside_made_%: ctests/inside/made_%.c $(INSIDE_HEADERS) $(HEADERS) $(INSIDE_LINKS) \
		$(patsubst ctests/%.c,build/ctests/inside-objects/%.o,$(GUEST_LIBRARY)) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(INSIDE_FLAGS) $(INCLUDES) $(INSIDE_INCLUDES) -rdynamic -o $@ $< $(INSIDE_LINKS) \
		$(filter %.o,$^) $(LINK) -lcmocka

build/ctests/inside_%: ctests/inside/test_%.c $(INSIDE_OBJECTS) $(INSIDE_HEADERS) $(INSIDE_LINKS) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(INSIDE_FLAGS) $(INSIDE_INCLUDES) $(INSIDE_CFLAGS) -o $@ $< $(INSIDE_LINKS) $(INSIDE_OBJECTS) \
		$(INSIDE_OURS) $(INSIDE_LINK)

build/ctests/inside-22.11_%: ctests/inside/test_%.c $(INSIDE_OBJECTS) $(INSIDE_HEADERS) $(INSIDE_LINKS) \
		$(LIBRARY_2211)
	@mkdir -p $(@D)
	$(CC) $(INSIDE_FLAGS) -DLINK_RELEASE_2211 $(INSIDE_INCLUDES) $(INSIDE_CFLAGS) -o $@ $< \
		$(INSIDE_LINKS) $(INSIDE_OBJECTS) $(INSIDE_OURS_2211) $(INSIDE_LINK)

# No call of the library's own goes through a symbol that another library may have as well.
ctest-inside: $(INSIDE_TESTS) $(INSIDE_2211) $(INSIDE_MADE)
	@! readelf -rW $(LIBRARY) $(LIBRARY_2211) | grep -E ' (rte_|rtevhostswift_|crte_)' || \
		{ echo "the library calls itself by names that others may take"; exit 1; }
	@failed=; for program in $(INSIDE_TESTS) $(INSIDE_2211) $(INSIDE_MADE); do \
		if timeout -k 10 120 $$program >$$program.log 2>&1; \
		then result=ok; else result="FAILED ($$?)"; failed="$$failed $$program"; fi; \
		echo "$$program: $$(grep -c '^\[       OK' $$program.log) passed: $$result"; \
	done; \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }
