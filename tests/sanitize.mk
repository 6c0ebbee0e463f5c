# Gates beside the tests' own sanitizers: make tsan (races), make valgrind (memory, of the product's
# objects), make coverage (of the parsers). SPDX-License-Identifier: Apache-2.0

# ---- races: threads' units and all programs, in build/tsan
# Its instrumentation makes gcc 12 see variables as uninitialised that are set; the other builds judge that.
TSAN := $(COMMON) -O1 -fno-omit-frame-pointer -fsanitize=thread -Wno-maybe-uninitialized -DMILLRACE_TEST \
  -Wl,--undefined=thrd_create
TSAN_UNITS := $(addprefix test_,bins broker crew health http jobs log logistic_pass metrics sink sink_writer stream \
  stream_batch stream_guard stream_input stream_state stream_write) model/test_same_bits
$(eval $(call BUILD,build/tsan,TSAN))
# In the programs it takes the place of the C library for librdkafka too.
build/tsan/libmillrace.a: build/tsan/tests/tsan_threads.o
$(foreach s,$(PROGRAMS),$(eval $(call PROGRAM,build/tsan,$(s),tsan/bin/$(call program,$(s)),TSAN)))

# ---- memory: units over the product's objects
VALGRIND_UNITS := $(addprefix test_,arena codec codec_fast copy digest document duplicate envelope frame \
  number pack scan scorer series series_batch state stream stream_batch stream_state text) services/test_cli_csv \
  services/test_ingest services/test_score

# unit NAME, its build, its flags: as in build/t, with the objects that extra.mk names for it
define UNIT
$(1)/unit/$(3): $(1)/tests/unit/$(3).o $(patsubst build/t/%,$(1)/%,$(filter-out -l%,$(EXTRA_$(notdir $(3))))) \
  $(1)/shared/linear_blas.o $(1)/libmillrace.a
	@mkdir -p $$(@D) && $$(call say,ld $$@)
	$$(Q)$$(CC) $($(2)) $$^ $$(LIBS) $$(BLAS) -lcsv -lcheck -lsubunit -lrt -o $$@
endef
$(foreach u,$(TSAN_UNITS),$(eval $(call UNIT,build/tsan,TSAN,$(u))))
$(foreach u,$(VALGRIND_UNITS),$(eval $(call UNIT,build/o,PRODUCT,$(u))))

tsan-programs: $(TSAN_UNITS:%=build/tsan/unit/%) $(foreach s,$(PROGRAMS),build/tsan/bin/$(call program,$(s)))
valgrind-programs: $(VALGRIND_UNITS:%=build/o/unit/%)

-include $(shell find build/tsan build/g -name '*.d' 2>/dev/null)

tsan: deps ## threaded units and one flow under ThreadSanitizer
	@$(MAKE) tsan-programs && tests/tsan
valgrind: deps ## units over the product's objects under memcheck
	@tests/stack/deps valgrind
	@$(MAKE) valgrind-programs && tests/valgrind $(VALGRIND_UNITS)
.PHONY: tsan tsan-programs valgrind valgrind-programs

# ---- coverage: the parsers' units and fuzz targets over the corpus, in build/g
COVER := $(filter-out $(WARN),$(COMMON)) -O0 --coverage
COVER_UNITS := $(addprefix test_,character codec codec_fast copy dead document envelope foreign http number pack \
  pipeline pipeline_entries pipeline_schema pipeline_source pipeline_train scan scorer text timestamp) \
  $(addprefix services/test_,cli_csv cli_events ingest)
COVER_FILES := $(addprefix shared/,character codec codec_fast codec_plan codec_tree copy copy_read dead document \
  envelope foreign foreign_lightgbm foreign_linear foreign_trees foreign_xgboost http number pack \
  pipeline pipeline_reader pipeline_schema pipeline_source scan scorer_file text timestamp) \
  $(addprefix services/,cli/csv_reader cli/events_csv cli/events_jsonl ingestion/structured)
$(eval $(call BUILD,build/g,COVER))
$(foreach u,$(COVER_UNITS),$(eval $(call UNIT,build/g,COVER,$(u))))
build/g/fuzz/%: build/g/tests/fuzz/target_%.o build/g/tests/fuzz/replay.o $(FUZZ_PARTS:%=build/g/services/%.o) \
  build/g/shared/linear_plain.o build/g/libmillrace.a
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(CC) $(COVER) $^ $(LIBS) -lcsv -lcheck -lsubunit -lrt -o $@
coverage-programs: $(COVER_UNITS:%=build/g/unit/%) $(FUZZ_TARGETS:%=build/g/fuzz/%)
coverage: deps ## lines of the parsers covered by their units and the fuzz corpus
	@$(MAKE) coverage-programs && tests/coverage $(COVER_FILES)
.PHONY: coverage coverage-programs
