#!/usr/bin/env python3
# perceptron.py encode LOANS.csv FILE: loans as a matrix: categories one-hot, numbers as logarithms, gaps
# as the mean and marked; the layout stands in tests/bench/perceptron.c.
# perceptron.py fit FILE HIDDEN ROUNDS: scikit-learn's perceptron on it, with the settings of ours.
# SPDX-License-Identifier: Apache-2.0
import csv
import resource
import sys
import time
import warnings

import numpy as np

TEXTS = ["city", "marital_status", "occupation", "education"]
NUMBERS = ["age", "assets", "loan_amount"]


def encode(loans, path):
    with open(loans, newline="") as file:
        rows = list(csv.DictReader(file))
    parts = []
    for name in TEXTS:
        for value in sorted({row[name] for row in rows} - {""}):
            parts.append([row[name] == value for row in rows])
    for name in NUMBERS:
        column = np.array([np.log(float(row[name]) + 500) if row[name] else np.nan for row in rows])
        parts.append(np.isnan(column))
        parts.append(np.where(np.isnan(column), np.nanmean(column), column))
    parts.append([row["approved"] == "yes" for row in rows])
    table = np.array(parts, dtype=np.float32).T
    with open(path, "wb") as file:
        np.array(table.shape, dtype=np.uint64).tofile(file)
        np.ascontiguousarray(table).tofile(file)


def fit(path, hidden, rounds):
    from sklearn.metrics import roc_auc_score
    from sklearn.neural_network import MLPClassifier

    with open(path, "rb") as file:
        rows, columns = (int(n) for n in np.fromfile(file, dtype=np.uint64, count=2))
        table = np.fromfile(file, dtype=np.float32).reshape(rows, columns).astype(float)
    held = np.arange(rows) % 5 == 0
    x, y = table[:, :-1], table[:, -1]
    warnings.filterwarnings("ignore")  # that it is not settled when the rounds end
    began, cpu = time.perf_counter(), time.process_time()
    mean, sd = x[~held].mean(axis=0), x[~held].std(axis=0)
    sd[sd == 0] = 1
    model = MLPClassifier(hidden_layer_sizes=[int(n) for n in hidden.split(",")], alpha=1e-4, batch_size=200,
                          max_iter=rounds, tol=0, n_iter_no_change=rounds + 1, random_state=1)
    model.fit((x[~held] - mean) / sd, y[~held])
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    auc = roc_auc_score(y[held], model.predict_proba((x[held] - mean) / sd)[:, 1])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"seconds={seconds:.3f} cpu_seconds={cpu:.3f} resident_mb={memory:.0f} auc={auc:.5f}")


if sys.argv[1] == "encode":
    encode(sys.argv[2], sys.argv[3])
else:
    fit(sys.argv[2], sys.argv[3], int(sys.argv[4]))
