# The fault proxy, built with sanitizers like all that tests run.
# SPDX-License-Identifier: Apache-2.0

FAULT_PROXY := $(patsubst %.c,build/t/%.o,$(wildcard tests/fault/proxy/*.c))

build/t/fault-proxy: $(FAULT_PROXY)
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(CC) $(SANITIZE) $^ -o $@

.PHONY: faultproxy
faultproxy: build/t/fault-proxy

.PHONY: fault fault-long
FAULT := $(MAKE) deps all sanitized faultproxy && env -u MAKEFLAGS -u MFLAGS
fault: ## 100,000 events, 30 kills, one round of every other fault: make fault SEED=1
	@$(FAULT) SEED=$(or $(SEED),1) tests/fault/run
fault-long: ## the same with 1,000,000 events, 200 kills and five rounds
	@$(FAULT) SEED=$(or $(SEED),1) EVENTS=1000000 KILLS=200 ROUNDS=5 tests/fault/run
