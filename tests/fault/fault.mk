# The fault proxy, built with sanitizers like all that tests run.
# SPDX-License-Identifier: Apache-2.0

FAULT_PROXY := $(patsubst %.c,build/t/%.o,$(wildcard tests/fault/proxy/*.c))

build/t/fault-proxy: $(FAULT_PROXY)
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(CC) $(SANITIZE) $^ -o $@

.PHONY: faultproxy
faultproxy: build/t/fault-proxy
