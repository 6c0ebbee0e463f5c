# Millrace. `make help` lists what there is.
# SPDX-License-Identifier: Apache-2.0
SHELL := /bin/bash
.DEFAULT_GOAL := all
VERSION := 0.1.0
REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
JOBS ?= $(shell nproc)
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif
MAKEFLAGS += --no-print-directory

PROGRAMS := $(notdir $(patsubst %/main.c,%,$(wildcard services/*/main.c)))
SERVICES := $(filter-out cli,$(PROGRAMS))

CC := gcc
WARN := -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wimplicit-fallthrough -Wtrampolines \
  -Wbidi-chars=any -Werror
HARDEN := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-clash-protection -fstack-protector-strong \
  -fcf-protection=full -fexceptions -ftrivial-auto-var-init=zero -fno-delete-null-pointer-checks \
  -fno-strict-overflow -fno-strict-aliasing -fPIE
COMMON := -std=gnu17 -D_GNU_SOURCE -ffp-contract=off -g $(WARN) -Ishared -Itests/unit -MMD -MP \
  -I/usr/include/postgresql -DMILLRACE_VERSION='"$(VERSION)"' -ffile-prefix-map=$(CURDIR)=.
PRODUCT := $(COMMON) -O2 $(HARDEN)
SANITIZE := $(COMMON) -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
  -fno-sanitize-recover=undefined -DMILLRACE_TEST
LINK := -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed
LIBS := -lrdkafka -lpq -ljansson -lmicrohttpd -lcrypto -lpthread -lm
BLAS := -lopenblas -llapacke
# Of the product alone, first of all libraries, so that malloc and free are its: librdkafka allocates each header
# of each record, which takes glibc's a third of a stage's time. Sanitizers bring their own.
MALLOC := -ljemalloc

Q := $(if $(V),,@)
say = $(if $(V),:,echo "  $(1)")

# ---- what there is
SHARED := $(filter-out shared/linear_%.c,$(wildcard shared/*.c shared/*/*.c))
GEN := build/gen/registry.c build/gen/migrations.c
program = millrace$(if $(filter-out cli,$(1)),-$(1))

all: $(foreach s,$(PROGRAMS),build/$(call program,$(s))) ## build the services and the command

# ---- generated: registries from file names, migrations from SQL files
build/gen/registry.c: $(wildcard shared/clean/*.c shared/feature/*.c shared/encode/*.c shared/model/*.c shared/optimise/*.c shared/tune/*.c) shared/registry.sh
	@mkdir -p $(@D)
	@bash shared/registry.sh > $@.tmp && { cmp -s $@.tmp $@ && touch $@ || mv $@.tmp $@; }

build/gen/migrations.c: $(wildcard schemas/warehouse/V*.sql) schemas/warehouse/grants.sql schemas/warehouse/embed.sh
	@mkdir -p $(@D)
	@bash schemas/warehouse/embed.sh > $@.tmp && mv $@.tmp $@

# ---- two builds of everything: build/o (product) and build/t (sanitised, for the tests)
define BUILD
$(1)/%.o: %.c $$(GEN) Makefile
	@mkdir -p $$(@D) && $$(call say,cc $$@)
	$$(Q)$$(CC) $($(2)) -c $$< -o $$@
$(1)/gen/%.o: build/gen/%.c
	@mkdir -p $$(@D) && $$(call say,cc $$@)
	$$(Q)$$(CC) $($(2)) -c $$< -o $$@
$(1)/libmillrace.a: $$(SHARED:%.c=$(1)/%.o) $$(GEN:build/gen/%.c=$(1)/gen/%.o)
	@rm -f $$@
	@ar rcsD $$@ $$^
endef
$(eval $(call BUILD,build/o,PRODUCT))
$(eval $(call BUILD,build/t,SANITIZE))

build/o/shared/process.o: PRODUCT += -DMILLRACE_REVISION='"$(REVISION)"'

# training alone links BLAS; every other program the small kernels
linear = shared/linear_$(if $(filter training,$(1)),blas,plain)
define PROGRAM
build/$(3): $$(patsubst %.c,$(1)/%.o,$$(wildcard services/$(2)/*.c)) $(1)/$(call linear,$(2)).o $(1)/libmillrace.a
	@mkdir -p $$(@D) && $$(call say,ld $$@)
	$$(Q)$$(CC) $($(4)) $$^ $$(LINK) $(if $(filter PRODUCT,$(4)),$$(MALLOC)) $$(LIBS) $(if $(filter training,$(2)),$$(BLAS)) $(if $(filter cli,$(2)),-lcsv) -o $$@
endef
$(foreach s,$(PROGRAMS),$(eval $(call PROGRAM,build/o,$(s),$(call program,$(s)),PRODUCT)))
$(foreach s,$(PROGRAMS),$(eval $(call PROGRAM,build/t,$(s),san/$(call program,$(s)),SANITIZE)))
sanitized: $(foreach s,$(PROGRAMS),build/san/$(call program,$(s)))

# ---- tests: one program a file; a fake linked before the library replaces its object
UNITS := $(wildcard tests/unit/*/test_*.c tests/unit/test_*.c)
UNIT_PROGRAMS := $(patsubst tests/unit/%.c,build/t/unit/%,$(UNITS))
build/t/unit/%: build/t/tests/unit/%.o build/t/shared/linear_blas.o build/t/libmillrace.a
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(CC) $(SANITIZE) $< $(EXTRA_$(notdir $*)) build/t/shared/linear_blas.o build/t/libmillrace.a $(LIBS) $(BLAS) -lcheck -lsubunit -lrt -o $@
-include tests/unit/extra.mk
units: $(UNIT_PROGRAMS)

include tests/fuzz/fuzz.mk tests/flood/flood.mk tests/fault/fault.mk tests/bench/bench.mk tests/sanitize.mk tests/k8s/k8s.mk tests/swap/swap.mk
-include $(shell find build/o build/t -name '*.d' 2>/dev/null)
.PHONY: all help deps units sanitized up down status demo test check format clean
.SECONDARY:

deps: ## install what is missing (Debian packages, Kafka's jars)
	@tests/stack/deps

up: deps ## start Kafka, PostgreSQL and the six services
	@$(MAKE) all && tests/stack/up
status: ## pid, port, health and lag of everything
	@tests/stack/status
down: ## stop what `make up` started
	@tests/stack/down
demo: deps ## the loan case, from raw events to decisions and late outcomes
	@$(MAKE) all && tests/demo
test: deps ## all tests; ends with "N passed, N failed"
	@tests/run
check: deps ## formatting, static analysis, one includer per foreign header
	@tests/check
format: ## format the C sources
	@clang-format -i $$(git ls-files '*.c' '*.h')
clean: ## remove build/
	@rm -rf build
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | column -ts $$'\t'
