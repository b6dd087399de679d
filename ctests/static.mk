# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile: programs with the library in them.
#
#   make ctest-static             runs tests that move packets, each linked with the archive, and wholly static

STATIC_TESTS = guest_shapes guest_receive api_queue
STATIC_PROGRAMS := $(STATIC_TESTS:%=build/ctests/static_%)
STATIC_WHOLE := build/ctests/static-whole

.PHONY: ctest-static

build/ctests/static_%: ctests/control/test_%.c $(CONTROL_OBJECTS) $(CONTROL_HEADERS) $(ARCHIVE)
	@mkdir -p $(@D)
	$(CC) $(CONTROL_FLAGS) $(CONTROL_INCLUDES) -o $@ $< $(CONTROL_OBJECTS) $(ARCHIVE) -lcmocka -pthread -ldl

# As `gcc -static`, in a program that has names of the library's insides. The linker's warning is about dlopen(), which
# there is no use for in such a program.
$(STATIC_WHOLE): ctests/static/clash.c examples/echo.c $(HEADERS) $(ARCHIVE)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(INCLUDES) -static -o $@ $(filter %.c,$^) $(ARCHIVE) -pthread -ldl 2>$@.log || \
		{ cat $@.log; exit 1; }

ctest-static: $(STATIC_PROGRAMS) $(STATIC_WHOLE) build/bin/guest-traffic
	tools/check-static $(ARCHIVE) $(LIBRARY)
	@failed=; for program in $(STATIC_PROGRAMS); do \
		if readelf -dW $$program | grep -q 'NEEDED.*rtevhostswift'; then result="FAILED (not static)"; \
		elif timeout -k 10 $(CONTROL_GUARD) $$program >$$program.log 2>&1; then result=ok; \
		else result="FAILED ($$?)"; fi; \
		[ "$$result" = ok ] || failed="$$failed $$program"; \
		echo "$$program: $$(grep -c '^\[       OK' $$program.log) passed: $$result"; \
	done; \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }
	tools/check-echo $(STATIC_WHOLE)
