# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile: what is installed, and where.
#
#   make static                   build/lib/librtevhostswift.a
#   make install                  both libraries, the archive, headers, pkg-config and CMake files; of what has been built
#                                 (make rtevhostctl, make docs) also rtevhostctl and the manual pages of functions
#   make install-tools            programs, their manual pages, and completions of rtevhostctl's options for shells
#   make check-packages           builds a program by pkg-config, CMake and Meson out of an install, and runs it
#
# PREFIX, LIBDIR, INCLUDEDIR, BINDIR, MANDIR and the shells' folders are where files will be used; DESTDIR goes before
# each of them.

LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d

ARCHIVE = build/lib/librtevhostswift.a
FLAVOURS = rtevhostswift/dpdk-22.11
PC_FILES := $(wildcard packaging/*.pc.in)
CMAKE_FILES := $(wildcard packaging/*.cmake.in)
TOOLS = vhost-switch guest-traffic rtevhostctl
TOOLS_CFLAGS ?= $(CFLAGS)
TOOLS_LDFLAGS ?=

.PHONY: static install install-library install-development install-tools install-rtevhostctl check-packages

static: $(ARCHIVE)

# The objects are those of the shared library.
$(ARCHIVE): $(LIBRARY) version.map tools/static-library
	tools/static-library $@ version.map $$(find $(EMBEDDED)/release/ -name '*.o' -path '*.build/*' | LC_ALL=C sort)

fill_in = sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))|' \
	-e 's|@INCLUDEDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(INCLUDEDIR))|' \
	-e 's|@VERSION@|$(VERSION)|' -e 's|@SONAME@|$(SONAME)|' \
	-e "s|@INCLUDEDIR_FROM_LIBDIR@|$$(realpath -ms --relative-to=$(LIBDIR) $(INCLUDEDIR))|"

install: install-library install-development $(if $(wildcard build/bin/rtevhostctl),install-rtevhostctl) \
	$(if $(wildcard build/docs/done),install-docs)

install-library: library flavour-22.11
	install -d $(DESTDIR)$(LIBDIR)/$(FLAVOURS)
	install -m 644 $(LIBRARY) $(DESTDIR)$(LIBDIR)/$(SONAME)
	install -m 644 $(LIBRARY_2211) $(DESTDIR)$(LIBDIR)/$(FLAVOURS)/$(SONAME_2211)

install-development: static
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(LIBDIR)/cmake/rtevhostswift
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/librtevhostswift.so
	install -m 644 $(ARCHIVE) $(DESTDIR)$(LIBDIR)/
	for folder in . dpdk-22.11 standalone; do \
		install -d $(DESTDIR)$(INCLUDEDIR)/rtevhostswift/$$folder && \
		install -m 644 include/$$folder/*.h $(DESTDIR)$(INCLUDEDIR)/rtevhostswift/$$folder/ || exit 1; \
	done
	for file in $(PC_FILES); do \
		$(fill_in) $$file >$(DESTDIR)$(LIBDIR)/pkgconfig/$$(basename $$file .in) || exit 1; \
	done
	for file in $(CMAKE_FILES); do \
		$(fill_in) $$file >$(DESTDIR)$(LIBDIR)/cmake/rtevhostswift/$$(basename $$file .in) || exit 1; \
	done

# Programs in the build tree look for the library beside them; those that are installed do not.
install-tools: library $(TOOLS:%=build/bin/%) install-rtevhostctl
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1
	$(CC) $(TOOLS_CFLAGS) $(INCLUDES) -Ictests/guest -o $(DESTDIR)$(BINDIR)/vhost-switch $(SWITCH_SOURCES) \
		$(TOOLS_LDFLAGS) -Lbuild/lib -lrtevhostswift -pthread
	$(CC) $(TOOLS_CFLAGS) -Ictests/guest -o $(DESTDIR)$(BINDIR)/guest-traffic $(TRAFFIC_SOURCES) \
		$(TOOLS_LDFLAGS) -pthread
	tools/manual-page build/bin/vhost-switch $(VERSION) "an Ethernet switch between virtual machines" \
		>$(DESTDIR)$(MANDIR)/man1/vhost-switch.1
	tools/manual-page build/bin/guest-traffic $(VERSION) \
		"a guest without a virtual machine, which sends packets and verifies what comes back" \
		>$(DESTDIR)$(MANDIR)/man1/guest-traffic.1

install-rtevhostctl: build/bin/rtevhostctl rtevhostctl-completions
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) $(DESTDIR)$(FISHDIR)
	install -m 755 build/bin/rtevhostctl $(DESTDIR)$(BINDIR)/
	install -m 644 docs/rtevhostctl.1 $(DESTDIR)$(MANDIR)/man1/
	install -m 644 build/completions/rtevhostctl.bash $(DESTDIR)$(BASHDIR)/rtevhostctl
	install -m 644 build/completions/rtevhostctl.zsh $(DESTDIR)$(ZSHDIR)/_rtevhostctl
	install -m 644 build/completions/rtevhostctl.fish $(DESTDIR)$(FISHDIR)/

check-packages: library flavour-22.11 static build/bin/guest-traffic
	tools/check-static $(ARCHIVE) $(LIBRARY)
	tools/check-packages
