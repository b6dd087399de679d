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

SWIFT_SOURCES := $(shell find Sources -name '*.swift' -o -name '*.[ch]' -o -name '*.modulemap')
HEADERS := $(shell find include -name '*.h')
CFLAGS = -std=gnu11 -O2 -g -Wall -Wextra -Werror -pedantic
INCLUDES = -Iinclude -Iinclude/standalone
LINK = -Lbuild/lib -lrtevhostswift -Wl,-rpath,'$$ORIGIN/../lib' -pthread

GUEST_SOURCES := $(sort $(wildcard ctests/guest/guest_*.c))
GUEST_LIBRARY := $(filter-out ctests/guest/guest_traffic.c,$(GUEST_SOURCES))
TRAFFIC_SOURCES := $(sort $(wildcard ctests/guest/guest_*.c ctests/guest/traffic*.c))
GUEST_HEADERS := $(wildcard ctests/guest/*.h)
SWITCH_SOURCES := $(sort $(wildcard examples/vhost*switch*.c))

.PHONY: all library demo test packages swift-test check interop tidy abi install clean

all: library build/bin/vhost-switch build/bin/guest-traffic

library: $(LIBRARY)

# Swift makes the objects, gcc the shared library: the version script and the soname are the linker's business.
$(LIBRARY): $(SWIFT_SOURCES) $(HEADERS) version.map Package.swift
	@mkdir -p build/lib
	RTEVHOSTSWIFT_EMBEDDED=1 $(SWIFT) build -c release --scratch-path $(EMBEDDED) \
		--product RteVhostSwift
	$(CC) -shared -o $@.new $$(find $(EMBEDDED)/release/ -name '*.o' -path '*.build/*') \
		-Wl,-soname,$(SONAME) -Wl,--version-script=version.map -Wl,-z,defs -Wl,-z,now \
		-Wl,-z,relro -Wl,-z,noexecstack -Wl,--gc-sections -Wl,--as-needed
	mv $@.new $@
	ln -sf $(SONAME) build/lib/librtevhostswift.so

build/bin/vhost-switch: $(SWITCH_SOURCES) $(wildcard examples/*.h) $(HEADERS) $(LIBRARY)
	@mkdir -p build/bin
	$(CC) $(CFLAGS) $(INCLUDES) -Ictests/guest -o $@ $(SWITCH_SOURCES) $(LINK)

build/bin/guest-traffic: $(TRAFFIC_SOURCES) $(GUEST_HEADERS)
	@mkdir -p build/bin
	$(CC) $(CFLAGS) -Ictests/guest -o $@ $(TRAFFIC_SOURCES) -pthread

demo: all
	SECONDS=$(SECONDS) GUEST=$(GUEST) tools/demo

test: packages library swift-test ctest ctest-control abi check tidy
	@echo "make test: all passed"

# What the tests use besides Swift, gcc and make.
packages:
	@tools/need g++ libcmocka-dev libdpdk-dev pkg-config

swift-test:
	$(SWIFT) test

check: library
	tools/check-deps $(LIBRARY)
	tools/check-hot $(LIBRARY)

tidy:
	tools/tidy

abi: library
	tools/abi-check $(LIBRARY)

build/bin/frames: interop/frames.c ctests/guest/guest_packet.c $(GUEST_HEADERS)
	@mkdir -p build/bin
	$(CC) $(CFLAGS) -Ictests/guest -o $@ $(filter %.c,$^)

interop: all build/bin/frames
	QUICK=$(QUICK) interop/run

include $(wildcard ctests/tests.mk ctests/control.mk ctests/scale.mk bench/bench.mk)

install: library
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include/rtevhostswift
	install -m 755 $(LIBRARY) $(DESTDIR)$(PREFIX)/lib/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(PREFIX)/lib/librtevhostswift.so
	cp -R include/. $(DESTDIR)$(PREFIX)/include/rtevhostswift/
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' rtevhostswift.pc.in \
		> $(DESTDIR)$(PREFIX)/lib/pkgconfig/rtevhostswift.pc

clean:
	rm -rf build .build $(EMBEDDED)
