# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The librtevhostswift authors
# Included by the root Makefile: fuzzers over the hosted build, made by libFuzzer.
#
#   make fuzz SECONDS=n [FUZZER=name]   replays the saved corpora, then runs each fuzzer for n seconds
#   make fuzz-replay [FUZZER=name]      only the saved corpora
#   make fuzz-build                     builds the fuzzers: build/fuzz/plain/NAME
#   make fuzz-planted [FUZZER=name]     shows that each fuzzer finds the bugs planted for it
#   make fuzz-coverage                  what fuzzers and tests reach; see fuzz/coverage
#   make fuzz-merge FUZZER=name         takes what a run found worth keeping into fuzz/NAME/corpus
#
# NAME-22.11 is the same fuzzer over the flavour that has DPDK 22.11's ABI, whose engines are DMA devices; its corpus
# is that of NAME, and what is in fuzz/NAME-22.11/corpus besides.
#
# A folder fuzz/NAME with NAME.c in it is a fuzzer. It may hold more *.c, and *.swift with `@testable import
# RteVhostSwift`; a dictionary; a corpus. Its C is built like the library's callers (include/, include/standalone,
# ctests/guest) and linked with fuzz/common and the guest library.

FUZZERS := $(sort $(foreach file,$(wildcard fuzz/*/*.c),$(if \
	$(filter $(notdir $(patsubst %/,%,$(dir $(file)))).c,$(notdir $(file))),\
	$(notdir $(patsubst %/,%,$(dir $(file)))))))
# Those that also run over the flavour of 22.11.
FUZZERS_2211 = rings calls
FUZZ_SWIFT_BIN := $(patsubst %/,%,$(dir $(realpath $(shell command -v $(SWIFT)))))
FUZZ_CLANG = $(FUZZ_SWIFT_BIN)/clang
FUZZ_SWIFTC = $(FUZZ_SWIFT_BIN)/swiftc
# $(1): variant.
fuzz_includes = -D_GNU_SOURCE $(if $(findstring 22.11,$(1)),-Iinclude/dpdk-22.11 \
	-Dvhost_device_ops=rte_vhost_device_ops) -Iinclude -Iinclude/standalone
# Optimised, but no check of Swift's is left out.
FUZZ_SWIFT = -O -g -wmo -parse-as-library -suppress-warnings -enable-experimental-feature Lifetimes \
	-ISources/CRteVhost/include
FUZZ_C = -std=gnu11 -O1 -g -gdwarf-4 -Wall -Wextra -Ictests/guest -Ifuzz/common
FUZZ_LIBRARY_SOURCES := $(shell find Sources/RteVhostSwift -name '*.swift' -not -path '*/Release2211/*')
FUZZ_LIBRARY_SOURCES_2211 := $(shell find Sources/RteVhostSwift -name '*.swift' -not -path '*/Release2108/*')

# $(1): variant.
fuzz_cc = $(FUZZ_CLANG) $(FUZZ_C) $(call fuzz_includes,$(1))
fuzz_swiftc = $(FUZZ_SWIFTC) $(FUZZ_SWIFT) $(addprefix -Xcc ,$(call fuzz_includes,$(1)))

# -Xcc: the static inlines of CRteVhost are compiled inside Swift's files, and what they read and write would stay unseen.
FUZZ_CHECKED = -sanitize=fuzzer,address -Xcc -fsanitize=address -assert-config Debug -enforce-exclusivity=checked

# What the coverage-guided mutation is told: the library's own edges and comparisons, not the driver's.
fuzz_sanitizers_plain = $(FUZZ_CHECKED)
fuzz_sanitizers_planted = $(FUZZ_CHECKED)
fuzz_sanitizers_plain-22.11 = $(FUZZ_CHECKED)
fuzz_sanitizers_planted-22.11 = $(FUZZ_CHECKED)
fuzz_sanitizers_coverage = -profile-generate -profile-coverage-mapping
fuzz_link_plain = -sanitize=fuzzer,address
fuzz_link_planted = -sanitize=fuzzer,address
fuzz_link_plain-22.11 = -sanitize=fuzzer,address
fuzz_link_planted-22.11 = -sanitize=fuzzer,address
fuzz_link_coverage = -sanitize=fuzzer -profile-generate
fuzz_c_plain = -fsanitize=address
fuzz_c_planted = -fsanitize=address
fuzz_c_plain-22.11 = -fsanitize=address
fuzz_c_planted-22.11 = -fsanitize=address
fuzz_c_coverage =
fuzz_define_planted = -D FUZZ_PLANTED
fuzz_define_planted-22.11 = -D FUZZ_PLANTED

# Calls of the library's that fuzz/common counts.
FUZZ_WRAPPED = malloc calloc realloc aligned_alloc free mmap munmap
FUZZ_WRAPS = $(foreach name,$(FUZZ_WRAPPED),-Xlinker --wrap=$(name))

# Folders that fuzzers share, and calls that those take over: fuzz/rig has no event thread and a clock of its own. Its
# engine is that of the variant's release.
FUZZ_RIG_FOLDERS = rig rig-21.08 rig-22.11
fuzz_rig = rig rig-$(if $(findstring 22.11,$(1)),22.11,21.08)
fuzz_shared_rings = $(fuzz_rig)
fuzz_shared_calls = $(fuzz_rig)
# The library looks for DMA devices by these names.
FUZZ_EXPORTS = -Xlinker '--export-dynamic-symbol=rte_dma_*'
FUZZ_WRAPPED_rig = clock_gettime nanosleep pthread_create write

# $(1): variant. The library in one object, and what it needs of C.
define fuzz_variant
build/fuzz/$(1)/library.o: $$(FUZZ_INPUT_$(1)) $$(HEADERS)
	@mkdir -p $$(@D)
	@echo "the library, ordinary Swift, for fuzzing: $$@"
	@$$(call fuzz_swiftc,$(1)) $$(fuzz_sanitizers_$(1)) $$(fuzz_define_$(1)) \
		-module-name RteVhostSwift -enable-testing -emit-module \
		-emit-module-path $$(@D)/RteVhostSwift.swiftmodule -c -o $$@ $$(filter %.swift,$$(FUZZ_INPUT_$(1)))
	@touch $$@ # The compiler leaves a file alone that would be the same.

build/fuzz/$(1)/crte_%.o: Sources/CRteVhost/crte_%.c $$(HEADERS)
	@mkdir -p $$(@D)
	$$(call fuzz_cc,$(1)) $$(fuzz_c_$(1)) -fPIC -ISources/CRteVhost/include -c -o $$@ $$<

build/fuzz/$(1)/guest/%.o: ctests/guest/%.c $$(GUEST_HEADERS)
	@mkdir -p $$(@D)
	$$(call fuzz_cc,$(1)) $$(fuzz_c_$(1)) -c -o $$@ $$<

build/fuzz/$(1)/common/%.o: fuzz/common/%.c $$(wildcard fuzz/common/*.h)
	@mkdir -p $$(@D)
	$$(call fuzz_cc,$(1)) -Werror $$(fuzz_c_$(1)) -c -o $$@ $$<

FUZZ_LIBRARY_$(1) = build/fuzz/$(1)/library.o \
	$$(patsubst Sources/CRteVhost/%.c,build/fuzz/$(1)/%.o,$$(wildcard Sources/CRteVhost/*.c))
FUZZ_PARTS_$(1) = $$(FUZZ_LIBRARY_$(1)) \
	$$(patsubst fuzz/common/%.c,build/fuzz/$(1)/common/%.o,$$(wildcard fuzz/common/*.c)) \
	$$(patsubst ctests/guest/%.c,build/fuzz/$(1)/guest/%.o,$$(GUEST_LIBRARY))
endef

# $(1): variant, $(2): fuzzer.
define fuzz_program
build/fuzz/$(1)/objects/$(2)/%.o: fuzz/$(2)/%.c $$(wildcard fuzz/$(2)/*.h fuzz/common/*.h) $$(GUEST_HEADERS) \
		$$(foreach folder,$$(call fuzz_shared_$(2),$(1)),$$(wildcard fuzz/$$(folder)/*.h))
	@mkdir -p $$(@D)
	$$(call fuzz_cc,$(1)) $$(patsubst %,-Ifuzz/%,$$(call fuzz_shared_$(2),$(1))) -Werror \
		$$(fuzz_c_$(1)) -c -o $$@ $$<

build/fuzz/$(1)/objects/$(2)/swift.o: $$(wildcard fuzz/$(2)/*.swift \
		$$(patsubst %,fuzz/%/*.swift,$$(call fuzz_shared_$(2),$(1)))) build/fuzz/$(1)/library.o
	@mkdir -p $$(@D)
	$$(call fuzz_swiftc,$(1)) $$(fuzz_sanitizer_driver_$(1)) -I build/fuzz/$(1) -module-name Fuzz_$(2) \
		-c -o $$@ $$(filter %.swift,$$^)
	@touch $$@

build/fuzz/$(1)/$(2): $$(patsubst fuzz/%.c,build/fuzz/$(1)/objects/%.o,$$(wildcard fuzz/$(2)/*.c \
			$$(patsubst %,fuzz/%/*.c,$$(call fuzz_shared_$(2),$(1))))) \
		$$(if $$(wildcard fuzz/$(2)/*.swift $$(patsubst %,fuzz/%/*.swift,$$(call fuzz_shared_$(2),$(1)))),\
			build/fuzz/$(1)/objects/$(2)/swift.o) $$(FUZZ_PARTS_$(1))
	$$(FUZZ_SWIFTC) -use-ld=lld $$(fuzz_link_$(1)) $$(FUZZ_WRAPS) $$(foreach folder,$$(call fuzz_shared_$(2),$(1)),\
		$$(foreach name,$$(FUZZ_WRAPPED_$$(folder)),-Xlinker --wrap=$$(name))) $$(FUZZ_EXPORTS) -o $$@ $$^
endef

fuzz_sanitizer_driver_plain = -sanitize=address
fuzz_sanitizer_driver_planted = -sanitize=address
fuzz_sanitizer_driver_plain-22.11 = -sanitize=address
fuzz_sanitizer_driver_planted-22.11 = -sanitize=address

FUZZ_INPUT_plain = $(FUZZ_LIBRARY_SOURCES)
FUZZ_INPUT_plain-22.11 = $(FUZZ_LIBRARY_SOURCES_2211)
FUZZ_INPUT_coverage = $(FUZZ_LIBRARY_SOURCES)
FUZZ_INPUT_planted = $(patsubst %,build/fuzz/planted/%,$(FUZZ_LIBRARY_SOURCES)) fuzz/planted/PlantedBug.swift
FUZZ_INPUT_planted-22.11 = $(patsubst %,build/fuzz/planted/%,$(FUZZ_LIBRARY_SOURCES_2211)) \
	fuzz/planted/PlantedBug.swift
FUZZ_ALL_SOURCES := $(sort $(FUZZ_LIBRARY_SOURCES) $(FUZZ_LIBRARY_SOURCES_2211))

# The planted bugs are patches over a copy: the library's own sources know nothing of them.
$(patsubst %,build/fuzz/planted/%,$(FUZZ_ALL_SOURCES)) &: $(FUZZ_ALL_SOURCES) $(wildcard fuzz/planted/*.patch)
	@rm -rf build/fuzz/planted/new build/fuzz/planted/Sources
	@mkdir -p build/fuzz/planted/new
	cp -R Sources build/fuzz/planted/new/Sources
	@set -e; for patch in $(sort $(wildcard fuzz/planted/*.patch)); do \
		echo "planting $$patch"; patch -s -p1 -d build/fuzz/planted/new <$$patch; done
	@find build/fuzz/planted/new -name '*.swift' -exec touch {} +
	@mv build/fuzz/planted/new/Sources build/fuzz/planted/Sources

# $(1): variant, $(2): a folder that fuzzers share.
define fuzz_folder
build/fuzz/$(1)/objects/$(2)/%.o: fuzz/$(2)/%.c \
		$$(wildcard fuzz/$(2)/*.h fuzz/rig/*.h fuzz/common/*.h) $$(GUEST_HEADERS)
	@mkdir -p $$(@D)
	$$(call fuzz_cc,$(1)) -Ifuzz/rig -ISources/CRteVhost/include -Werror $$(fuzz_c_$(1)) -c -o $$@ $$<
endef

FUZZ_VARIANTS = plain planted coverage plain-22.11 planted-22.11
$(foreach variant,$(FUZZ_VARIANTS),$(eval $(call fuzz_variant,$(variant))))
$(foreach variant,$(FUZZ_VARIANTS),$(foreach folder,$(FUZZ_RIG_FOLDERS),\
	$(eval $(call fuzz_folder,$(variant),$(folder)))))
$(foreach variant,$(FUZZ_VARIANTS),$(foreach fuzzer,$(FUZZERS),\
	$(eval $(call fuzz_program,$(variant),$(fuzzer)))))

FUZZ_CHOSEN = $(if $(FUZZER),$(FUZZER),$(FUZZERS) $(FUZZERS_2211:%=%-22.11))
# $(1): plain or planted, $(2): names, of either flavour.
fuzz_programs = $(foreach name,$(2),$(if $(filter %-22.11,$(name)),\
	$(name:%-22.11=build/fuzz/$(1)-22.11/%),build/fuzz/$(1)/$(name)))

.PHONY: fuzz fuzz-build fuzz-replay fuzz-planted fuzz-coverage fuzz-merge

fuzz-build: $(call fuzz_programs,plain,$(FUZZ_CHOSEN))

fuzz: fuzz-build
	fuzz/run $(SECONDS) $(FUZZ_CHOSEN)

fuzz-replay: fuzz-build
	fuzz/run 0 $(FUZZ_CHOSEN)

fuzz-merge: $(call fuzz_programs,plain,$(FUZZER))
	fuzz/merge $(FUZZER)

fuzz-planted: $(call fuzz_programs,planted,$(FUZZ_CHOSEN))
	fuzz/run-planted $(FUZZ_CHOSEN)

# The library that tests in C are run over: the same object, so that all counts are of the same regions.
build/fuzz/coverage/lib/$(SONAME): $(FUZZ_LIBRARY_coverage) version.map
	@mkdir -p $(@D)
	$(FUZZ_SWIFTC) -emit-library -use-ld=lld -profile-generate -Xlinker -soname=$(SONAME) \
		-Xlinker --version-script=version.map -o $@ $(filter %.o,$^)

fuzz-coverage: $(FUZZERS:%=build/fuzz/coverage/%) build/fuzz/coverage/lib/$(SONAME) \
		$(CTEST_PROGRAMS) $(CONTROL_PROGRAMS) $(HOSTILE_TESTS) $(FAULTS_TESTS) $(INSIDE_TESTS) $(INSIDE_MADE)
	fuzz/coverage
