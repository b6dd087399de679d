# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile: how many instructions one call or one message can take, counted by callgrind.
#
#   make bounds               the worst of the combinations, five minutes of a processor; the table is build/bounds.md
#   make bounds BOUNDS=all    all of them

BOUNDS ?=
BOUNDS_PROGRAMS = build/ctests/bounds_messages build/ctests/bounds_waiting build/ctests/bounds_rings
BOUNDS_PARTS = count world shapes work calls
BOUNDS_OBJECTS = $(BOUNDS_PARTS:%=build/ctests/control-objects/bounds/bounds_%.o)
BOUNDS_SUPPORT := $(patsubst ctests/%.c,build/ctests/control-objects/%.o,$(sort $(wildcard ctests/control/control_*.c)) \
	$(GUEST_LIBRARY))

.PHONY: bounds

build/ctests/bounds_%: ctests/bounds/bounds_%.c $(BOUNDS_OBJECTS) $(BOUNDS_SUPPORT) $(HEADERS) \
		ctests/bounds/bounds.h build/lib/librtevhostswift.so.21
	@mkdir -p $(@D)
	$(CC) $(CONTROL_FLAGS) $(CONTROL_INCLUDES) -Ictests/bounds -o $@ $< $(BOUNDS_OBJECTS) $(BOUNDS_SUPPORT) \
		$(CONTROL_LINK) -Wl,-z,now

build/ctests/control-objects/bounds/%.o: CONTROL_INCLUDES += -Ictests/bounds
$(BOUNDS_OBJECTS): ctests/bounds/bounds.h

bounds: $(BOUNDS_PROGRAMS)
	@tools/need valgrind
	@rm -f build/bounds.md
	@for program in $(BOUNDS_PROGRAMS); do \
		directory=$$(mktemp -d) && \
		BOUNDS=$(BOUNDS) BOUNDS_TABLE=build/bounds.md BOUNDS_OUT=$$directory/out \
		valgrind -q --tool=callgrind --separate-threads=yes --fair-sched=yes \
			--callgrind-out-file=$$directory/out $$program > $$program.log 2>&1; \
		result=$$?; rm -rf "$$directory"; \
		[ $$result -eq 0 ] || { cat $$program.log; exit 1; }; \
		echo "$$program: $$(grep ' within their bounds$$' $$program.log | tr '\n' ' ')"; \
	done
	@cat build/bounds.md
