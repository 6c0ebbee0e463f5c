#!/usr/bin/env python3
# Makes golden_optimisers.json: the way of each optimiser down a quadratic, 1/2 w'Aw - b'w, from the
# formulas in matrix form, and rates of schedules from their definitions. L-BFGS is written with the
# inverse curvature as a dense matrix, built up from the kept pairs, rather than by its recursion.
# Needs numpy (made with 2.4.6); the tests read the output alone.
# SPDX-License-Identifier: Apache-2.0
import json
import math
import pathlib

import numpy as np

A = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -0.25], [0.5, -0.25, 0.5]])
B = np.array([1.0, -2.0, 0.5])
START = np.array([2.0, 1.5, -3.0])
STEPS, RATE, MOMENTUM, DECAY, EPSILON, MEMORY = 25, 0.1, 0.9, 0.95, 1e-8, 2


def loss(w):
    return 0.5 * w @ A @ w - B @ w


def slope(w):
    return A @ w - B


def descent(w):
    while True:
        w = w - RATE * slope(w)
        yield w


def momentum(w):
    velocity = np.zeros_like(w)
    while True:
        velocity = MOMENTUM * velocity + slope(w)
        w = w - RATE * velocity
        yield w


def adagrad(w):
    squares = np.zeros_like(w)
    while True:
        squares = squares + slope(w) ** 2
        w = w - RATE * slope(w) / (np.sqrt(squares) + EPSILON)
        yield w


def rmsprop(w):
    squares = np.zeros_like(w)
    while True:
        squares = DECAY * squares + (1 - DECAY) * slope(w) ** 2
        w = w - RATE * slope(w) / (np.sqrt(squares) + EPSILON)
        yield w


def adam(w):
    gradients = []
    while True:
        gradients.append(slope(w))
        t = len(gradients)
        # both moments as the weighted means that their recursions amount to
        first = np.array([MOMENTUM ** (t - i) for i in range(1, t + 1)])
        second = np.array([DECAY ** (t - i) for i in range(1, t + 1)])
        mean = first @ np.array(gradients) / first.sum()
        square = second @ np.array(gradients) ** 2 / second.sum()
        w = w - RATE * mean / (np.sqrt(square) + EPSILON)
        yield w


def inverse_curvature(pairs, n):
    if not pairs:
        return np.eye(n)
    s, y = pairs[-1]
    h = np.eye(n) * (s @ y) / (y @ y)
    for s, y in pairs[-MEMORY:]:
        v = np.eye(n) - np.outer(s, y) / (s @ y)
        h = v @ h @ v.T + np.outer(s, s) / (s @ y)
    return h


def wolfe(w, direction, t):
    low, high = 0.0, math.inf
    while True:
        to = w + t * direction
        if loss(to) > loss(w) + 1e-4 * t * (direction @ slope(w)):
            high = t
        elif direction @ slope(to) < 0.9 * (direction @ slope(w)):
            low = t
        else:
            return to
        t = 2 * low if math.isinf(high) else (low + high) / 2


def lbfgs(w):
    pairs = []
    while True:
        direction = -inverse_curvature(pairs, len(w)) @ slope(w)
        first = 1.0 if pairs else min(1.0, 1 / np.linalg.norm(slope(w)))
        to = wolfe(w, direction, first)
        pairs.append((to - w, slope(to) - slope(w)))
        w = to
        yield w


def rates():
    rate, factor, period, warm_up = 0.2, 0.5, 4, 3
    found = {"constant": [], "step": [], "exponential": [], "cosine": []}
    for step in range(16):
        t = step - warm_up
        if t < 0:
            for way in found.values():
                way.append(rate * (step + 1) / warm_up)
            continue
        found["constant"].append(rate)
        found["step"].append(rate * factor ** (t // period))
        found["exponential"].append(rate * factor ** (t / period))
        turn = math.cos(math.pi * min(t / period, 1))
        found["cosine"].append(rate * (factor + (1 - factor) * (1 + turn) / 2))
    return {"rate": rate, "factor": factor, "period": period, "warm_up": warm_up, "rates": found}


def main():
    golden = {"a": A.tolist(), "b": B.tolist(), "start": START.tolist(), "rate": RATE,
              "momentum": MOMENTUM, "decay": DECAY, "epsilon": EPSILON, "memory": MEMORY,
              "least": np.linalg.solve(A, B).tolist(), "ways": {}, "schedule": rates()}
    for kind in (descent, momentum, adagrad, rmsprop, adam, lbfgs):
        way, steps = kind(START.copy()), STEPS if kind is not lbfgs else 6
        golden["ways"][kind.__name__] = [next(way).tolist() for _ in range(steps)]
    with open(pathlib.Path(__file__).parent / "golden_optimisers.json", "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


main()
