#!/usr/bin/env python3
# How good the product's learners are beside scikit-learn's, XGBoost's and LightGBM's on the same rows at equal
# settings: fits all of them, rates all alike on rows that none has seen, and prints a line for each pair of
# learners with the difference and its interval by the bootstrap (1,000 samples of the rows).
#   accuracy.py FITS MILLRACE DATA SCRATCH [DATASET...]: build/bench/fits, build/millrace, tests/data, a folder
# Small sets are rated by five folds, parted anew four times, each with a seed of its own, large ones by rows of
# their own; there what is left to chance is fitted with three seeds. All figures are averaged. Metrics: AUC, of
# several classes the mean of each against the rest; of numbers R2. A fit that ours refuses, where a peer only warns,
# is said to be refused. ROWS (100000): generated loans; FASHION_ROWS
# (10000): of Fashion-MNIST's 60,000 that are fitted; THREADS (2).
# SPDX-License-Identifier: Apache-2.0
import csv
import gzip
import json
import os
import subprocess
import sys
import warnings

import numpy as np

from fits import estimator, scores, write

MARGIN = 0.003  # that ours may be behind the best peer
SAMPLES = 1000
SEEDS = (1, 2, 3)
THREADS = os.environ.get("THREADS", "2")
FASHION = "/usr/share/datasets/fashion-mnist"
LOAN_TEXTS = ("city", "marital_status", "occupation", "education")


# ---- rows: x (float32, gaps NaN), y, classes (0: numbers)
def table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def encode(rows, label):
    """Texts one-hot, numbers as they are, gaps NaN."""
    columns = []
    for name in rows[0]:
        if name == label:
            continue
        values = [row[name] for row in rows]
        try:
            columns.append([float(v) if v != "" else np.nan for v in values])
        except ValueError:
            for value in sorted(set(values) - {""}):
                columns.append([float(v == value) for v in values])
    return np.array(columns, dtype=np.float32).T


def labelled(data, name, label, positive):
    rows = table(f"{data}/{name}.csv")
    return encode(rows, label), np.array([float(row[label] == positive) for row in rows])


def numbers(data, name, label):
    rows = table(f"{data}/{name}.csv")
    return encode(rows, label), np.array([float(row[label]) for row in rows])


def fashion(kind, rows):
    with gzip.open(f"{FASHION}/{kind}-images-idx3-ubyte.gz") as file:
        x = np.frombuffer(file.read(), dtype=np.uint8, offset=16).reshape(-1, 784)[:rows]
    with gzip.open(f"{FASHION}/{kind}-labels-idx1-ubyte.gz") as file:
        y = np.frombuffer(file.read(), dtype=np.uint8, offset=8)[:rows]
    return x.astype(np.float32), y.astype(float)


def loans(millrace, rows, seed, folder):
    path = f"{folder}/loans{seed}.csv"
    with open(path, "w") as file:
        subprocess.run([millrace, "generate", "loans", "--rows", str(rows), "--seed", str(seed), "--probability", "-q"],
                       stdout=file, check=True)
    made = table(path)
    probability = np.array([float(row.pop("probability")) for row in made])
    for row in made:
        row.pop("id")
    y = np.array([float(row["approved"] == "yes") for row in made])
    return encode(made, "approved"), y, probability


# ---- splits: (training rows, test rows) for each fold
def folds(rows, count=5, times=4):
    found = []
    for time in range(times):
        place = np.random.default_rng(time).permutation(rows) % count
        found += [(np.flatnonzero(place != k), np.flatnonzero(place == k)) for k in range(count)]
    return found


def filled(x, training):
    """For learners that take no gaps: the mean in them and a mark, all columns of equal spread."""
    gaps = np.isnan(x)
    mean = np.nanmean(x[training], axis=0)
    whole = np.where(gaps, mean, x)
    sd = whole[training].std(axis=0)
    marks = gaps[:, gaps.any(axis=0)]
    return np.hstack([(whole - mean) / np.where(sd > 0, sd, 1), marks]).astype(np.float32)


# ---- learners: name, ours, its settings, the peer, its settings; gaps: takes them; chance: depends on the seed
def pair(name, ours, settings, peer, theirs, gaps=False, chance=False):
    return {"name": name, "ours": ours, "settings": settings, "peer": peer, "theirs": theirs, "gaps": gaps,
            "chance": chance}


def boosting(classes, rounds, depth=6, rate=0.1):
    kind = "Regressor" if classes == 0 else "Classifier"
    name = f"boosting-{rounds}-trees-depth-{depth}"
    ours = {"rounds": rounds, "depth_max": depth, "learning_rate": rate, "l2": 1, "child_weight_min": 1}
    return [
        pair(name, "boosting", ours, f"xgboost.XGB{kind}",
             {"n_estimators": rounds, "max_depth": depth, "learning_rate": rate, "reg_lambda": 1,
              "min_child_weight": 1, "tree_method": "hist", "max_bin": 255}, gaps=True),
        pair(name, "boosting", ours, f"lightgbm.LGBM{kind}",
             {"n_estimators": rounds, "max_depth": depth, "num_leaves": 2 ** depth, "learning_rate": rate,
              "reg_lambda": 1, "min_child_weight": 1, "min_child_samples": 1, "max_bin": 255, "verbosity": -1},
             gaps=True)]


def perceptron(classes, hidden, rounds):
    kind = "Regressor" if classes == 0 else "Classifier"
    settings = {"hidden": ",".join(str(n) for n in hidden), "rounds": rounds, "weight_decay": 5e-7, "patience": 0}
    return pair("perceptron", "perceptron", settings, f"sklearn.neural_network.MLP{kind}",
                {"hidden_layer_sizes": hidden, "alpha": 1e-4, "batch_size": 200, "max_iter": rounds, "tol": 0,
                 "n_iter_no_change": rounds + 1}, chance=True)


def learners(classes, small):
    trees = {"n_estimators": 200 if small else 100}
    forest = {"trees": trees["n_estimators"]}
    if classes == 0:
        return [pair("linear", "linear", {"l2": 1}, "sklearn.linear_model.Ridge", {"alpha": 1}),
                *boosting(0, 100),
                pair("forest", "forest", {**forest, "bins_max": 0}, "sklearn.ensemble.RandomForestRegressor",
                     {**trees, "max_features": 1 / 3}, chance=True),
                pair("tree", "tree", {"depth_max": 6}, "sklearn.tree.DecisionTreeRegressor", {"max_depth": 6}),
                pair("neighbours", "neighbours", {"neighbours": 5}, "sklearn.neighbors.KNeighborsRegressor",
                     {"n_neighbors": 5}),
                perceptron(0, [64], 200)]
    found = [pair("logistic", "logistic", {"l2": 1} if classes == 2 else {"l2": 1, "tolerance": 1e-5},
                  "sklearn.linear_model.LogisticRegression", {"C": 1.0, "max_iter": 5000}),
             *boosting(classes, 100 if small or classes == 2 else 20),
             pair("forest", "forest", forest, "sklearn.ensemble.RandomForestClassifier", trees, chance=True)]
    if classes == 2 and not small:  # the generated loans, and what comes close to the best possible
        found += boosting(2, 400, 4, 0.05)
    if small:
        found += [pair("tree", "tree", {"depth_max": 6}, "sklearn.tree.DecisionTreeClassifier", {"max_depth": 6}),
                  pair("bayes", "bayes", {"columns": "gaussian"}, "sklearn.naive_bayes.GaussianNB", {}),
                  pair("svm", "svm", {"l2": 1, "tolerance": 0.01}, "sklearn.svm.LinearSVC",
                       {"C": 1.0, "tol": 0.01, "max_iter": 10000}),
                  pair("neighbours", "neighbours", {"neighbours": 15}, "sklearn.neighbors.KNeighborsClassifier",
                       {"n_neighbors": 15})]
    return found + [perceptron(classes, [64, 32], 30 if small else 10)]


# ---- fitting: what each learner says of the test rows, for each seed
def fit_ours(fits, folder, pair, split, seed):
    out = f"{folder}/scores{seed}"
    subprocess.run([fits, pair["ours"], json.dumps(pair["settings"]), THREADS, str(seed), f"{folder}/training",
                    f"{folder}/test", out], stdout=subprocess.DEVNULL, check=True,
                   env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    said = np.fromfile(out)
    return said.reshape(len(split[3]), -1) if split[4] > 2 else said


def fit_peer(pair, split, seed):
    x, y, test, _, classes = split
    model = estimator(pair["peer"], pair["theirs"], int(THREADS), seed)
    return scores(model.fit(x, y.astype(int) if classes > 1 else y), test)


# ---- rating: a function from weights of the test rows to the metric, fast enough for the bootstrap
def rate_ranks(positive, said):
    order = np.argsort(said, kind="stable")
    ends = np.flatnonzero(np.diff(said[order], append=np.inf))  # of equal scores

    def rate(weight):
        w, hit = weight[order], positive[order]
        ups = np.diff(np.cumsum(w * hit)[ends], prepend=0)
        downs = np.diff(np.cumsum(w * ~hit)[ends], prepend=0)
        below = np.cumsum(downs) - downs / 2
        return (ups * below).sum() / (ups.sum() * downs.sum())
    return rate


def rater(y, said, classes):
    if classes == 0:
        return lambda w: 1 - (w * (y - said) ** 2).sum() / (w * (y - np.average(y, weights=w)) ** 2).sum()
    if classes == 2:
        return rate_ranks(y == 1, said)
    each = [rate_ranks(y == k, said[:, k]) for k in range(classes)]
    return lambda w: np.mean([rate(w) for rate in each])


def hits(y, said, classes):
    """Share of rows whose class is found."""
    return np.mean(said.argmax(axis=1) == y) if classes > 2 else np.nan


def compare(results, rows):
    """Of folds, (test rows, [(our rater, the peer's) for each seed]): both metrics, the difference's interval."""
    chance = np.random.default_rng(11)
    whole = [[rate(np.ones(len(test))) for rate in one] for test, seeds in results for one in seeds]
    differences = []
    for _ in range(SAMPLES):
        weight = chance.multinomial(rows, np.full(rows, 1 / rows)).astype(float)
        differences.append(np.mean([mine(weight[test]) - peer(weight[test])
                                    for test, seeds in results for mine, peer in seeds]))
    return *np.mean(whole, axis=0), *np.quantile(differences, [0.025, 0.975])


# ---- the table
def sets(fits, millrace, data, folder):
    yield "credit", 2, lambda: (*labelled(data, "credit_data", "Status", "bad"), None)
    yield "lending", 2, lambda: (*labelled(data, "lending_club", "Class", "bad"), None)
    yield "concrete", 0, lambda: (*numbers(data, "concrete", "compressive_strength"), None)
    yield "digits", 10, lambda: (*numbers(data, "digits_8x8", "label"), None)
    yield "fashion", 10, lambda: two(fashion("train", int(os.environ.get("FASHION_ROWS", 10000))),
                                     fashion("t10k", 10000))
    yield "loans", 2, lambda: loan_sets(millrace, int(os.environ.get("ROWS", 100000)), folder)


def two(training, test):
    rows = len(training[1])
    x, y = np.vstack([training[0], test[0]]), np.hstack([training[1], test[1]])
    return x, y, [(np.arange(rows), np.arange(rows, len(y)))]


def loan_sets(millrace, rows, folder):
    training, test = loans(millrace, rows, 1, folder), loans(millrace, rows, 2, folder)
    return (*two(training[:2], test[:2]), test[2])


def main(fits, millrace, data, folder, *wanted):
    warnings.filterwarnings("ignore")
    behind = []
    for name, classes, make in sets(fits, millrace, data, folder):
        if wanted and name not in wanted:
            continue
        if name == "fashion" and not os.path.isdir(FASHION):
            print("  fashion is missing: dataset-fashion-mnist could not be installed", file=sys.stderr)
            continue
        x, y, splits, *rest = make()
        best = {}
        truth = rater(y[splits[0][1]], rest[0], 2)(np.ones(len(rest[0]))) if rest else None
        for one in learners(classes, splits is None):
            try:
                ours, theirs, low, high, accuracy = measure(fits, folder, one, x, y, classes, splits or folds(len(y)))
            except subprocess.CalledProcessError:  # said why
                print(f"bench: stage=accuracy dataset={name} learner={one['name']} peer={one['peer']} refused=yes",
                      flush=True)
                continue
            line = (f"bench: stage=accuracy dataset={name} learner={one['name']} peer={one['peer']} "
                    f"metric={'r2' if classes == 0 else 'auc'} ours={ours:.4f} theirs={theirs:.4f} "
                    f"difference={ours - theirs:+.4f} low={low:+.4f} high={high:+.4f}")
            if classes > 2:
                line += " accuracy={:.4f} peer_accuracy={:.4f}".format(*accuracy)
            if truth:
                line += f" best={truth:.4f}"
            print(line, flush=True)
            key = (name, one["name"])
            best[key] = max(best.get(key, (-np.inf,)), (theirs, ours, high))
        behind += [key for key, (theirs, ours, high) in best.items() if ours < theirs - MARGIN and high < 0]
        reached = max(ours for _, ours, _ in best.values())
        if truth and reached < truth - 0.005:
            behind.append((name, f"best {reached:.4f} of {truth:.4f}"))
    for key in behind:
        print("  behind by more than", MARGIN, *key, file=sys.stderr)
    return 1 if behind else 0


def measure(fits, folder, one, x, y, classes, splits):
    results, shares = [], []
    for number, (training, test) in enumerate(splits):
        rows = x if one["gaps"] else filled(x, training)
        split = (rows[training], y[training], rows[test], y[test], classes)
        write(f"{folder}/training", *split[:2], classes)
        write(f"{folder}/test", *split[2:4], classes)
        raters = []
        for seed in SEEDS if one["chance"] and len(splits) == 1 else [number + 1]:
            said = fit_ours(fits, folder, one, split, seed), fit_peer(one, split, seed)
            raters.append([rater(y[test], by, classes) for by in said])
            shares.append([hits(y[test], by, classes) for by in said])
        results.append((test, raters))
    return *compare(results, len(y)), np.mean(shares, axis=0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
