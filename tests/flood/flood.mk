# What the flood's scripts need of programs; with the product's flags, since it reads millions of records.
# SPDX-License-Identifier: Apache-2.0

FLOOD_OBJECTS := $(addprefix build/o/,tests/flood/topic_digest.o tests/bench/bench.o shared/linear_plain.o)
build/flood/topic_digest: $(FLOOD_OBJECTS) build/o/libmillrace.a
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(CC) $(PRODUCT) $^ $(LINK) $(LIBS) -o $@
flood-programs: build/flood/topic_digest
.PHONY: flood-programs
