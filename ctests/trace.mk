# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile.
#
#   make ctest-trace               the library has its probes, and gdb stops at each of them

TRACE_PROGRAMS = build/ctests/control_guest_bad build/ctests/test_async_contract

.PHONY: ctest-trace

ctest-trace: library $(TRACE_PROGRAMS)
	@tools/need gdb systemtap-sdt-dev
	tools/check-probes $(LIBRARY) $(TRACE_PROGRAMS)
