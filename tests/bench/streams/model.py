#!/usr/bin/env python3
# model.py WEIGHTS.json MODEL.onnx: the logistic model that tests/bench/weights.c printed, as ONNX: input x,
# 1 by columns, encoded; output p, 1 by 1. In doubles, whose sums differ from ours by rounding alone.
# SPDX-License-Identifier: Apache-2.0
import json
import sys

import onnx
from onnx import TensorProto, helper

with open(sys.argv[1]) as file:
    weights = json.load(file)
columns = len(weights["weights"])
constants = [helper.make_tensor("w", TensorProto.DOUBLE, [columns, 1], weights["weights"]),
             helper.make_tensor("bias", TensorProto.DOUBLE, [1], [weights["bias"]])]
graph = helper.make_graph(
    [helper.make_node("Gemm", ["x", "w", "bias"], ["margin"]), helper.make_node("Sigmoid", ["margin"], ["p"])],
    "logistic",
    [helper.make_tensor_value_info("x", TensorProto.DOUBLE, [1, columns])],
    [helper.make_tensor_value_info("p", TensorProto.DOUBLE, [1, 1])],
    constants)
# Versions that runtimes of the last years read; the package's own may be newer than the runtime.
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(model, full_check=True)
onnx.save(model, sys.argv[2])
