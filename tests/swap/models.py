#!/usr/bin/env python3
# Models of XGBoost and LightGBM by settings drawn at random, over rows drawn at random: numbers of all
# sizes, many zeros, gaps, categories. What ours reads of each must predict what the original predicts, and
# what ours writes for XGBoost must too. A model may be refused for zeros that are missing, and for nothing else.
# models.py PREDICT COUNT SEED: the program, how many models, and the seed. Prints one line.
# SPDX-License-Identifier: Apache-2.0
import pathlib
import random
import subprocess
import sys
import tempfile
import warnings

import lightgbm
import numpy as np
import xgboost

ROWS, COLUMNS, GROUP = 1500, 6, 10
# XGBoost adds up in float32, a model's trees one after the other.
TOLERANCE = {"xgboost": 3e-6, "lightgbm": 1e-12, "written": 3e-6}


def draw_rows(choose, chance):
    """Cells and what depends on them; the last column may be of categories."""
    x = chance.normal(size=(ROWS, COLUMNS)).astype(np.float32)
    kind = choose.randrange(4)
    if kind == 1:
        x = np.round(x)
    elif kind == 2:
        x[chance.random(x.shape) < 0.4] = 0
    elif kind == 3:
        x *= np.float32(10) ** chance.integers(-30, 30, COLUMNS).astype(np.float32)
    if choose.random() < 0.7:
        x[chance.random(x.shape) < choose.choice([0.02, 0.3])] = np.nan
    categories = choose.random() < 0.5
    if categories:
        x[:, -1] = chance.integers(0, choose.choice([3, 30, 200]), ROWS)
        x[chance.random(ROWS) < 0.1, -1] = np.nan
    scaled = np.nan_to_num(x[:, 0] / (np.nanstd(x[:, 0]) + 1e-30))
    pull = scaled + categories * (np.nan_to_num(x[:, -1]) % 3 == 1) + np.isnan(x[:, 1])
    return x, pull + chance.normal(size=ROWS) * 0.5, categories


def label(task, pull):
    return {"binary": (pull > 0.3).astype(int), "numbers": pull, "classes": np.digitize(pull, [-0.5, 0.5]),
            "ranking": np.digitize(pull, [-0.5, 0.5, 1])}[task]


def types_of(categories):
    return ["q"] * (COLUMNS - 1) + ["c" if categories else "q"]


def learn_xgboost(choose, task, x, y, categories, path):
    method = choose.choice(["hist", "approx"] if categories else ["hist", "approx", "exact"])
    settings = {
        "nthread": 1, "tree_method": method, "max_depth": choose.choice([1, 3, 6, 9]),
        "eta": choose.choice([0.05, 0.3, 1]), "max_cat_to_onehot": choose.choice([1, 4, 500]),
        "subsample": choose.choice([1, 0.5]), "colsample_bytree": choose.choice([1, 0.5]),
        "min_child_weight": choose.choice([0, 1]), "num_parallel_tree": choose.choice([1, 1, 3]),
        "objective": {"binary": choose.choice(["binary:logistic", "reg:logistic"]), "classes": "multi:softprob",
                      "numbers": choose.choice(["reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror"]),
                      "ranking": choose.choice(["rank:ndcg", "rank:pairwise"])}[task]}
    if method != "exact":
        settings |= {"grow_policy": choose.choice(["depthwise", "lossguide"]), "max_bin": choose.choice([4, 256])}
    if choose.random() < 0.3:
        settings["base_score"] = choose.choice([0.1, 0.7])
    if task == "classes":
        settings["num_class"] = 3
    if choose.random() < 0.2:
        settings |= {"booster": "dart", "rate_drop": 0.4, "normalize_type": choose.choice(["tree", "forest"])}
    matrix = xgboost.DMatrix(x, label=y, feature_types=types_of(categories), enable_categorical=True)
    if task == "ranking":
        matrix.set_group([GROUP] * (ROWS // GROUP))
    booster = xgboost.train(settings, matrix, choose.choice([1, 10, 40]))
    booster.save_model(path)
    return booster.predict(matrix)


def learn_lightgbm(choose, task, x, y, categories, path):
    boosting = choose.choice(["gbdt", "gbdt", "dart", "rf", "goss"])
    settings = {
        "num_threads": 1, "verbose": -1, "boosting": boosting, "num_leaves": choose.choice([2, 8, 60]),
        "learning_rate": choose.choice([0.05, 0.3]), "min_data_in_leaf": choose.choice([1, 20]),
        "max_bin": choose.choice([4, 255]), "zero_as_missing": choose.random() < 0.15,
        "use_missing": choose.random() < 0.8, "max_cat_to_onehot": choose.choice([1, 4, 500]),
        "cat_smooth": choose.choice([0, 10]), "min_data_per_group": choose.choice([1, 50]),
        "extra_trees": choose.random() < 0.2, "sigmoid": choose.choice([1, 1, 0.5, 2]),
        "objective": {"binary": choose.choice(["binary", "cross_entropy"]), "classes": "multiclass",
                      "numbers": choose.choice(["regression", "regression_l1", "huber", "quantile"]),
                      "ranking": choose.choice(["lambdarank", "rank_xendcg"])}[task]}
    if task == "classes":
        settings["num_class"] = 3
    if boosting == "rf":
        settings |= {"bagging_freq": 1, "bagging_fraction": 0.6}
    data = lightgbm.Dataset(x.astype(float), label=y, categorical_feature=[COLUMNS - 1] if categories else [],
                            group=[GROUP] * (ROWS // GROUP) if task == "ranking" else None)
    booster = lightgbm.train(settings, data, choose.choice([1, 10, 40]))
    booster.save_model(path)
    return booster.predict(x.astype(float))


def apart(found, expected):
    found, expected = np.asarray(found, dtype=float).ravel(), np.asarray(expected, dtype=float).ravel()
    return float(np.max(np.abs(found - expected) / np.maximum(1, np.abs(expected))))


def main():
    predict, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    warnings.filterwarnings("ignore")
    choose = random.Random(seed)
    worst = dict.fromkeys(TOLERANCE, 0.0)
    read = refused = wrong = 0
    with tempfile.TemporaryDirectory() as place:
        model, cells, scores, written = (str(pathlib.Path(place) / name)
                                         for name in ("model.json", "cells", "scores", "written.json"))
        for number in range(count):
            x, pull, categories = draw_rows(choose, np.random.default_rng(choose.randrange(1 << 30)))
            task = choose.choice(["binary", "numbers", "classes", "ranking"])
            program = choose.choice(["xgboost", "lightgbm"])
            learn = learn_xgboost if program == "xgboost" else learn_lightgbm
            expected = learn(choose, task, x, label(task, pull), categories, model)
            x.tofile(cells)
            done = subprocess.run([predict, model, str(ROWS), cells, scores, written], capture_output=True, text=True)
            if done.returncode == 3 and "zero_as_missing" in done.stdout:
                refused += 1
                continue
            if done.returncode != 0:
                print(f"model {number} of {program} for {task}: {done.stdout.strip()}", file=sys.stderr)
                wrong += 1
                continue
            back = xgboost.Booster(model_file=written)
            matrix = xgboost.DMatrix(x, feature_names=back.feature_names, feature_types=back.feature_types,
                                     enable_categorical=True)
            off = {program: apart(np.fromfile(scores), expected), "written": apart(back.predict(matrix), expected)}
            for name, most in off.items():
                worst[name] = max(worst[name], most)
                if not most <= TOLERANCE[name]:
                    print(f"model {number} of {program} for {task}: {name} is {most:.2e} off", file=sys.stderr)
                    wrong += 1
            read += 1
    print(f"models={count} seed={seed} read={read} refused={refused} wrong={wrong} "
          + " ".join(f"{name}={most:.1e}" for name, most in worst.items()))


main()
