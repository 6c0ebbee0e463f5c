#!/usr/bin/env python3
# Makes golden_linear.json: what scikit-learn's linear and classical learners learn from concrete.csv
# and digits_8x8.csv. Needs scikit-learn (made with 1.9.1); the tests read the output alone.
# SPDX-License-Identifier: Apache-2.0
import json
import pathlib

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import BernoulliNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import LinearSVC

HERE = pathlib.Path(__file__).parent
FITTED = 1200  # of the digits; the others are asked


def read(name):
    """x in float32, as Millrace keeps it, and y, the last column."""
    table = np.loadtxt(HERE / name, delimiter=",", skiprows=1)
    return table[:, :-1].astype(np.float32).astype(np.float64), table[:, -1]


def standardise(x):
    """Columns of mean 0 and variance 1, rounded to multiples of 2^-10, which float32 holds."""
    return np.round((x - x.mean(axis=0)) / x.std(axis=0) * 1024) / 1024


def lines(model):
    return {"coefficients": model.coef_.ravel().tolist(), "intercept": float(np.ravel(model.intercept_)[0])}


def linear(x, y):
    weights = 1.0 + np.arange(len(y)) % 3
    fits = [{"l1": 0, "l2": 0, "weighted": False, **lines(LinearRegression().fit(x, y))},
            {"l1": 0, "l2": 10, "weighted": False, **lines(Ridge(10, solver="svd").fit(x, y))},
            {"l1": 0, "l2": 10, "weighted": True,
             **lines(Ridge(10, solver="cholesky").fit(x, y, sample_weight=weights))}]
    for alpha, ratio in ((0.5, 0.5), (0.1, 1.0), (2.0, 0.9)):
        model = ElasticNet(alpha=alpha, l1_ratio=ratio, tol=1e-13, max_iter=100000).fit(x, y)
        fits.append({"l1": len(y) * alpha * ratio, "l2": len(y) * alpha * (1 - ratio),
                     "weighted": False, **lines(model)})
    return fits


def logistic(x, y):
    """Two solvers must agree, or the reference is not settled."""
    found = [LogisticRegression(C=1 / 50.0, solver=solver, tol=1e-11, max_iter=100000).fit(x, y)
             for solver in ("newton-cg", "newton-cholesky")]
    assert np.abs(found[0].coef_ - found[1].coef_).max() < 1e-7, "the solvers disagree"
    return {"l2": 50.0, "coefficients": found[0].coef_.tolist(),
            "probabilities": found[0].predict_proba(x[:5]).tolist()}


def untied(fitted, asked, k):
    """Rows whose neighbour number k is strictly nearer than the next: ties are anybody's choice."""
    squares = ((asked[:, None, :] - fitted[None, :, :]) ** 2).sum(axis=2)
    squares.sort(axis=1)
    return np.flatnonzero(squares[:, k - 1] < squares[:, k])


def neighbours(x, y, dx, dy):
    found = []
    for weights in ("uniform", "distance"):
        model = KNeighborsClassifier(7, weights=weights, algorithm="brute").fit(dx[:FITTED], dy[:FITTED])
        rows = untied(dx[:FITTED], dx[FITTED:], 7)[:60]
        found.append({"set": "digits", "k": 7, "weights": weights, "rows": (FITTED + rows).tolist(),
                      "answers": model.predict_proba(dx[FITTED + rows]).tolist()})
        model = KNeighborsRegressor(4, weights=weights, algorithm="brute").fit(x[:800], y[:800])
        rows = untied(x[:800], x[800:], 4)[:60]
        found.append({"set": "concrete", "k": 4, "weights": weights, "rows": (800 + rows).tolist(),
                      "answers": model.predict(x[800 + rows])[:, None].tolist()})
    return found


def svm(x, y):
    found = []
    for loss, l2 in (("squared_hinge", 1.0), ("hinge", 1.0), ("squared_hinge", 20.0)):
        model = LinearSVC(C=1 / l2, loss=loss, tol=1e-10, max_iter=300000, dual=True, random_state=1)
        model.fit(x, (y > 35).astype(int))
        found.append({"loss": loss, "l2": l2, **lines(model)})
    return found


def bayes(x, y):
    flags, found = (x > 7).astype(float), []
    for name, model, rows in (("gaussian", GaussianNB(), x), ("bernoulli", BernoulliNB(), flags),
                              ("multinomial", MultinomialNB(), x)):
        found.append({"columns": name, "probabilities": model.fit(rows, y).predict_proba(rows[:30]).tolist()})
    return found


def pca(x):
    model = PCA(3, svd_solver="full").fit(x)
    turn = np.sign(model.components_[range(3), np.abs(model.components_).argmax(axis=1)])[:, None]
    return {"components": (model.components_ * turn).tolist(),
            "scores": (model.transform(x[:20]) * turn.T).tolist()}


def main():
    x, y = read("concrete.csv")
    even = standardise(x)
    dx, dy = read("digits_8x8.csv")
    golden = {"linear": linear(x, y), "logistic": logistic(dx, dy), "neighbours": neighbours(even, y, dx, dy),
              "svm": svm(even, y), "bayes": bayes(dx, dy), "pca": pca(dx),
              "k_means": {"clusters": 10,
                          "inertia": KMeans(10, n_init=50, random_state=1, tol=0).fit(dx).inertia_}}
    with open(HERE / "golden_linear.json", "w") as file:
        json.dump(golden, file)
        file.write("\n")


main()
