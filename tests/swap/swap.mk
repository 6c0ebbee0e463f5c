# make swap-test: the whole trip of models: rows out, XGBoost, LightGBM and scikit-learn, models in, decisions.
# SPDX-License-Identifier: Apache-2.0
.PHONY: swap-test
swap-test: deps ## rows exported, learnt by XGBoost, LightGBM and scikit-learn, models imported, decisions compared
	@tests/stack/deps swap
	@$(MAKE) all && tests/swap/run
