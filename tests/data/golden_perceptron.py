#!/usr/bin/env python3
# Makes golden_perceptron.json: how well scikit-learn's perceptrons do on digits_8x8.csv and
# concrete.csv, by seeds 0 to 4, fitted on rows whose number is not divisible by 5 and rated on the
# others. Needs scikit-learn (made with 1.9.1); the tests read the output alone.
# SPDX-License-Identifier: Apache-2.0
import json
import pathlib
import warnings

import numpy as np
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

HERE = pathlib.Path(__file__).parent
warnings.filterwarnings("ignore")  # that rounds end before it is settled, as they do for both


def read(name):
    table = np.loadtxt(HERE / name, delimiter=",", skiprows=1)
    held = np.arange(len(table)) % 5 == 0
    x, y = table[:, :-1], table[:, -1]
    scaler = StandardScaler().fit(x[~held])
    return scaler.transform(x[~held]), y[~held], scaler.transform(x[held]), y[held]


def digits(activation, hidden):
    x, y, held_x, held_y = read("digits_8x8.csv")
    rated = []
    for seed in range(5):
        model = MLPClassifier(hidden_layer_sizes=hidden, activation=activation, max_iter=60, random_state=seed)
        model.fit(x, y)
        p = model.predict_proba(held_x)
        rated.append([np.mean(p.argmax(axis=1) == held_y), log_loss(held_y, p)])
    return {"accuracy": [r[0] for r in rated], "log_loss": [r[1] for r in rated]}


def concrete():
    x, y, held_x, held_y = read("concrete.csv")
    mean, sd = y.mean(), y.std()
    r2 = []
    for seed in range(5):
        model = MLPRegressor(hidden_layer_sizes=(32, 16), activation="tanh", max_iter=200, learning_rate_init=0.01,
                             random_state=seed, n_iter_no_change=200)
        model.fit(x, (y - mean) / sd)
        r2.append(model.score(held_x, (held_y - mean) / sd))
    return {"r2": r2}


def main():
    golden = {"digits_relu_64": digits("relu", (64,)),
              "digits_tanh_64_32": digits("tanh", (64, 32)),
              "concrete_tanh_32_16": concrete()}
    with open(HERE / "golden_perceptron.json", "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


main()
