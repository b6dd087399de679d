# SPDX-License-Identifier: BSD-3-Clause
# Included by the root Makefile: a program that was built against DPDK 21.08's librte_vhost.so.21
# finds the library under that name.
#
#   make ctest-dropin              builds a stub of DPDK's library and programs that name it, and
#                                  runs them with the real one in LD_LIBRARY_PATH

DROPIN_STUB = build/dropin-stub/librte_vhost.so.21
DROPIN_TESTS = guest_shapes guest_receive api_queue
DROPIN_PROGRAMS := $(DROPIN_TESTS:%=build/ctests/dropin_%)

.PHONY: ctest-dropin

# Every symbol of DPDK 21.08 with its node, and those of our own that stand for its other libraries.
$(DROPIN_STUB): abi/dpdk-21.08/symbols.tsv version.map tools/stub-library
	@mkdir -p $(@D)
	CC='$(CC)' tools/stub-library $@

build/ctests/dropin_%: ctests/control/test_%.c $(CONTROL_OBJECTS) $(CONTROL_HEADERS) $(DROPIN_STUB)
	@mkdir -p $(@D)
	$(CC) $(CONTROL_FLAGS) $(CONTROL_INCLUDES) -o $@ $< $(CONTROL_OBJECTS) $(DROPIN_STUB) \
		-lcmocka -pthread

ctest-dropin: $(DROPIN_PROGRAMS) library flavour-22.11
	@directory=$$(mktemp -d) && trap 'rm -rf "$$directory"' EXIT && \
	$(MAKE) -s install-dropin DROPIN=$$directory && \
	for program in $(DROPIN_PROGRAMS); do \
		LD_LIBRARY_PATH=$$directory ldd $$program | \
			grep -q "librte_vhost.so.21 => $$directory/" || \
			{ echo "$$program: does not find the library"; exit 1; }; \
		LD_LIBRARY_PATH=$$directory timeout -k 10 $(CONTROL_GUARD) $$program \
			>$$program.log 2>&1 || { echo "$$program: FAILED"; exit 1; }; \
		echo "$$program: $$(grep -c '^\[       OK' $$program.log) passed under DPDK's name"; \
	done
