# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile: the library for Linux on aarch64, from a machine of another kind (docs/packages.md).
#
#   make aarch64                  build/aarch64/lib
#   make check-aarch64            runs programs with it under qemu-user

AARCH64 = build/aarch64

.PHONY: aarch64 check-aarch64

aarch64: $(AARCH64)/lib/$(SONAME)

$(AARCH64)/lib/$(SONAME): $(SWIFT_SOURCES) $(HEADERS) version.map tools/aarch64
	@tools/need gcc-aarch64-linux-gnu libc6-dev-arm64-cross
	tools/aarch64 $(AARCH64) $(SONAME)

check-aarch64: aarch64 library build/bin/guest-traffic
	@tools/need qemu-user
	tools/check-aarch64 $(AARCH64) $(LIBRARY)
