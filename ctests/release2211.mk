# SPDX-License-Identifier: BSD-3-Clause
# Included by the root Makefile: tests of the flavour that has DPDK 22.11's ABI.
#
#   make ctest-22.11               its own tests, and those of the control plane that use no function
#                                  of one release alone
#   make faults-22.11              every call into libc fails once, in lives whose engine is a DMA
#                                  device (FAULTS_ALL=1: all variants and errors)

R2211_SHARED = api_callbacks api_extern api_features api_peers api_queue frontend_messages \
	guest_bad guest_offloads guest_receive guest_shapes vdpa_relay
R2211_OWN := $(sort $(patsubst ctests/release2211/test_%.c,%, \
	$(wildcard ctests/release2211/test_*.c)))
R2211_PROGRAMS := $(R2211_OWN:%=build/ctests/2211_%) $(R2211_SHARED:%=build/ctests/2211_control_%)
# Without those that copy by 21.08's engines.
R2211_SUPPORT := $(filter-out %/control_app.c %/control_iommu.c %/control_stress.c,$(CONTROL_SUPPORT))
R2211_OBJECTS := $(R2211_SUPPORT:ctests/%.c=build/ctests/2211-objects/%.o)
# Sources of both releases write vhost_device_ops, which 22.11 renamed.
R2211_FLAGS = $(CONTROL_FLAGS) -Dvhost_device_ops=rte_vhost_device_ops
R2211_INCLUDES = -Iinclude/dpdk-22.11 $(CONTROL_INCLUDES)
R2211_LINK = build/lib/dpdk-22.11/librte_vhost.so.23 \
	-Wl,-rpath,'$$ORIGIN/../lib/dpdk-22.11' -lcmocka -pthread

.PHONY: ctest-22.11
.SECONDARY: $(R2211_OBJECTS)

build/ctests/2211-objects/%.o: ctests/%.c $(CONTROL_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(R2211_FLAGS) $(R2211_INCLUDES) -c -o $@ $<

build/ctests/2211_control_%: ctests/control/test_%.c $(R2211_OBJECTS) $(CONTROL_HEADERS) $(LIBRARY_2211)
	@mkdir -p $(@D)
	$(CC) $(R2211_FLAGS) $(R2211_INCLUDES) -o $@ $< $(R2211_OBJECTS) $(R2211_LINK)

build/ctests/2211_%: ctests/release2211/test_%.c $(R2211_OBJECTS) $(CONTROL_HEADERS) $(LIBRARY_2211)
	@mkdir -p $(@D)
	$(CC) $(R2211_FLAGS) $(R2211_INCLUDES) -o $@ $< $(R2211_OBJECTS) $(R2211_LINK)

ctest-22.11: $(R2211_PROGRAMS)
	@failed=; for program in $(R2211_PROGRAMS); do \
		if timeout -k 10 $(CONTROL_GUARD) $$program >$$program.log 2>&1; \
		then result=ok; \
		else result="FAILED ($$?)"; failed="$$failed $$program"; fi; \
		echo "$$program: $$(grep -c '^\[       OK' $$program.log) passed: $$result"; \
	done; \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

# Over the flavour of 22.11, whose engine is a DMA device that the library finds in the program (-rdynamic).
FAULTS_2211 = calls closing neighbours
# The short form: a life with an engine.
FAULTS_2211_VARIANTS ?= $(if $(FAULTS_ALL),0-6,1-2)
FAULTS_2211_TESTS = $(FAULTS_2211:%=build/ctests/2211_faults_%)
FAULTS_2211_OBJECTS := $(patsubst ctests/%.c,build/ctests/2211-faults-objects/%.o,$(filter-out \
	%/faults_engine.c,$(FAULTS_SUPPORT)) $(sort $(wildcard ctests/faults/release2211/*.c)))
FAULTS_2211_FLAGS = $(R2211_FLAGS) $(R2211_INCLUDES) -Ictests/faults -ISources/CRteVhost/include
.PHONY: faults-22.11
.SECONDARY: $(FAULTS_2211_OBJECTS)

build/ctests/2211-faults-objects/%.o: ctests/%.c $(FAULTS_HEADERS) $(CONTROL_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(FAULTS_2211_FLAGS) -fno-builtin -c -o $@ $<

$(FAULTS_2211_TESTS): build/ctests/2211_faults_%: ctests/faults/test_faults_%.c $(FAULTS_2211_OBJECTS) \
		$(R2211_OBJECTS) $(FAULTS_HEADERS) $(CONTROL_HEADERS) $(LIBRARY_2211)
	$(CC) $(FAULTS_2211_FLAGS) -rdynamic -o $@ $< $(FAULTS_2211_OBJECTS) $(R2211_OBJECTS) $(R2211_LINK)

faults-22.11: $(FAULTS_2211_TESTS)
	@for program in $(FAULTS_2211_TESTS); do \
		FAULTS_ALL=$(FAULTS_ALL) FAULTS_VARIANTS=$(FAULTS_2211_VARIANTS) $$program \
			>$$program.log 2>&1 || { cat $$program.log; exit 1; }; \
		grep -E '^[a-z_-]+: ' $$program.log || :; \
	done
