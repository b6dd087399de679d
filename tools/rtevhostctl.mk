# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
#
#   make rtevhostctl               build/bin/rtevhostctl, which needs no Swift where it runs
#   make rtevhostctl-completions   build/completions/, for bash, zsh and fish

RTEVHOSTCTL_SOURCES := $(wildcard Sources/rtevhostctl/*.swift Sources/VhostControl/*.swift)
RTEVHOSTCTL_BUILD = .build-rtevhostctl

.PHONY: rtevhostctl rtevhostctl-completions

rtevhostctl: build/bin/rtevhostctl

build/bin/rtevhostctl: $(RTEVHOSTCTL_SOURCES) Package.swift
	@mkdir -p $(@D)
	RTEVHOSTSWIFT_TOOL=1 $(SWIFT) build -c release --scratch-path $(RTEVHOSTCTL_BUILD) \
		--product rtevhostctl --static-swift-stdlib -Xswiftc -static-executable \
		-Xlinker --gc-sections -Xlinker -s
	cp $(RTEVHOSTCTL_BUILD)/release/rtevhostctl $@

rtevhostctl-completions: build/bin/rtevhostctl
	@mkdir -p build/completions
	for shell in bash zsh fish; do \
		build/bin/rtevhostctl --generate-completion-script $$shell \
			> build/completions/rtevhostctl.$$shell || exit 1; \
	done
	sed -i '1{/^#!/d}' build/completions/rtevhostctl.bash # it is read, not run

# They run the program.
build/ctests/control_inspect_tool build/ctests/control_inspect_top \
build/ctests/control_inspect_capture: build/bin/rtevhostctl
