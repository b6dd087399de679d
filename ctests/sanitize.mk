# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile: the library as ordinary Swift under sanitizers, and the tests on it.
#
#   make sanitize                  all C tests, those of hostile peers and of faults as well, under both; SANITIZER=address
#                                  or thread for one, HOSTED=1 for the hosted Swift tests as well, QUICK=1 for a few programs
#   make sanitize-22.11            the tests of the flavour of 22.11, and its faults, under both; SANITIZER= for one
#   make sanitize-planted          each bug of ctests/sanitize/planted is found, with its file and line
#   make asan-library              build/asan/librtevhostswift.so.21, under AddressSanitizer
#   make tsan-library              build/tsan/librtevhostswift.so.21, under ThreadSanitizer
SANITIZER ?= address thread
# Threads, queues, memory tables, rings, chains; hostile ones, and frontends that lie about their record or are killed.
SANITIZE_QUICK ?= $(addprefix build/ctests/,control_stress_threads control_start_races control_api_callbacks control_api_queue \
	control_frontend_memory control_frontend_rings control_guest_bad control_guest_shapes test_async_contract \
	test_migration_async) $(addprefix build/hostile/,test_frontend_inflight test_frontend_kill)
# Without those that only look at what rtevhostctl says, which no sanitizer is built into.
SANITIZE_PROGRAMS ?= $(if $(QUICK),$(SANITIZE_QUICK),$(CTEST_PROGRAMS) \
	$(filter-out %inspect_tool %inspect_top,$(CONTROL_PROGRAMS)) \
	$(HOSTILE_TESTS) $(FAULTS_TESTS))
# Captures are made with it.
SANITIZE_TOOL = $(if $(findstring inspect_capture,$(SANITIZE_PROGRAMS)),build/bin/rtevhostctl)
SANITIZE_BUILD = SWIFT=$(SWIFT) tools/sanitize-library

.PHONY: asan-library tsan-library sanitize sanitize-planted $(SANITIZER:%=sanitize-%)
.PHONY: sanitize-22.11 $(SANITIZER:%=sanitize-22.11-%)

asan-library: build/asan/$(SONAME)

tsan-library: build/tsan/$(SONAME)

build/asan/$(SONAME): $(SWIFT_SOURCES) $(HEADERS) version.map Package.swift tools/sanitize-library
	$(SANITIZE_BUILD) address 21.08 $@

build/tsan/$(SONAME): $(SWIFT_SOURCES) $(HEADERS) version.map Package.swift tools/sanitize-library
	$(SANITIZE_BUILD) thread 21.08 $@

build/asan/$(SONAME_2211): $(SWIFT_SOURCES) $(HEADERS) version-22.11.map Package.swift \
		tools/sanitize-library
	$(SANITIZE_BUILD) address 22.11 $@

build/tsan/$(SONAME_2211): $(SWIFT_SOURCES) $(HEADERS) version-22.11.map Package.swift \
		tools/sanitize-library
	$(SANITIZE_BUILD) thread 22.11 $@

sanitize: $(SANITIZER:%=sanitize-%)

sanitize-address: asan-library $(SANITIZE_TOOL)
	@PROGRAMS="$(SANITIZE_PROGRAMS)" HOSTED=$(HOSTED) SWIFT=$(SWIFT) tools/sanitize address

sanitize-thread: tsan-library $(SANITIZE_TOOL)
	@PROGRAMS="$(SANITIZE_PROGRAMS)" HOSTED=$(HOSTED) SWIFT=$(SWIFT) tools/sanitize thread

# The flavour of 22.11.
sanitize-22.11: $(SANITIZER:%=sanitize-22.11-%)

sanitize-22.11-address: build/asan/$(SONAME_2211)
	@PROGRAMS="$(R2211_PROGRAMS) $(FAULTS_2211_TESTS)" RELEASE=22.11 SWIFT=$(SWIFT) tools/sanitize address

sanitize-22.11-thread: build/tsan/$(SONAME_2211)
	@PROGRAMS="$(R2211_PROGRAMS) $(FAULTS_2211_TESTS)" RELEASE=22.11 SWIFT=$(SWIFT) tools/sanitize thread

# Bugs that the sanitizers have to find.
sanitize-planted:
	@SWIFT=$(SWIFT) tools/sanitize-planted
