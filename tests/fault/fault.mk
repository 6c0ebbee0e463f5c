# The fault proxy, built with sanitizers like all that tests run.
# SPDX-License-Identifier: Apache-2.0

FAULT_PROXY := $(patsubst %.c,build/t/%.o,$(wildcard tests/fault/proxy/*.c))

build/t/fault-proxy: $(FAULT_PROXY)
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(CC) $(SANITIZE) $^ -o $@

.PHONY: faultproxy
faultproxy: build/t/fault-proxy

.PHONY: fault fault-long fault-alone fault-crippled soak
FAULT := tests/stack/deps fault && $(MAKE) deps all sanitized faultproxy flood-programs && env -u MAKEFLAGS -u MFLAGS
fault: ## 100,000 events, 30 kills, one round of every other fault: make fault SEED=1
	@$(FAULT) SEED=$(or $(SEED),1) tests/fault/run
fault-long: ## the same with 1,000,000 events, 200 kills and two rounds
	@$(FAULT) SEED=$(or $(SEED),1) EVENTS=1000000 KILLS=200 ROUNDS=2 FAULT_STACK=fault-long tests/fault/run
fault-alone: ## each class of faults by itself, with its recovery
	@$(FAULT) FAULT_STACK=fault-alone tests/fault/alone
fault-crippled: ## takes ingredients of the protocol away and sees that it is noticed
	@$(FAULT) FAULT_STACK=fault-crippled tests/fault/crippled
soak: ## MINUTES=30 of load with a kill every minute; how memory and descriptors grow
	@$(FAULT) tests/fault/soak
