#!/usr/bin/env python3
# The other programs of tests/swap/run.
#   peers.py learn xgboost|lightgbm|linear FOLDER   learns from the training rows of an exported folder, writes
#                                                   its model there, and prints event_id,probability of all rows
#   peers.py apply MODEL FOLDER                     what XGBoost predicts of all rows by a model of XGBoost's
# SPDX-License-Identifier: Apache-2.0
import json
import pathlib
import sys

import numpy as np
import pandas as pd


def read(folder):
    with open(folder / "export.json") as file:
        about = json.load(file)
    rows = pd.read_csv(folder / "rows.csv", dtype={"event_id": str})
    return rows, about["columns"]


def types_of(columns):
    return ["c" if column["type"] == "category" else "q" for column in columns]


def matrix_of(rows, columns):
    import xgboost
    names = [column["name"] for column in columns]
    return xgboost.DMatrix(rows[names].to_numpy(dtype=np.float32), feature_names=names,
                           feature_types=types_of(columns), enable_categorical=True)


def learn_xgboost(folder, rows, columns, training):
    import xgboost
    matrix = matrix_of(training, columns)
    matrix.set_label(training["label"])
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 4, "eta": 0.1, "nthread": 2},
                            matrix, num_boost_round=60)
    booster.save_model(folder / "model.json")
    return booster.predict(matrix_of(rows, columns))


def learn_lightgbm(folder, rows, columns, training):
    import lightgbm
    names = [column["name"] for column in columns]
    categories = [column["name"] for column in columns if column["type"] == "category"]
    data = lightgbm.Dataset(training[names], label=training["label"], categorical_feature=categories)
    booster = lightgbm.train({"objective": "binary", "num_leaves": 15, "num_threads": 2, "verbose": -1},
                             data, num_boost_round=60)
    booster.save_model(folder / "model.txt")
    return booster.predict(rows[names])


def learn_linear(folder, rows, columns, training):
    from sklearn.linear_model import LogisticRegression
    names = [column["name"] for column in columns]
    model = LogisticRegression(max_iter=1000).fit(training[names].to_numpy(), training["label"])
    with open(folder / "model.json", "w") as file:
        json.dump({"format": "millrace-linear-1", "learner": "logistic", "columns": names,
                   "weights": model.coef_.tolist(), "intercepts": model.intercept_.tolist(),
                   "means": training[names].mean().tolist()}, file)
    return model.predict_proba(rows[names].to_numpy())[:, 1]


def apply(model, rows, columns):
    import xgboost
    return xgboost.Booster(model_file=model).predict(matrix_of(rows, columns))


def main():
    folder = pathlib.Path(sys.argv[3])
    rows, columns = read(folder)
    if sys.argv[1] == "learn":
        learn = {"xgboost": learn_xgboost, "lightgbm": learn_lightgbm, "linear": learn_linear}[sys.argv[2]]
        found = learn(folder, rows, columns, rows[rows["split"] == "train"])
    else:
        found = apply(sys.argv[2], rows, columns)
    for event, probability in zip(rows["event_id"], found):
        print(f"{event},{float(probability)!r}")


main()
