# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
# Included by the root Makefile: attacks that have a public name, by one program, on Debian's librte_vhost.so.23 and on
# ours in its place.
#
#   make public-bugs          the table build/public-bugs.md; fails when ours does not serve on
#   make public-bugs-ours     ours only

PUBLIC_PROGRAM = build/ctests/public_bugs
PUBLIC_SOURCES := $(sort $(wildcard ctests/public-bugs/*.c))
PUBLIC_FLAGS = -std=gnu11 -O2 -g -Wall -Wextra -Werror -DALLOW_EXPERIMENTAL_API -Ictests/guest -Ictests/public-bugs \
	$(shell pkg-config --cflags libdpdk)
PUBLIC_DEBIAN = /usr/lib/x86_64-linux-gnu

.PHONY: public-bugs public-bugs-ours

$(PUBLIC_PROGRAM): $(PUBLIC_SOURCES) $(wildcard ctests/public-bugs/*.h) $(GUEST_LIBRARY) $(GUEST_HEADERS)
	@tools/need libdpdk-dev pkg-config
	@mkdir -p $(@D)
	$(CC) $(PUBLIC_FLAGS) -o $@ $(PUBLIC_SOURCES) $(GUEST_LIBRARY) \
		-Wl,--no-as-needed -lrte_mempool_ring -lrte_vhost -lrte_mempool -lrte_mbuf -lrte_eal -pthread

public-bugs-ours: $(PUBLIC_PROGRAM) $(LIBRARY_2211)
	@PUBLIC_STRICT=1 LD_LIBRARY_PATH=$(dir $(LIBRARY_2211)) $(PUBLIC_PROGRAM) 2> build/public-bugs.ours.log \
		| tee build/public-bugs.ours; \
		! grep -v 'serves on$$' build/public-bugs.ours

public-bugs: public-bugs-ours
	@LD_LIBRARY_PATH=$(PUBLIC_DEBIAN) $(PUBLIC_PROGRAM) > build/public-bugs.debian 2> build/public-bugs.debian.log
	@{ printf '| id | attack | Debian %s | this library |\n|---|---|---|---|\n' \
		"$$(dpkg-query -W -f '$${Version}' librte-vhost23)"; \
	awk -F'\t' 'NR == FNR { debian[$$2] = $$3; next } \
		{ printf "| %s | %s | %s | %s |\n", $$1, $$2, debian[$$2], $$3 }' \
		build/public-bugs.debian build/public-bugs.ours; } > build/public-bugs.md
	@cat build/public-bugs.md
