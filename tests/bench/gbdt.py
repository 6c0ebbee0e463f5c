#!/usr/bin/env python3
# A peer of gbdt.c: fits the rows of its file at equal settings and scores those of another.
#   gbdt.py xgboost|lightgbm|lightgbm_quantised ROWS FILE THREADS TEST SCORES
# prints cpu_seconds, seconds and mb. From the matrix in memory on, as gbdt.c counts.
# SPDX-License-Identifier: Apache-2.0
import os
import resource
import sys
import time

COLUMNS = 28
which, rows, path, threads, test_path, scores_path = sys.argv[1:]
rows, threads = int(rows), int(threads)
os.environ["OMP_NUM_THREADS"] = str(threads)

import numpy as np  # noqa: E402


def read(path, rows):
    numbers = np.fromfile(path, dtype=np.float32)
    return numbers[:rows * COLUMNS].reshape(rows, COLUMNS), numbers[rows * COLUMNS:]


def fit_xgboost(x, y):
    import xgboost
    settings = {"tree_method": "hist", "max_bin": 255, "max_depth": 6, "eta": 0.1, "lambda": 1,
                "min_child_weight": 1, "objective": "binary:logistic", "nthread": threads}
    yield
    matrix = xgboost.QuantileDMatrix(x, label=y, max_bin=255, nthread=threads)
    booster = xgboost.train(settings, matrix, num_boost_round=100)
    yield lambda rows: booster.inplace_predict(rows)


def fit_lightgbm(x, y, quantised):
    import lightgbm
    settings = {"max_bin": 255, "max_depth": 6, "num_leaves": 64, "learning_rate": 0.1, "lambda_l2": 1,
                "min_sum_hessian_in_leaf": 1, "min_data_in_leaf": 1, "objective": "binary",
                "num_threads": threads, "verbosity": -1, "use_quantized_grad": quantised,
                "feature_pre_filter": False}
    yield
    booster = lightgbm.train(settings, lightgbm.Dataset(x, label=y), num_boost_round=100)
    yield lambda rows: booster.predict(rows, num_threads=threads)


x, y = read(path, rows)
test, _ = read(test_path, rows // 4)
work = fit_xgboost(x, y) if which == "xgboost" else fit_lightgbm(x, y, which == "lightgbm_quantised")
next(work)
cpu, wall = time.process_time(), time.monotonic()
predict = next(work)
cpu, wall = time.process_time() - cpu, time.monotonic() - wall
predict(test).astype(np.float64).tofile(scores_path)
print(f"cpu_seconds={cpu:.4f} seconds={wall:.4f} mb={resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}")
