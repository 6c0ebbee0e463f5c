#!/usr/bin/env python3
# Makes golden_trees.json: what XGBoost and scikit-learn learn from small made-up rows, and how well
# they and LightGBM rank credit_data.csv. Needs numpy, scikit-learn, xgboost and lightgbm (made with
# 2.4.6, 1.9.1, 3.2.0, 4.7.0); the tests read the output alone.
# SPDX-License-Identifier: Apache-2.0
import csv
import json
import pathlib

import lightgbm
import numpy as np
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import ndcg_score, roc_auc_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

HERE = pathlib.Path(__file__).parent
ROWS, COLUMNS = 240, 4


def draw():
    """Rows whose numbers are exact in float32, with gaps, and labels of every kind."""
    chance = np.random.default_rng(7)
    x = np.round(chance.normal(size=(ROWS, COLUMNS)) * 32) / 16
    margin = x[:, 0] - 0.5 * x[:, 1] * x[:, 2] + chance.normal(size=ROWS) * 0.7
    gaps = x.copy()
    gaps[chance.random((ROWS, COLUMNS)) < 0.15] = np.nan
    return {
        "x": x, "gaps": gaps,
        "numbers": np.round(margin * 64) / 64,
        "binary": (margin > 0).astype(int),
        "classes": np.digitize(margin, [-1, 0.8]),
        "weights": 1 + np.arange(ROWS) % 3,
        "category": chance.integers(0, 12, ROWS),
    }


def lists(array):
    return [[None if np.isnan(v) else float(v) for v in row] for row in array]


def boost(rows, columns, label, ours, weighted=False, **settings):
    """Margins of all rows and, where asked for, Shapley values of the first."""
    matrix = xgboost.DMatrix(rows[columns], label=rows[label],
                             weight=rows["weights"] if weighted else None)
    given = {"tree_method": "hist", "max_bin": 256, "eta": 0.3, "max_depth": 3, "lambda": 1, "nthread": 1}
    booster = xgboost.train({**given, **settings}, matrix, num_boost_round=8)
    case = {"columns": columns, "label": label, "weighted": weighted, "settings": ours,
            "margins": booster.predict(matrix, output_margin=True).astype(float).tolist()}
    if label != "classes":
        case["parts"] = booster.predict(matrix, pred_contribs=True)[:20].astype(float).tolist()
    return case


def boosted(rows):
    binary = {"objective": "binary:logistic"}
    number = {"objective": "reg:squarederror"}
    several = {"objective": "multi:softprob", "num_class": 3}
    return [
        boost(rows, "x", "numbers", {}, **number),
        boost(rows, "gaps", "numbers", {"l2": 0.25, "child_weight_min": 5.0}, min_child_weight=5,
              **number, **{"lambda": 0.25}),
        boost(rows, "gaps", "binary", {}, **binary),
        boost(rows, "gaps", "binary", {"child_weight_min": 4.0, "split_gain_min": 0.5},
              weighted=True, min_child_weight=4, gamma=0.5, **binary),
        boost(rows, "x", "binary", {"leaves_max": 6.0, "depth_max": 6.0},
              grow_policy="lossguide", max_leaves=6, **{**binary, "max_depth": 6}),
        boost(rows, "gaps", "classes", {}, **several),
    ]


def tree(rows, label, ours, **settings):
    kind = DecisionTreeRegressor if label == "numbers" else DecisionTreeClassifier
    learner = kind(random_state=0, **settings).fit(rows["x"], rows[label], rows["weights"])
    answer = learner.predict(rows["x"]) if label == "numbers" else learner.predict_proba(rows["x"])
    return {"label": label, "settings": ours, "leaves": int(learner.get_n_leaves()),
            "scores": answer.tolist()}


def grown(rows):
    return [
        tree(rows, "numbers", {"depth_max": 4}, max_depth=4),
        tree(rows, "numbers", {"leaf_rows_min": 5}, min_samples_leaf=5),
        tree(rows, "numbers", {"prune": 0.02}, ccp_alpha=0.02),
        tree(rows, "binary", {"depth_max": 3}, max_depth=3),
        tree(rows, "binary", {"prune": 0.01}, ccp_alpha=0.01),
        tree(rows, "binary", {"depth_max": 3, "criterion": "entropy"}, max_depth=3, criterion="entropy"),
        tree(rows, "classes", {"depth_max": 3}, max_depth=3),
        tree(rows, "classes", {"split_rows_min": 30, "criterion": "entropy"}, min_samples_split=30,
             criterion="entropy"),
    ]


def ranked():
    """Queries of ten rows each and the mean NDCG at 5 of some scores."""
    chance = np.random.default_rng(3)
    grades, scores = chance.integers(0, 4, (30, 10)), chance.normal(size=(30, 10))
    return {"grades": grades.tolist(), "scores": scores.tolist(),
            "ndcg": float(np.mean([ndcg_score([2.0 ** g - 1], [s], k=5) for g, s in zip(grades, scores)]))}


TEXTS = ["Home", "Marital", "Records", "Job"]


def credit():
    """AUC by five folds of rows i, i + 5, ... with texts as codes by order of their bytes."""
    with open(HERE / "credit_data.csv", newline="") as file:
        table = list(csv.DictReader(file))
    y = np.array([1 if r["Status"] == "bad" else 0 for r in table])
    columns = [c for c in table[0] if c != "Status"]
    codes = {c: sorted({r[c] for r in table if r[c]}) for c in TEXTS}
    x = np.array([[np.nan if r[c] == "" else float(codes[c].index(r[c]) if c in TEXTS else r[c])
                   for c in columns] for r in table])
    categories = [columns.index(c) for c in TEXTS]
    fold = np.arange(len(y)) % 5
    peers = {
        "xgboost": lambda: xgboost.XGBClassifier(n_estimators=100, max_depth=4, learning_rate=0.1, n_jobs=1),
        "lightgbm": lambda: lightgbm.LGBMClassifier(n_estimators=100, max_depth=4, num_leaves=16,
                                                    learning_rate=0.1, n_jobs=1, verbose=-1),
        "forest": lambda: RandomForestClassifier(n_estimators=200, min_samples_leaf=2, n_jobs=1,
                                                 random_state=0),
    }
    found = {}
    for name, make in peers.items():
        p = np.zeros(len(y))
        for k in range(5):
            more = {"categorical_feature": categories} if name == "lightgbm" else {}
            learner = make().fit(x[fold != k], y[fold != k], **more)
            p[fold == k] = learner.predict_proba(x[fold == k])[:, 1]
        found[name] = float(np.mean([roc_auc_score(y[fold == k], p[fold == k]) for k in range(5)]))
    return found


def main():
    rows = draw()
    golden = {"x": lists(rows["x"]), "gaps": lists(rows["gaps"]), "weights": rows["weights"].tolist(),
              "category": rows["category"].tolist()}
    for label in ("numbers", "binary", "classes"):
        golden[label] = rows[label].tolist()
    golden["boosting"], golden["tree"] = boosted(rows), grown(rows)
    golden["ranking"], golden["credit"] = ranked(), credit()
    with open(HERE / "golden_trees.json", "w") as file:
        json.dump(golden, file, separators=(",", ":"))
        file.write("\n")


main()
