# make bench: measurements against peers, with the product's flags. Each stage is an executable in
# tests/bench/stages; programs that stages need are targets of bench-programs.
# SPDX-License-Identifier: Apache-2.0

bench: deps ## measurements against peers; STAGE=name: that one alone, RECORD=1: into the README
	@tests/stack/deps bench
	@$(MAKE) all bench-programs && tests/bench/run $(if $(RECORD),--record) $(STAGE)
profile: deps ## where a stage's time goes, by function; STAGE=scoring (ingestion, cleaning, features, sink)
	@tests/stack/deps valgrind
	@$(MAKE) all bench-programs && tests/bench/profile $(or $(STAGE),scoring)

BENCH_MAINS := ingestion cleaning features scoring
bench-objects = $(1:%=build/o/%.o) build/o/tests/bench/bench.o
CLI_TOPICS := $(addprefix services/cli/,topics cli output options)
CLI_EVENTS := $(addprefix services/cli/,csv_reader events events_csv)

# The mains of the services hand their descriptors to the loop under measurement, which sees these
# functions of the library through tests/bench/loop.c.
LOOP_WRAPS := service_main consumer_poll consumer_start producer_open_transactional producer_init \
  producer_begin producer_await producer_send producer_commit sink_count
LOOP_PARTS := $(basename $(filter-out %/main.c,$(wildcard $(BENCH_MAINS:%=services/%/*.c))))
build/o/bench/%_main.o: services/%/main.c Makefile tests/bench/bench.mk
	@mkdir -p $(@D) && $(call say,cc $@)
	$(Q)$(CC) $(PRODUCT) -Dmain=$*_main -c $< -o $@
build/bench/loop: $(call bench-objects,tests/bench/loop $(LOOP_PARTS)) $(BENCH_MAINS:%=build/o/bench/%_main.o)
build/bench/loop: BENCH_LINK := $(LOOP_WRAPS:%=-Wl,--wrap=%)
build/bench/fill: $(call bench-objects,tests/bench/fill $(CLI_TOPICS))
build/bench/floor: $(call bench-objects,tests/bench/floor)
build/bench/load: $(call bench-objects,$(addprefix tests/bench/,load draw histogram) $(CLI_EVENTS))
build/bench/load: BENCH_LINK := -lcsv
build/bench/weights: $(call bench-objects,tests/bench/weights)
build/bench/codec: $(call bench-objects,tests/bench/codec)
build/bench/gbdt: build/o/tests/bench/gbdt.o
build/bench/trees: build/o/tests/bench/trees.o

BENCH_FITS := build/bench/perceptron build/bench/fits
$(BENCH_FITS): build/bench/%: build/o/tests/bench/%.o build/o/shared/linear_blas.o build/o/libmillrace.a
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(CC) $(PRODUCT) $(filter %.o,$^) $(filter %.a,$^) $(LINK) $(MALLOC) $(LIBS) $(BLAS) -o $@

BENCH_PROGRAMS := $(addprefix build/bench/,loop fill floor load weights codec gbdt trees)
$(BENCH_PROGRAMS): build/o/shared/linear_plain.o build/o/libmillrace.a
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(CC) $(PRODUCT) $(filter %.o,$^) $(filter %.a,$^) $(LINK) $(MALLOC) $(LIBS) $(BENCH_LINK) -o $@
bench-programs: $(BENCH_PROGRAMS) $(BENCH_FITS)
.PHONY: bench bench-programs profile

# The load generator's figures rest on these two, so they have unit tests.
LOAD_UNIT := $(addprefix build/t/,tests/bench/draw.o tests/bench/histogram.o $(CLI_EVENTS:%=%.o))
EXTRA_test_load := $(LOAD_UNIT) -lcsv
build/t/unit/bench/test_load: $(LOAD_UNIT)
