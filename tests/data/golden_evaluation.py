#!/usr/bin/env python3
# Makes golden_evaluation.json: how scikit-learn and SciPy rate scores with many ties.
# Needs scikit-learn (made with 1.9.1) and SciPy; the tests read the output alone.
# SPDX-License-Identifier: Apache-2.0
import json
import pathlib

import numpy as np
from scipy.stats import ks_2samp
from sklearn import metrics
from sklearn.calibration import calibration_curve

HERE = pathlib.Path(__file__).parent
chance = np.random.default_rng(20)


def binary():
    y = (chance.random(150) < 0.3).astype(int)
    p = np.clip(np.round((0.35 * y + chance.random(150)) * 15) / 20, 0, 1)
    false_rate, true_rate, threshold = metrics.roc_curve(y, p, drop_intermediate=False)
    precision, _, _ = metrics.precision_recall_curve(y, p)
    table = {}
    for name, strategy in (("width", "uniform"), ("rows", "quantile")):
        observed, predicted = calibration_curve(y, p, n_bins=5, strategy=strategy)
        table[name] = {"observed": observed.tolist(), "predicted": predicted.tolist()}
    return {"y": y.tolist(), "p": p.tolist(),
            "average_precision": metrics.average_precision_score(y, p),
            "ks": ks_2samp(p[y == 1], p[y == 0]).statistic,
            "threshold": threshold[1:].tolist(), "true_positive_rate": true_rate[1:].tolist(),
            "false_positive_rate": false_rate[1:].tolist(),
            "precision": precision[:-1][::-1].tolist(), "calibration": table}


def classes():
    y = chance.choice(4, 120, p=[0.5, 0.3, 0.2, 0.0])  # class 3 never comes
    score = np.round(chance.random((120, 4)) + np.eye(4)[y], 1) + 0.05
    p = score / score.sum(axis=1, keepdims=True)
    said, all4 = p.argmax(axis=1), range(4)
    of_each = metrics.precision_recall_fscore_support(y, said, labels=all4, zero_division=0)
    found = {"y": y.tolist(), "p": p.ravel().tolist(), "accuracy": metrics.accuracy_score(y, said),
             "log_loss": metrics.log_loss(y, p, labels=all4),
             "confusion": metrics.confusion_matrix(y, said, labels=all4).ravel().tolist(),
             "each": {name: of_each[i].tolist() for i, name in enumerate(["precision", "recall", "f1"])}}
    for average in ("macro", "micro"):
        three = metrics.precision_recall_fscore_support(y, said, labels=all4, average=average,
                                                        zero_division=0)
        for name, value in zip(("precision", "recall", "f1"), three):
            found[f"{name}_{average}"] = value
    return found


def numbers():
    y = chance.normal(size=50) * 3 + 1
    predicted = y + chance.normal(size=50)
    return {"y": y.tolist(), "predicted": predicted.tolist(),
            "rmse": metrics.root_mean_squared_error(y, predicted),
            "mae": metrics.mean_absolute_error(y, predicted), "r2": metrics.r2_score(y, predicted)}


def ranking():
    grade, score, query = [], [], []
    ndcg, ndcg_power, precisions, firsts = [], [], [], []
    for i, count in enumerate([7, 1, 12, 5, 9, 20]):
        g = chance.choice(4, count, p=[0.55, 0.2, 0.15, 0.1]) if i != 3 else np.zeros(5, int)
        if i == 1:
            g[0] = 2
        s = np.round(0.1 * g + chance.random(count), 1)
        grade += g.tolist()
        score += s.tolist()
        query += [10 * i] * count
        if not g.any():
            continue
        if count > 1:
            ndcg.append(metrics.ndcg_score([g], [s], k=5))
            ndcg_power.append(metrics.ndcg_score([2 ** g - 1], [s]))
        else:
            ndcg.append(1.0)
            ndcg_power.append(1.0)
        precisions.append(metrics.average_precision_score(g > 0, s))
        firsts.append(1 / np.sum(s >= s[g > 0].max()))
    return {"grade": grade, "score": score, "query": query, "queries": len(ndcg),
            "ndcg_at_5": np.mean(ndcg), "ndcg_power": np.mean(ndcg_power),
            "map": np.mean(precisions), "mrr": np.mean(firsts)}


def silhouette():
    cluster = np.array([0] * 20 + [2] * 15 + [5] * 14 + [3])
    x = np.round(chance.normal(size=(50, 3)) + cluster[:, None], 2).astype(np.float32)
    return {"x": x.astype(float).ravel().tolist(), "cluster": cluster.tolist(),
            "silhouette": metrics.silhouette_score(x.astype(float), cluster)}


def main():
    golden = {"binary": binary(), "classes": classes(), "numbers": numbers(),
              "ranking": ranking(), "silhouette": silhouette()}
    with open(HERE / "golden_evaluation.json", "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


main()
