#!/usr/bin/env python3
# Makes foreign/: models of XGBoost, LightGBM and scikit-learn as they write them, and what they predict
# of the rows in foreign/rows.json (made with xgboost 3.2.0, lightgbm 4.7.0, scikit-learn 1.9.1, numpy
# 2.4.6). `golden_foreign.py older NAME` makes one more pair NAME from the older xgboost or lightgbm that
# is installed, over the same rows (xgboost 1.7.4 and 2.1.4, lightgbm 3.3.5). The tests read the output alone.
# SPDX-License-Identifier: Apache-2.0
import json
import pathlib
import sys

import numpy as np

PLACE = pathlib.Path(__file__).parent / "foreign"
ROWS, CODES, MANY = 160, 12, 300
NAMES = ["a", "b", "c", "home", "town"]


def draw():
    """Numbers exact in float32, those of c whole and without gaps, and two columns of categories."""
    chance = np.random.default_rng(11)
    x = np.round(chance.normal(size=(ROWS, 3)) * 32) / 16
    x[:, 2] = np.round(x[:, 2])
    x[:, :2][chance.random((ROWS, 2)) < 0.15] = np.nan
    home, town = chance.integers(0, CODES, ROWS), chance.integers(0, MANY, ROWS)
    margin = np.nan_to_num(x[:, 0]) - 0.5 * x[:, 2] + (home % 3 == 1) + (town % 5 == 2) - 1
    margin += chance.normal(size=ROWS) * 0.5
    codes = np.column_stack([home, town]).astype(float)
    codes[chance.random((ROWS, 2)) < 0.1] = np.nan
    return {"x": np.column_stack([x, codes]), "numbers": np.round(margin * 16) / 16 + 100,
            "binary": (margin > 0).astype(int), "classes": np.digitize(margin, [-0.5, 0.7]),
            "grades": np.digitize(margin, [-1, 0, 1]), "categories": [0, 0, 0, CODES, MANY]}


def write(path, value):
    with open(PLACE / path, "w") as file:
        json.dump(value, file, separators=(",", ":"))
        file.write("\n")


def keep(name, task, scores, parts=None, columns=None):
    """Scores: probabilities, or numbers. Parts: Shapley values of the first rows' margins."""
    golden = {"task": task, "scores": np.asarray(scores, dtype=float).reshape(ROWS, -1).tolist(),
              "columns": columns if columns is not None else list(range(len(NAMES)))}
    if parts is not None:
        golden["parts"] = np.asarray(parts, dtype=float)[:20].tolist()
    write(name + ".golden", golden)


def boost_x(rows, name, task, label, columns, rounds=5, named=True, parts=True, **settings):
    import xgboost
    types = ["c" if rows["categories"][j] else "q" for j in columns]
    matrix = xgboost.DMatrix(rows["x"][:, columns], label=rows[label], feature_types=types,
                             feature_names=[NAMES[j] for j in columns] if named else None,
                             enable_categorical=True)
    if task == "ranking":
        matrix.set_group([10] * (ROWS // 10))
    given = {"tree_method": "hist", "eta": 0.3, "max_depth": 3, "nthread": 1, "seed": 3, "max_cat_to_onehot": 4}
    booster = xgboost.train({**given, **settings}, matrix, num_boost_round=rounds)
    booster.save_model(PLACE / (name + ".json"))
    keep(name, task, booster.predict(matrix), booster.predict(matrix, pred_contribs=True) if parts else None,
         columns)


def boost_l(rows, name, task, label, columns, rounds=5, named=True, parts=True, **settings):
    import lightgbm
    x = rows["x"][:, columns]
    names = [NAMES[j] for j in columns] if named else "auto"
    categories = [i for i, j in enumerate(columns) if rows["categories"][j]]
    learnt = np.nan_to_num(x) if settings.pop("filled", False) else x
    data = lightgbm.Dataset(learnt, label=rows[label], feature_name=names, categorical_feature=categories,
                            group=[10] * (ROWS // 10) if task == "ranking" else None)
    given = {"learning_rate": 0.3, "num_leaves": 6, "min_data_in_leaf": 4, "min_data_per_group": 4,
             "cat_smooth": 1, "num_threads": 1, "verbose": -1, "seed": 3, "deterministic": True}
    booster = lightgbm.train({**given, **settings}, data, num_boost_round=rounds)
    booster.save_model(PLACE / (name + ".txt"))
    # a LightGBM model may have been given data without gaps: what it makes of gaps is asked all the same
    keep(name, task, booster.predict(x), booster.predict(x, pred_contrib=True) if parts else None, columns)


def linear(rows):
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.preprocessing import StandardScaler
    x = np.nan_to_num(rows["x"][:, :3])

    def export(name, task, learner, model, scores, **more):
        write(name + ".json", {
            "format": "millrace-linear-1", "learner": learner, "columns": NAMES[:3],
            "weights": np.atleast_2d(model.coef_).tolist(),
            "intercepts": np.atleast_1d(model.intercept_).tolist(), **more})
        keep(name, task, scores, columns=[0, 1, 2])

    model = LinearRegression().fit(x, rows["numbers"])
    export("linear_numbers", "regression", "linear", model, model.predict(x), means=x.mean(0).tolist())
    scaler = StandardScaler().fit(x)
    model = LogisticRegression().fit(scaler.transform(x), rows["binary"])
    export("linear_scaled", "binary", "logistic", model, model.predict_proba(scaler.transform(x))[:, 1],
           scaler={"mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist()})
    model = LogisticRegression().fit(x, rows["classes"])
    export("linear_classes", "classes", "logistic", model, model.predict_proba(x))


def current():
    rows = draw()
    PLACE.mkdir(exist_ok=True)
    write("rows.json", {**{key: np.asarray(value).tolist() for key, value in rows.items() if key != "x"},
                        "names": NAMES,
                        "x": [[None if np.isnan(v) else v for v in row] for row in rows["x"]]})
    everything = list(range(len(NAMES)))
    boost_x(rows, "xgboost_binary", "binary", "binary", everything, objective="binary:logistic")
    boost_x(rows, "xgboost_some", "binary", "binary", [3, 0], objective="binary:logistic", base_score=0.25)
    boost_x(rows, "xgboost_many", "regression", "numbers", [4, 2], objective="reg:squarederror", max_depth=4)
    boost_x(rows, "xgboost_dart", "regression", "numbers", [0, 1, 2], named=False, booster="dart", rate_drop=0.5,
            objective="reg:squarederror", parts=False, rounds=8)
    boost_x(rows, "xgboost_classes", "classes", "classes", everything, objective="multi:softprob", num_class=3,
            num_parallel_tree=2, subsample=0.7, parts=False, rounds=3)
    boost_x(rows, "xgboost_ranking", "ranking", "grades", everything, objective="rank:ndcg")
    boost_l(rows, "lightgbm_binary", "binary", "binary", everything, objective="binary", sigmoid=2)
    boost_l(rows, "lightgbm_filled", "regression", "numbers", [0, 1, 2], named=False, objective="regression",
            filled=True, parts=False)
    boost_l(rows, "lightgbm_many", "regression", "numbers", [4, 2], objective="regression_l1", max_cat_threshold=100)
    boost_l(rows, "lightgbm_classes", "classes", "classes", everything, objective="multiclass", num_class=3,
            parts=False)
    boost_l(rows, "lightgbm_ranking", "ranking", "grades", everything, objective="lambdarank")
    boost_l(rows, "lightgbm_forest", "binary", "binary", everything, objective="binary", boosting="rf",
            bagging_freq=1, bagging_fraction=0.6, parts=False)
    linear(rows)


def older(name):
    with open(PLACE / "rows.json") as file:
        rows = json.load(file)
    rows["x"] = np.array([[np.nan if v is None else v for v in row] for row in rows["x"]])
    rows["binary"] = np.array(rows["binary"])
    boost, objective = (boost_x, "binary:logistic") if name.startswith("xgboost") else (boost_l, "binary")
    boost(rows, name, "binary", "binary", [0, 1, 2, 3], objective=objective)


older(sys.argv[2]) if len(sys.argv) == 3 and sys.argv[1] == "older" else current()
