# make swap-test: models that go through XGBoost, LightGBM and scikit-learn: as many as MODELS (100), drawn at
# random by SEED, and the whole trip of rows, models and decisions on real servers.
# SPDX-License-Identifier: Apache-2.0
build/swap/predict: build/o/tests/swap/predict.o build/o/shared/linear_plain.o build/o/libmillrace.a
	@mkdir -p $(@D) && $(call say,ld $@)
	$(Q)$(CC) $(PRODUCT) $^ $(LINK) $(LIBS) -o $@

.PHONY: swap-test
swap-test: deps ## models of XGBoost, LightGBM and scikit-learn are read and decided by as the originals predict
	@tests/stack/deps swap
	@$(MAKE) all build/swap/predict && tests/swap/run
