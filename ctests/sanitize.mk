# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile: the library as ordinary Swift under sanitizers, and the tests on it.
#
#   make asan-library              build/asan/librtevhostswift.so.21, under AddressSanitizer
#   make tsan-library              build/tsan/librtevhostswift.so.21, under ThreadSanitizer

# The C compiler beside swift: its sanitizers are the ones that Swift's code calls.
SANITIZE_CLANG := $(dir $(realpath $(shell command -v $(SWIFT))))clang
SANITIZE_BUILD = SWIFT=$(SWIFT) tools/sanitize-library

.PHONY: asan-library tsan-library

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

# make sanitize                  all C tests under both; SANITIZER=address or thread for one, HOSTED=1 for the hosted
#                                Swift tests as well, QUICK=1 for a few programs
SANITIZER ?= address thread
SANITIZE_GROUPS ?= ctest ctest-control
SANITIZE_QUICK ?= control_stress_threads control_start_races control_api_callbacks control_api_queue control_frontend_memory \
	control_frontend_rings control_guest_bad control_guest_shapes test_async_packed

.PHONY: sanitize $(SANITIZER:%=sanitize-%)

sanitize: $(SANITIZER:%=sanitize-%)

sanitize-address: asan-library
	@TARGETS="$(SANITIZE_GROUPS)" QUICK_PROGRAMS="$(SANITIZE_QUICK)" QUICK=$(QUICK) HOSTED=$(HOSTED) \
		SWIFT=$(SWIFT) tools/sanitize address

sanitize-thread: tsan-library
	@TARGETS="$(SANITIZE_GROUPS)" QUICK_PROGRAMS="$(SANITIZE_QUICK)" QUICK=$(QUICK) HOSTED=$(HOSTED) \
		SWIFT=$(SWIFT) tools/sanitize thread
