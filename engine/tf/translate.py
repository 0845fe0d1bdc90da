"""A frozen graph that is a chain of dense layers -> our spec and weights: fast to run.

Its nodes are those of ONNX under other names; the walk over them is ONNX'.
"""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from respnet.engine.onnx import translate
from respnet.engine.onnx.reader import Op
from respnet.engine.onnx.translate import NotPlain, only

NAMES = {"MatMul": "Gemm", "BiasAdd": "Add", "Add": "Add", "AddV2": "Add", "Relu": "Relu",
         "Sigmoid": "Sigmoid", "Tanh": "Tanh", "Softmax": "Softmax", "Identity": "Identity"}


def to_spec(graph):
    """(spec, flat weights, inputs with the shapes of their rows); NotPlain says why it is none."""
    nodes = tuple(map(_renamed, graph.nodes))
    inputs = tuple(_shaped(slot, nodes, graph.constants) for slot in graph.inputs)
    net = replace(graph.net, inputs=inputs, nodes=nodes)
    walked = SimpleNamespace(nodes=nodes, constants=graph.constants, net=net)
    return *translate.to_spec(walked), inputs


def _renamed(node: Op) -> Op:
    only(node.kind in NAMES, f"{node} is no layer")
    attributes = {}
    if node.kind == "MatMul":
        attributes = {"transA": node.attributes.get("transpose_a", 0),
                      "transB": node.attributes.get("transpose_b", 0)}
    return replace(node, kind=NAMES[node.kind], attributes=attributes)


def _shaped(slot, nodes, constants):
    """The input with the length of its rows, which the first product tells."""
    names = {slot.name}
    for node in nodes:
        if node.kind == "Identity" and node.inputs[0] in names:
            names.update(node.outputs)
        elif node.kind == "Gemm" and node.inputs[0] in names:
            kernel = constants.get(node.inputs[1])
            if isinstance(kernel, np.ndarray) and kernel.ndim == 2:
                return replace(slot, shape=(None, kernel.shape[node.attributes["transB"]]))
    raise NotPlain(f"input {slot.name!r} goes into no product")
