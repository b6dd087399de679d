# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors

PREFIX ?= /usr/local
DESTDIR ?=
SECONDS ?= 10
CC = gcc
SWIFT ?= swift

VERSION = 0.1.0
SONAME = librtevhostswift.so.21
LIBRARY = build/lib/$(SONAME)
EMBEDDED = .build-embedded

# The second flavour: the ABI of DPDK 22.11, from the same sources.
SONAME_2211 = librte_vhost.so.23
LIBRARY_2211 = build/lib/dpdk-22.11/$(SONAME_2211)
EMBEDDED_2211 = .build-embedded-22.11

SWIFT_SOURCES := $(shell find Sources/RteVhostSwift Sources/CRteVhost -name '*.swift' -o -name '*.[ch]' -o -name '*.modulemap')
HEADERS := $(shell find include -name '*.h')
CFLAGS = -std=gnu11 -O2 -g -Wall -Wextra -Werror -pedantic
INCLUDES = -Iinclude -Iinclude/standalone
LINK = -Lbuild/lib -lrtevhostswift -Wl,-rpath,'$$ORIGIN/../lib' -pthread

GUEST_SOURCES := $(sort $(wildcard ctests/guest/guest_*.c))
GUEST_LIBRARY := $(filter-out ctests/guest/guest_traffic.c,$(GUEST_SOURCES))
TRAFFIC_SOURCES := $(sort $(wildcard ctests/guest/guest_*.c ctests/guest/traffic*.c))
GUEST_HEADERS := $(wildcard ctests/guest/*.h)
SWITCH_SOURCES := $(sort $(wildcard examples/vhost*switch*.c))

.PHONY: all library flavour-22.11 demo test packages swift-test check interop interop-dpdk tidy unsafe-table abi install install-dropin clean

all: library build/bin/vhost-switch build/bin/guest-traffic

library: $(LIBRARY)

flavour-22.11: $(LIBRARY_2211)

# Swift makes the objects, gcc the shared library: the version script and the soname are the linker's business.
# $(1): release of DPDK, $(2): scratch path, $(3): soname, $(4): version script.
define build_library
	@mkdir -p $(@D)
	@tools/drop-stale $(2)/release build/lib/probes
	RTEVHOSTSWIFT_EMBEDDED=1 RTEVHOSTSWIFT_FLAVOUR=$(1) $(SWIFT) build -c release \
		--scratch-path $(2) --product RteVhostSwift
	$(CC) -shared -o $@.new $$(find $(2)/release/ -name '*.o' -path '*.build/*' | LC_ALL=C sort) \
		-Wl,-soname,$(3) -Wl,--version-script=$(4) -Wl,-z,defs -Wl,-z,now \
		-Wl,-z,relro -Wl,-z,noexecstack -Wl,--gc-sections -Wl,--as-needed -Wl,-T,packaging/discard.ld
	mv $@.new $@
endef

# A library that was built without <sys/sdt.h> has no probes, and is built anew when that comes: "make test" installs it
# after a "make demo" that did without.
build/lib/probes: FORCE
	@mkdir -p $(@D)
	@if echo '#include <sys/sdt.h>' | $(CC) -E -xc -o /dev/null - 2>/dev/null; then echo with; else echo without; fi >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

FORCE:

$(LIBRARY): $(SWIFT_SOURCES) $(HEADERS) version.map packaging/discard.ld Package.swift build/lib/probes
	$(call build_library,21.08,$(EMBEDDED),$(SONAME),version.map)
	ln -sf $(SONAME) build/lib/librtevhostswift.so

$(LIBRARY_2211): $(SWIFT_SOURCES) $(HEADERS) version-22.11.map packaging/discard.ld Package.swift build/lib/probes
	$(call build_library,22.11,$(EMBEDDED_2211),$(SONAME_2211),version-22.11.map)

build/bin/vhost-switch: $(SWITCH_SOURCES) $(wildcard examples/*.h) $(HEADERS) $(LIBRARY)
	@mkdir -p build/bin
	$(CC) $(CFLAGS) $(INCLUDES) -Ictests/guest -o $@ $(SWITCH_SOURCES) $(LINK)

build/bin/guest-traffic: $(TRAFFIC_SOURCES) $(GUEST_HEADERS)
	@mkdir -p build/bin
	$(CC) $(CFLAGS) -Ictests/guest -o $@ $(TRAFFIC_SOURCES) -pthread

demo: all
	SECONDS=$(SECONDS) GUEST=$(GUEST) tools/demo

test: packages library swift-test ctest ctest-control ctest-trace faults hostile ctest-22.11 faults-22.11 ctest-dropin ctest-static ctest-dpdk ctest-inside check-examples abi check tidy
	@echo "make test: all passed"

# What the tests use besides Swift, gcc and make.
packages:
	@tools/need g++ libcmocka-dev libdpdk-dev pkg-config tshark systemtap-sdt-dev gdb

swift-test:
	$(SWIFT) test

check: library flavour-22.11
	tools/check-deps $(LIBRARY)
	tools/check-hot $(LIBRARY)
	tools/check-alloc $(LIBRARY)
	tools/check-deps $(LIBRARY_2211)
	tools/check-hot $(LIBRARY_2211)
	tools/check-alloc $(LIBRARY_2211)

tidy:
	tools/tidy

# Every use of `unsafe`: counts into docs/unsafe.md, each one into build/unsafe.md.
unsafe-table:
	tools/unsafe-table

abi: library flavour-22.11
	tools/abi-check $(LIBRARY)
	tools/abi-check --release 22.11 $(LIBRARY_2211)

build/bin/frames: interop/frames.c ctests/guest/guest_packet.c $(GUEST_HEADERS)
	@mkdir -p build/bin
	$(CC) $(CFLAGS) -Ictests/guest -o $@ $(filter %.c,$^)

interop: all build/bin/frames
	QUICK=$(QUICK) interop/run

interop-dpdk: flavour-22.11 build/bin/frames ctest-dpdk-build
	@tools/need dpdk dpdk-dev librte-mempool-ring23 librte-net-vhost23 librte-net-virtio23 \
		librte-net-pcap23
	QUICK=$(QUICK) interop/run-dpdk

include $(wildcard ctests/tests.mk)
include $(wildcard ctests/control.mk)
include $(wildcard ctests/trace.mk)
include $(wildcard ctests/hostile.mk)
include $(wildcard ctests/faults.mk)
include $(wildcard ctests/bounds.mk)
include $(wildcard ctests/public-bugs.mk)
include $(wildcard ctests/dpdk.mk)
include $(wildcard ctests/release2211.mk)
include $(wildcard ctests/dropin.mk)
include $(wildcard ctests/inside.mk)
include $(wildcard ctests/scale.mk)
include $(wildcard bench/bench.mk)
include $(wildcard bench/more.mk)
include $(wildcard fuzz/fuzz.mk)
include $(wildcard ctests/sanitize.mk)
include $(wildcard tools/rtevhostctl.mk)
include $(sort $(wildcard packaging/*.mk))
include $(wildcard ctests/static.mk)
include $(wildcard docs/docs.mk)
include $(wildcard examples/examples.mk)

# A directory for LD_LIBRARY_PATH, in which programs built against DPDK find the library by DPDK's name.
install-dropin: library flavour-22.11
	@test -n "$(DROPIN)" || { echo "usage: make install-dropin DROPIN=directory" >&2; exit 2; }
	install -d $(DROPIN)
	install -m 755 $(LIBRARY) $(DROPIN)/$(SONAME)
	ln -sf $(SONAME) $(DROPIN)/librte_vhost.so.21
	install -m 755 $(LIBRARY_2211) $(DROPIN)/$(SONAME_2211)

clean:
	rm -rf build .build $(EMBEDDED) $(EMBEDDED_2211)
