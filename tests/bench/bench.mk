# make bench: measurements against peers, with the product's flags. Each stage is an executable in
# tests/bench/stages; programs that stages need are targets of bench-programs.
# SPDX-License-Identifier: Apache-2.0

bench: deps ## measurements against peers; STAGE=name: that one alone
	@$(MAKE) all bench-programs && tests/bench/run $(STAGE)

# The loop under measurement sees these functions of the library through tests/bench/loop.c.
LOOP_WRAPS := consumer_poll consumer_start producer_open_transactional producer_init \
  producer_begin producer_commit
LOOP_PARTS := tests/bench/loop services/cleaning/clean shared/linear_plain \
  $(addprefix services/cli/,topics cli output options)
build/bench/loop: $(LOOP_PARTS:%=build/o/%.o) build/o/libmillrace.a
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(CC) $(PRODUCT) $^ $(LINK) $(LOOP_WRAPS:%=-Wl,--wrap=%) $(LIBS) -o $@
build/bench/codec: build/o/tests/bench/codec.o build/o/shared/linear_plain.o build/o/libmillrace.a
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(CC) $(PRODUCT) $^ $(LINK) $(LIBS) -o $@
bench-programs: build/bench/loop build/bench/codec
.PHONY: bench bench-programs
