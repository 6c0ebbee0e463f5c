#!/usr/bin/env python3
# The peers of trees.c, and the model of both: 100 trees of depth 6 over rows that gbdt.c made.
#   trees.py make ROWS FILE MODEL.json MODEL.txt: XGBoost's, whose trees are ours too, and LightGBM's
#   trees.py batch|explain MODEL.json ROWS FILE OUT ROUNDS: XGBoost, by one thread; prints what trees prints
#   trees.py compare WIDTH OURS THEIRS: the largest difference
#   trees.py library xgboost|lightgbm: where its C interface is
# SPDX-License-Identifier: Apache-2.0
import os
import resource
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np  # noqa: E402

COLUMNS = 28


def read(path, rows):
    return np.fromfile(path, dtype=np.float32, count=rows * COLUMNS).reshape(rows, COLUMNS)


def make(rows, path, json, text):
    import lightgbm
    import xgboost
    rows = int(rows)
    numbers = np.fromfile(path, dtype=np.float32)
    x, y = numbers[:rows * COLUMNS].reshape(rows, COLUMNS), numbers[rows * COLUMNS:]
    settings = {"tree_method": "hist", "max_bin": 255, "max_depth": 6, "eta": 0.1, "objective": "binary:logistic",
                "base_score": 0.5}
    xgboost.train(settings, xgboost.QuantileDMatrix(x, label=y, max_bin=255), num_boost_round=100).save_model(json)
    settings = {"max_bin": 255, "max_depth": 6, "num_leaves": 64, "learning_rate": 0.1, "objective": "binary",
                "verbosity": -1}
    lightgbm.train(settings, lightgbm.Dataset(x, label=y), num_boost_round=100).save_model(text)


def measure(what, model, rows, path, out, rounds):
    import xgboost
    booster = xgboost.Booster({"nthread": 1}, model_file=model)
    x = read(path, int(rows))
    matrix = xgboost.DMatrix(x, nthread=1)
    run = {"batch": lambda: booster.inplace_predict(x, predict_type="margin"),
           "explain": lambda: booster.predict(matrix, pred_contribs=True)}[what]
    found = run()  # the first one is not counted
    cpu = 0
    for _ in range(int(rounds)):
        began = time.process_time()
        found = run()
        cpu += time.process_time() - began
    found.astype(np.float64).tofile(out)
    mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"cpu_us={cpu / (int(rounds) * len(x)) * 1e6:.4f} mb={mb}")


def compare(width, ours, theirs):
    ours, theirs = (np.fromfile(path).reshape(-1, int(width)) for path in (ours, theirs))
    print(f"difference={np.abs(ours - theirs).max():.3g}")


def library(name):
    package = __import__(name)
    folder = os.path.dirname(package.__file__)
    print(os.path.join(folder, "lib", {"xgboost": "libxgboost.so", "lightgbm": "lib_lightgbm.so"}[name]))


what, *rest = sys.argv[1:]
if what in ("batch", "explain"):
    measure(what, *rest)
else:
    {"make": make, "compare": compare, "library": library}[what](*rest)
