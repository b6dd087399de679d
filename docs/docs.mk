# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile.
#
#   make docs                  build/docs/man: a manual page for each public function, and that of rtevhostctl;
#                              build/docs/html. Fails on any warning of doxygen's
#   make install-docs          the manual pages, below MANDIR
#   make check-docs            runs what the documentation tells to run (tools/check-docs), and that its drawings are current

DOCS_SOURCES = docs/doxygen.conf tools/make-docs docs/rtevhostctl.1

.PHONY: docs install-docs check-docs

docs: build/docs/done

build/docs/done: $(DOCS_SOURCES) $(HEADERS)
	@tools/need doxygen python3
	VERSION=$(VERSION) tools/make-docs build/docs
	touch $@

install-docs: docs
	install -d $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man3
	install -m 644 build/docs/man/man1/*.1 $(DESTDIR)$(MANDIR)/man1/
	install -m 644 build/docs/man/man3/*.3 $(DESTDIR)$(MANDIR)/man3/

check-docs: library flavour-22.11 static all rtevhostctl
	@tools/need pkg-config python3 socat tshark
	tools/architecture --check
	tools/rtevhostctl-page --check
	tools/check-docs --self-test
	tools/check-docs
