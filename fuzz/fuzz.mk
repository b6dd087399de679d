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
# A folder fuzz/NAME with NAME.c in it is a fuzzer. It may hold more *.c, and *.swift with `@testable import
# RteVhostSwift`; a dictionary; a corpus. Its C is built like the library's callers (include/, include/standalone,
# ctests/guest) and linked with fuzz/common and the guest library.

FUZZERS := $(sort $(foreach file,$(wildcard fuzz/*/*.c),$(if \
	$(filter $(notdir $(patsubst %/,%,$(dir $(file)))).c,$(notdir $(file))),\
	$(notdir $(patsubst %/,%,$(dir $(file)))))))
FUZZ_SWIFT_BIN := $(patsubst %/,%,$(dir $(realpath $(shell command -v $(SWIFT)))))
FUZZ_CLANG = $(FUZZ_SWIFT_BIN)/clang
FUZZ_SWIFTC = $(FUZZ_SWIFT_BIN)/swiftc
FUZZ_INCLUDES = -D_GNU_SOURCE -Iinclude -Iinclude/standalone
# Optimised, but no check of Swift's is left out.
FUZZ_SWIFT = -O -g -wmo -parse-as-library -suppress-warnings -enable-experimental-feature Lifetimes \
	$(addprefix -Xcc ,$(FUZZ_INCLUDES)) -ISources/CRteVhost/include
FUZZ_C = -std=gnu11 -O1 -g -gdwarf-4 -Wall -Wextra $(FUZZ_INCLUDES) -Ictests/guest -Ifuzz/common
FUZZ_LIBRARY_SOURCES := $(shell find Sources/RteVhostSwift -name '*.swift' -not -path '*/Release2211/*')

# -Xcc: the static inlines of CRteVhost are compiled inside Swift's files, and what they read and write would stay unseen.
FUZZ_CHECKED = -sanitize=fuzzer,address -Xcc -fsanitize=address -assert-config Debug -enforce-exclusivity=checked

# What the coverage-guided mutation is told: the library's own edges and comparisons, not the driver's.
fuzz_sanitizers_plain = $(FUZZ_CHECKED)
fuzz_sanitizers_planted = $(FUZZ_CHECKED)
fuzz_sanitizers_coverage = -profile-generate -profile-coverage-mapping
fuzz_link_plain = -sanitize=fuzzer,address
fuzz_link_planted = -sanitize=fuzzer,address
fuzz_link_coverage = -sanitize=fuzzer -profile-generate
fuzz_c_plain = -fsanitize=address
fuzz_c_planted = -fsanitize=address
fuzz_c_coverage =
fuzz_define_planted = -D FUZZ_PLANTED

# Calls of the library's that fuzz/common counts.
FUZZ_WRAPPED = malloc calloc realloc aligned_alloc free mmap munmap
FUZZ_WRAPS = $(foreach name,$(FUZZ_WRAPPED),-Xlinker --wrap=$(name))

# Folders that fuzzers share, and calls that those take over: fuzz/rig has no event thread and a clock of its own.
FUZZ_SHARED_rings = rig
FUZZ_SHARED_calls = rig
FUZZ_WRAPPED_rig = clock_gettime nanosleep pthread_create write

# $(1): variant. The library in one object, and what it needs of C.
define fuzz_variant
build/fuzz/$(1)/library.o: $$(FUZZ_INPUT_$(1)) $$(HEADERS)
	@mkdir -p $$(@D)
	@echo "the library, ordinary Swift, for fuzzing: $$@"
	@$$(FUZZ_SWIFTC) $$(FUZZ_SWIFT) $$(fuzz_sanitizers_$(1)) $$(fuzz_define_$(1)) \
		-module-name RteVhostSwift -enable-testing -emit-module \
		-emit-module-path $$(@D)/RteVhostSwift.swiftmodule -c -o $$@ $$(filter %.swift,$$(FUZZ_INPUT_$(1)))
	@touch $$@ # The compiler leaves a file alone that would be the same.

build/fuzz/$(1)/crte_%.o: Sources/CRteVhost/crte_%.c $$(HEADERS)
	@mkdir -p $$(@D)
	$$(FUZZ_CLANG) $$(FUZZ_C) $$(fuzz_c_$(1)) -fPIC -ISources/CRteVhost/include -c -o $$@ $$<

build/fuzz/$(1)/guest/%.o: ctests/guest/%.c $$(GUEST_HEADERS)
	@mkdir -p $$(@D)
	$$(FUZZ_CLANG) $$(FUZZ_C) $$(fuzz_c_$(1)) -c -o $$@ $$<

build/fuzz/$(1)/common/%.o: fuzz/common/%.c $$(wildcard fuzz/common/*.h)
	@mkdir -p $$(@D)
	$$(FUZZ_CLANG) $$(FUZZ_C) -Werror $$(fuzz_c_$(1)) -c -o $$@ $$<

FUZZ_LIBRARY_$(1) = build/fuzz/$(1)/library.o \
	$$(patsubst Sources/CRteVhost/%.c,build/fuzz/$(1)/%.o,$$(wildcard Sources/CRteVhost/*.c))
FUZZ_PARTS_$(1) = $$(FUZZ_LIBRARY_$(1)) \
	$$(patsubst fuzz/common/%.c,build/fuzz/$(1)/common/%.o,$$(wildcard fuzz/common/*.c)) \
	$$(patsubst ctests/guest/%.c,build/fuzz/$(1)/guest/%.o,$$(GUEST_LIBRARY))
endef

# $(1): variant, $(2): fuzzer.
define fuzz_program
build/fuzz/$(1)/objects/$(2)/%.o: fuzz/$(2)/%.c $$(wildcard fuzz/$(2)/*.h fuzz/common/*.h) $$(GUEST_HEADERS) \
		$$(foreach folder,$$(FUZZ_SHARED_$(2)),$$(wildcard fuzz/$$(folder)/*.h))
	@mkdir -p $$(@D)
	$$(FUZZ_CLANG) $$(FUZZ_C) $$(FUZZ_SHARED_$(2):%=-Ifuzz/%) -Werror $$(fuzz_c_$(1)) -c -o $$@ $$<

build/fuzz/$(1)/objects/$(2)/swift.o: $$(wildcard fuzz/$(2)/*.swift \
		$$(FUZZ_SHARED_$(2):%=fuzz/%/*.swift)) build/fuzz/$(1)/library.o
	@mkdir -p $$(@D)
	$$(FUZZ_SWIFTC) $$(FUZZ_SWIFT) $$(fuzz_sanitizer_driver_$(1)) -I build/fuzz/$(1) -module-name Fuzz_$(2) \
		-c -o $$@ $$(filter %.swift,$$^)
	@touch $$@

build/fuzz/$(1)/$(2): $$(patsubst fuzz/%.c,build/fuzz/$(1)/objects/%.o,$$(wildcard fuzz/$(2)/*.c \
			$$(FUZZ_SHARED_$(2):%=fuzz/%/*.c))) \
		$$(if $$(wildcard fuzz/$(2)/*.swift $$(FUZZ_SHARED_$(2):%=fuzz/%/*.swift)),\
			build/fuzz/$(1)/objects/$(2)/swift.o) $$(FUZZ_PARTS_$(1))
	$$(FUZZ_SWIFTC) -use-ld=lld $$(fuzz_link_$(1)) $$(FUZZ_WRAPS) $$(foreach folder,$$(FUZZ_SHARED_$(2)),\
		$$(foreach name,$$(FUZZ_WRAPPED_$$(folder)),-Xlinker --wrap=$$(name))) -o $$@ $$^
endef

fuzz_sanitizer_driver_plain = -sanitize=address
fuzz_sanitizer_driver_planted = -sanitize=address

FUZZ_INPUT_plain = $(FUZZ_LIBRARY_SOURCES)
FUZZ_INPUT_coverage = $(FUZZ_LIBRARY_SOURCES)
FUZZ_INPUT_planted = $(patsubst %,build/fuzz/planted/%,$(FUZZ_LIBRARY_SOURCES)) fuzz/planted/PlantedBug.swift

# The planted bugs are patches over a copy: the library's own sources know nothing of them.
$(patsubst %,build/fuzz/planted/%,$(FUZZ_LIBRARY_SOURCES)) &: $(FUZZ_LIBRARY_SOURCES) $(wildcard fuzz/planted/*.patch)
	@rm -rf build/fuzz/planted/new build/fuzz/planted/Sources
	@mkdir -p build/fuzz/planted/new
	cp -R Sources build/fuzz/planted/new/Sources
	@set -e; for patch in $(sort $(wildcard fuzz/planted/*.patch)); do \
		echo "planting $$patch"; patch -s -p1 -d build/fuzz/planted/new <$$patch; done
	@find build/fuzz/planted/new -name '*.swift' -exec touch {} +
	@mv build/fuzz/planted/new/Sources build/fuzz/planted/Sources

# $(1): variant, $(2): a folder that fuzzers share.
define fuzz_folder
build/fuzz/$(1)/objects/$(2)/%.o: fuzz/$(2)/%.c $$(wildcard fuzz/$(2)/*.h fuzz/common/*.h) $$(GUEST_HEADERS)
	@mkdir -p $$(@D)
	$$(FUZZ_CLANG) $$(FUZZ_C) -Werror $$(fuzz_c_$(1)) -c -o $$@ $$<
endef

$(foreach variant,plain planted coverage,$(eval $(call fuzz_variant,$(variant))))
$(foreach variant,plain planted coverage,$(eval $(call fuzz_folder,$(variant),rig)))
$(foreach variant,plain planted coverage,$(foreach fuzzer,$(FUZZERS),\
	$(eval $(call fuzz_program,$(variant),$(fuzzer)))))

FUZZ_CHOSEN = $(if $(FUZZER),$(FUZZER),$(FUZZERS))

.PHONY: fuzz fuzz-build fuzz-replay fuzz-planted fuzz-coverage fuzz-merge

fuzz-build: $(FUZZ_CHOSEN:%=build/fuzz/plain/%)

fuzz: fuzz-build
	fuzz/run $(SECONDS) $(FUZZ_CHOSEN)

fuzz-replay: fuzz-build
	fuzz/run 0 $(FUZZ_CHOSEN)

fuzz-merge: build/fuzz/plain/$(FUZZER)
	fuzz/merge $(FUZZER)

fuzz-planted: $(FUZZ_CHOSEN:%=build/fuzz/planted/%)
	fuzz/run-planted $(FUZZ_CHOSEN)

# The library that tests in C are run over: the same object, so that all counts are of the same regions.
build/fuzz/coverage/lib/$(SONAME): $(FUZZ_LIBRARY_coverage) version.map
	@mkdir -p $(@D)
	$(FUZZ_SWIFTC) -emit-library -use-ld=lld -profile-generate -Xlinker -soname=$(SONAME) \
		-Xlinker --version-script=version.map -o $@ $(filter %.o,$^)

fuzz-coverage: $(FUZZERS:%=build/fuzz/coverage/%) build/fuzz/coverage/lib/$(SONAME) \
		$(CTEST_PROGRAMS) $(CONTROL_PROGRAMS) $(HOSTILE_TESTS) $(FAULTS_TESTS) $(INSIDE_TESTS) $(INSIDE_MADE)
	fuzz/coverage
