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
