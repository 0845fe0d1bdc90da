"""The same few models for each runtime that works in a child, all of them refused by our engine.

A row is (backend, package, name of its version in INFO). The models take x (N) and give y.
"""

import io
import os
from dataclasses import dataclass

import numpy as np
import pytest
import tf_models as tf
import tflite_models
from ai_models import said
from onnx import TensorProto, helper, numpy_helper

X = np.array([3, 1, 3, 2], "f4")
F4, I4 = np.dtype("f4"), np.dtype("i4")


# -- ONNX


def onnx_model(nodes, constants=(), shape=("n",)):
    nodes = [helper.make_node("Unique", ["x"], ["u"]), *nodes]
    made = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_empty_tensor_value_info("y")],
        [numpy_helper.from_array(array, name) for name, array in constants])
    imports = [helper.make_opsetid("", 17)]
    return helper.make_model(made, opset_imports=imports, ir_version=8).SerializeToString()


def onnx_plain():
    return onnx_model([helper.make_node("Identity", ["u"], ["y"])])


def onnx_outer():
    return onnx_model([helper.make_node("Reshape", ["x", "column"], ["c"]),
                       helper.make_node("Mul", ["c", "x"], ["y"])],
                      [("column", np.array([-1, 1]))])


def onnx_endless():
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Neg", ["v"], ["w"])],
        "body",
        [helper.make_tensor_value_info("i", TensorProto.INT64, ()),
         helper.make_tensor_value_info("go", TensorProto.BOOL, ()),
         helper.make_tensor_value_info("v", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, ()),
         helper.make_tensor_value_info("w", TensorProto.FLOAT, None)])
    return onnx_model([helper.make_node("Loop", ["", "c", "u"], ["y"], body=body)],
                      [("c", np.array(True))])


# -- TF


def tf_graph(*nodes):
    """u: x as it is."""
    same = tf.node("u", "MulNoNan", "x", "one", T=F4)
    return tf.graph(tf.placeholder("x"), tf.const("one", 1, "f4"), same, *nodes)


def tf_plain():
    return tf_graph(tf.node("y", "Neg", "u", T=F4))


def tf_outer():
    column = tf.node("c", "Reshape", "u", "shape", T=F4, Tshape=I4)
    return tf_graph(tf.const("shape", [-1, 1], "i4"), column,
                    tf.node("y", "Mul", "c", "u", T=F4))


def tf_endless():
    frame = {"T": F4, "frame_name": b"loop"}
    return tf_graph(
        tf.const("true", True), tf.node("enter", "Enter", "u", **frame),
        tf.node("on", "Enter", "true", T=np.dtype("?"), frame_name=b"loop", is_constant=True),
        tf.node("merge", "Merge", "enter", "next", T=F4, N=2),
        tf.node("go", "LoopCond", "on"), tf.node("switch", "Switch", "merge", "go", T=F4),
        tf.node("w", "Neg", "switch:1", T=F4), tf.node("next", "NextIteration", "w", T=F4),
        tf.node("y", "Exit", "switch", T=F4))


# -- TORCH


def archive(module):
    import torch

    file = io.BytesIO()
    torch.jit.save(torch.jit.script(module), file)
    return file.getvalue()


def torch_plain():
    import torch

    class Negative(torch.nn.Module):
        def forward(self, x):
            return -x

    return archive(Negative())


def torch_outer():
    import torch

    class Outer(torch.nn.Module):
        def forward(self, x):
            return x.view(-1, 1) * x

    return archive(Outer())


def torch_endless():
    import torch

    class Endless(torch.nn.Module):
        def forward(self, x):
            while bool(x.sum() < 1e30):
                x = -x
            return x

    return archive(Endless())


# -- all


@dataclass(frozen=True)
class Row:
    """plain: gives ``result`` for X; outer: each number with each; endless: never ends."""

    backend: str
    package: str
    info: str
    plain: object
    outer: object
    endless: object
    result: tuple

    def store(self, client, key, blob):
        names = ("INPUTS", 1, "x", "OUTPUTS", 1, "y") if self.backend == "TF" else ()
        words = (self.backend, "CPU", *names, "BLOB", blob)
        assert client.execute_command("AI.MODELSTORE", key, *words) == b"OK"

    def refused(self, client, key, blob):
        names = ("INPUTS", 1, "x", "OUTPUTS", 1, "y") if self.backend == "TF" else ()
        return said(client, "AI.MODELSTORE", key, self.backend, "CPU", *names, "BLOB", blob)


NEGATIVE = (-3, -1, -3, -2)
ROWS = [
    Row("ONNX", "onnxruntime", "onnxruntime", onnx_plain, onnx_outer, onnx_endless, (1, 2, 3)),
    Row("TF", "tensorflow", "TensorFlow", tf_plain, tf_outer, tf_endless, NEGATIVE),
    Row("TFLITE", "ai_edge_litert", "TensorFlow_Lite", tflite_models.negative,
        tflite_models.outer, tflite_models.endless, NEGATIVE),
    Row("TORCH", "torch", "Torch", torch_plain, torch_outer, torch_endless, NEGATIVE)]


def need(package):
    """Skip a test whose runtime is not there."""
    from importlib.util import find_spec

    if find_spec(package) is None:
        pytest.skip(f"{package} is an extra")


def children(server):
    """Process ids of the children of the server."""
    own = []
    for task in os.listdir(f"/proc/{server.process.pid}/task"):
        with open(f"/proc/{server.process.pid}/task/{task}/children") as file:
            own += file.read().split()
    return sorted(set(map(int, own)))


each = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.backend.lower())
