# make fuzz: libFuzzer targets over the parsers, built by clang with its sanitizers into build/f.
# SPDX-License-Identifier: Apache-2.0

FUZZ_CC := clang-14
FUZZ_CHECKS := address,undefined -fno-sanitize-recover=undefined
FUZZ_FLAGS := -std=gnu17 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Wshadow \
  -Ishared -Itests/unit -I/usr/include/postgresql -MMD -MP -DMILLRACE_VERSION='"$(VERSION)"' \
  -fsanitize=fuzzer-no-link,$(FUZZ_CHECKS)
FUZZ_TARGETS := $(patsubst tests/fuzz/target_%.c,%,$(wildcard tests/fuzz/target_*.c))
FUZZ_PARTS := ingestion/structured cli/csv_reader cli/events cli/events_csv cli/events_jsonl
FUZZ_LIBRARIES := build/f/libparts.a build/f/libmillrace.a
FUZZ_LINK = $^ -Wl,--as-needed $(LIBS) -lcsv -lcheck -lsubunit -lrt -o $@

build/f/%.o: %.c $(GEN) Makefile tests/fuzz/fuzz.mk
	@mkdir -p $(@D) && $(call say,cc $@)
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -c $< -o $@
build/f/gen/%.o: build/gen/%.c
	@mkdir -p $(@D) && $(call say,cc $@)
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -c $< -o $@
build/f/libmillrace.a: $(SHARED:%.c=build/f/%.o) build/f/shared/linear_plain.o \
  $(GEN:build/gen/%.c=build/f/gen/%.o)
	@rm -f $@ && ar rcsD $@ $^
build/f/libparts.a: $(FUZZ_PARTS:%=build/f/services/%.o)
	@rm -f $@ && ar rcsD $@ $^
build/fuzz/%: build/f/tests/fuzz/target_%.o $(FUZZ_LIBRARIES)
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(FUZZ_CC) -fsanitize=fuzzer,$(FUZZ_CHECKS) $(FUZZ_LINK)
build/fuzz/copy_postgres: build/f/tests/fuzz/copy_postgres.o $(FUZZ_LIBRARIES)
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(FUZZ_CC) -fsanitize=$(FUZZ_CHECKS) $(FUZZ_LINK)
build/fuzz/seeds: build/f/tests/fuzz/seeds.o build/f/shared/linear_blas.o $(FUZZ_LIBRARIES)
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(FUZZ_CC) -fsanitize=$(FUZZ_CHECKS) $(FUZZ_LINK) $(BLAS)
# The product's own objects, for a number of events; DIFFERENTIAL=build/fuzz/differential is sanitised.
build/o/fuzz/differential: build/o/tests/fuzz/differential.o build/o/libmillrace.a
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(CC) $(PRODUCT) $^ $(LINK) $(LIBS) -o $@
build/fuzz/differential: build/f/tests/fuzz/differential.o $(FUZZ_LIBRARIES)
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(FUZZ_CC) -fsanitize=$(FUZZ_CHECKS) $(FUZZ_LINK)
-include $(shell find build/f -name '*.d' 2>/dev/null)

EVENTS ?= 1000000
SEED ?= 1
DIFFERENTIAL ?= build/o/fuzz/differential
.PHONY: fuzz fuzz-programs fuzz-seeds fuzz-codec
fuzz-codec: ## the codec's two ways over EVENTS (1000000) random events of SEED (1): same value or same refusal
	@$(MAKE) $(DIFFERENTIAL) && $(DIFFERENTIAL) $(EVENTS) $(SEED)
fuzz-programs: $(FUZZ_TARGETS:%=build/fuzz/%) build/fuzz/copy_postgres
fuzz: ## each fuzz target for FUZZ_SECONDS (60), FUZZ_JOBS (2) at a time
	@tests/stack/deps fuzz
	@tests/fuzz/run $(FUZZ_TARGETS)
fuzz-seeds: build/fuzz/seeds ## writes tests/fuzz/corpus anew from the data of the tests
	@build/fuzz/seeds tests/fuzz/corpus
