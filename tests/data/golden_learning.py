#!/usr/bin/env python3
# Makes golden_learning.json: what scikit-learn learns from credit_data.csv and how it rates scores.
# Needs scikit-learn (made with 1.9.1); the tests read the output alone.
# SPDX-License-Identifier: Apache-2.0
import csv
import json
import pathlib

import numpy as np
from sklearn import metrics
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HERE = pathlib.Path(__file__).parent
NUMBERS = ["Seniority", "Time", "Age", "Expenses", "Income", "Assets", "Debt", "Amount", "Price"]
GAPPED = ["Income", "Assets", "Debt"]
TEXTS = ["Home", "Marital", "Records", "Job"]


def read_rows():
    with open(HERE / "credit_data.csv", newline="") as file:
        return list(csv.DictReader(file))


def encode(rows):
    """The matrix in float32, as Millrace keeps it, and what was learnt on the way."""
    parts, learnt = [], {"mean": {}, "sd": {}, "categories": {}}
    for name in NUMBERS:
        column = np.array([[float(r[name]) if r[name] else np.nan] for r in rows])
        scaler = StandardScaler().fit(column)
        learnt["mean"][name], learnt["sd"][name] = scaler.mean_[0], scaler.scale_[0]
        parts.append(np.nan_to_num(scaler.transform(column), nan=0.0))
    for name in GAPPED:
        parts.append(np.array([[0.0 if r[name] else 1.0] for r in rows]))
    for name in TEXTS:
        known = sorted({r[name] for r in rows if r[name]})
        learnt["categories"][name] = known
        encoder = OneHotEncoder(categories=[known], handle_unknown="ignore", sparse_output=False)
        parts.append(encoder.fit_transform([[r[name]] for r in rows]))
    return np.hstack(parts).astype(np.float32).astype(np.float64), learnt


def fit(x, y, l2, weights=None):
    """Two solvers must agree, or the reference is not settled."""
    found = []
    for solver in ("newton-cg", "newton-cholesky"):
        model = LogisticRegression(C=1 / l2, solver=solver, tol=1e-12, max_iter=10000)
        found.append(model.fit(x, y, sample_weight=weights))
    assert np.abs(found[0].coef_ - found[1].coef_).max() < 1e-8, "the solvers disagree"
    return found[1]


def rate(y, p):
    said = p >= 0.5
    return {
        "auc": metrics.roc_auc_score(y, p),
        "log_loss": metrics.log_loss(y, p),
        "brier": metrics.brier_score_loss(y, p),
        "accuracy": metrics.accuracy_score(y, said),
        "precision": metrics.precision_score(y, said),
        "recall": metrics.recall_score(y, said),
        "f1": metrics.f1_score(y, said),
    }


def main():
    rows = read_rows()
    y = np.array([1 if r["Status"] == "bad" else 0 for r in rows])
    x, learnt = encode(rows)
    golden = {"rows": len(rows), "columns": x.shape[1], **learnt, "fits": []}
    weights = 1.0 + np.arange(len(y)) % 3
    for l2, weighted in ((1.0, False), (0.01, False), (50.0, False), (1.0, True)):
        model = fit(x, y, l2, weights if weighted else None)
        p = model.predict_proba(x)[:, 1]
        golden["fits"].append({"l2": l2, "weighted": weighted, "intercept": model.intercept_[0],
                               "coefficients": model.coef_[0].tolist(), "metrics": rate(y, p),
                               "first_probabilities": p[:20].tolist()})
    tied = np.round(fit(x, y, 1.0).predict_proba(x)[:400, 1], 1)
    tied = np.clip(tied, 0.05, 0.95)
    golden["ties"] = {"y": y[:400].tolist(), "p": tied.tolist(), "metrics": rate(y[:400], tied)}
    with open(HERE / "golden_learning.json", "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


main()
