#!/usr/bin/env python3
# The peers of fits.c, which describes the files.
#   fits.py draw classes|clusters ROWS COLUMNS SEED FILE: rows by chance
#   fits.py fit ESTIMATOR SETTINGS THREADS SEED TRAINING TEST SCORES [START]: any class of scikit-learn's kind
#       by its full name; prints what fits prints. START: a k-means model's bytes, whose centres it begins with
#   fits.py slope FILE SCORES: the largest slope of the mean logistic loss with 1/2 |w|^2, where such scores are
#   fits.py auc FILE SCORES; fits.py inertia FILE SCORES
# SPDX-License-Identifier: Apache-2.0
import importlib
import json
import os
import resource
import sys
import time
import warnings

if sys.argv[1:2] == ["fit"]:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = sys.argv[4]

import numpy as np  # noqa: E402


def write(path, x, y, classes):
    with open(path, "wb") as file:
        np.array([*x.shape, classes], dtype=np.uint64).tofile(file)
        np.ascontiguousarray(x, dtype=np.float32).tofile(file)
        np.ascontiguousarray(y, dtype=np.float64).tofile(file)


def read(path):
    with open(path, "rb") as file:
        rows, columns, classes = (int(n) for n in np.fromfile(file, dtype=np.uint64, count=3))
        x = np.fromfile(file, dtype=np.float32, count=rows * columns).reshape(rows, columns)
        return x, np.fromfile(file, dtype=np.float64, count=rows), classes


def draw(kind, rows, columns, seed, path):
    chance = np.random.default_rng(seed)
    shape = np.random.default_rng(columns)  # what is to be found is the same for every seed
    if kind == "classes":
        x = chance.standard_normal((rows, columns), dtype=np.float32)
        x[:, 1::3] += 0.5 * x[:, ::3][:, :x[:, 1::3].shape[1]]
        margin = x @ shape.normal(0, 0.5, columns) - 0.5 + 0.3 * x[:, 0] * x[:, 1]
        write(path, x, chance.random(rows) < 1 / (1 + np.exp(-margin)), 2)
    else:
        centres = shape.normal(0, 2, (40, columns))
        write(path, centres[chance.integers(0, 40, rows)] + chance.normal(0, 1.5, (rows, columns)),
              np.zeros(rows), 1)


def estimator(name, settings, threads, seed):
    module, cls = name.rsplit(".", 1)
    made = getattr(importlib.import_module(module), cls)(**settings)
    extra = {"n_jobs": threads, "random_state": seed}
    if module.startswith("sklearn.linear_model"):
        extra.pop("n_jobs")
    return made.set_params(**{k: v for k, v in extra.items() if k in made.get_params()})


def scores(model, x):
    if hasattr(model, "cluster_centers_"):
        return model.transform(x)
    if hasattr(model, "predict_proba"):
        p = model.predict_proba(x)
        return p[:, 1] if p.shape[1] == 2 else p
    return model.decision_function(x) if hasattr(model, "decision_function") else model.predict(x)


def fit(name, settings, threads, seed, training, test, out, start=None):
    warnings.filterwarnings("ignore")
    x, y, classes = read(training)
    settings = json.loads(settings)
    if start:
        head = np.fromfile(start, dtype=np.uint32, count=2)
        settings["init"] = np.fromfile(start, dtype=np.float32, offset=8).reshape(head[1], head[0])
    model = estimator(name, settings, int(threads), int(seed))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    cpu, wall = time.process_time(), time.monotonic()
    model.fit(x, y.astype(int) if classes > 1 else y)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    np.asarray(scores(model, read(test)[0]), dtype=np.float64).tofile(out)
    print(f"cpu_seconds={cpu:.4f} seconds={wall:.4f} mb={mb} fit_mb={mb - before}")


def slope(path, scored):
    x, y, _ = read(path)
    p = np.fromfile(scored)
    z = np.hstack([x.astype(float), np.ones((len(x), 1))])
    weights = np.linalg.lstsq(z, np.log(p / (1 - p)), rcond=None)[0]
    weights[-1] = 0  # the intercept is not penalised
    print(f"slope={np.abs(z.T @ (p - y) + weights).max() / len(y):.3g}")


def auc(path, scored):
    from sklearn.metrics import roc_auc_score
    print(f"auc={roc_auc_score(read(path)[1], np.fromfile(scored)):.5f}")


def inertia(path, scored):
    rows = len(read(path)[0])
    print(f"inertia={(np.fromfile(scored).reshape(rows, -1).min(axis=1) ** 2).sum():.8g}")


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "draw":
        draw(rest[0], int(rest[1]), int(rest[2]), int(rest[3]), rest[4])
    else:
        {"fit": fit, "slope": slope, "auc": auc, "inertia": inertia}[what](*rest)
