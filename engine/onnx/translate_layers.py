"""ONNX nodes as dense, activation, embedding, shape and merge layers of a spec.

Each handler is ``handler(walk, node, *inputs) -> what the outputs stand for``.
"""

from dataclasses import replace
from math import prod

import numpy as np

from respnet.engine.onnx.export_activations import NODES
from respnet.engine.onnx.translate import (
    BATCH,
    FIRST,
    RNN_H,
    RNN_Y,
    TIME,
    Flat,
    NotPlain,
    Sizes,
    Value,
    Zeros,
)
from respnet.engine.onnx.translate_images import flattened, rows_as_ours
from respnet.engine.onnx.translate_recurrent import last_step

_LINEAR = ("dense", "conv2d", "conv1d")


def _only(condition, problem: str) -> None:
    if not condition:
        raise NotPlain(problem)


def _gemm(walk, node, x, kernel, bias=None):
    get = node.attributes.get
    _only(get("alpha", 1.0) == get("beta", 1.0) == 1 and not get("transA", 0), "factors")
    _only(isinstance(kernel, np.ndarray), "weights that are no constants")
    kernel = kernel.T if get("transB", 0) else kernel
    return _dense(walk, x, kernel, bias)


def _dense(walk, x, kernel, bias=None):
    units = kernel.shape[1]
    if isinstance(x, Value) and isinstance(x.axes, Flat):
        kernel, x = rows_as_ours(kernel, x.axes.shape), replace(x, axes=BATCH)
    config = {"units": units, "activation": "linear", "use_bias": bias is not None}
    weights = {"kernel": kernel}
    if bias is not None:
        _only(isinstance(bias, np.ndarray) and bias.size in (1, units), "bias")
        weights["bias"] = np.broadcast_to(bias.reshape(-1), (units,))
    return walk.layer("dense", [x], config, weights)


def _matmul(walk, node, x, kernel):
    _only(isinstance(kernel, np.ndarray) and kernel.ndim == 2, "a product of two values")
    if isinstance(x, Value) and x.axes == TIME:
        (made,) = _dense(walk, replace(x, axes=BATCH), kernel)
        return replace(made, axes=TIME)
    return _dense(walk, x, kernel)


def _add(walk, node, a, b):
    if isinstance(a, Value) and isinstance(b, Value):
        _only(a.shape == b.shape and a.axes == b.axes, f"shapes {a.shape} and {b.shape}")
        return walk.layer("add", [a, b], {})
    source = node.inputs[0 if isinstance(a, Value) else 1]
    value, bias = (a, b) if isinstance(a, Value) else (b, a)
    if isinstance(value, Sizes):
        return Sizes()
    owner = walk.alone(source, value, "dense")
    _only(owner is not None and not owner.config["use_bias"], "a constant is added")
    _only(bias.size == owner.config["units"] == bias.shape[-1], "a constant is added")
    walk.weights[f"{owner.name}/bias"] = bias.reshape(-1)
    return replace(walk.change(owner, value, use_bias=True), axes=value.axes)


def _activation(name: str, **defaults):
    """A handler for activation ``name``; its attributes must have the values ours has."""

    def handler(walk, node, x):
        for key, default in defaults.items():
            want = NODES[name][1][key]
            got = node.attributes.get(key, default)
            _only(abs(got - want) < 1e-6, f"{key} {got}, only {want} is a layer here")
        return _activated(walk, node, x, name)

    return handler


def _activated(walk, node, x, name: str):
    _only(isinstance(x, Value), "it reads no value")
    owner = walk.alone(node.inputs[0], x, *_LINEAR)
    if owner is not None and owner.config["activation"] == "linear":
        return replace(walk.change(owner, x, activation=name), axes=x.axes)
    # Number by number: the order of axes does not matter (softmax has looked at it before).
    (made,) = walk.layer("activation", [replace(x, axes=BATCH)], {"activation": name})
    return replace(made, axes=x.axes)


def _softmax(walk, node, x):
    rank = len(x.shape) + 1
    _only(x.axes in (BATCH, TIME), "axes in another order")
    axis = node.attributes.get("axis", -1 if walk.net.opset >= 13 else 1)
    _only(axis % rank == rank - 1, "an axis before the last")
    return _activated(walk, node, x, "softmax")


def _gelu(walk, node, x):
    _only(node.attributes.get("approximate", b"none") == b"none", "an approximation")
    return _activated(walk, node, x, "gelu")


def _same(walk, node, x, *others):
    return x


def _cast(walk, node, x):
    if isinstance(x, Value):
        return replace(x, index=node.attributes["to"] in (6, 7))
    return x


def _gather(walk, node, x, index):
    axis = node.attributes.get("axis", 0)
    if isinstance(x, Sizes):
        known = x.items is not None and isinstance(index, np.ndarray)
        return Sizes(tuple(x.items[i] for i in np.atleast_1d(index)) if known else None)
    if isinstance(x, Zeros):
        return x
    if isinstance(x, np.ndarray) and isinstance(index, Value):
        _only(x.ndim == 2 and axis == 0, "a table that is not (V,H)")
        config = {"input_dim": x.shape[0], "output_dim": x.shape[1]}
        flat = replace(index, axes=BATCH)
        (made,) = walk.layer("embedding", [flat], config, {"embeddings": x})
        return replace(made, axes=index.axes)
    _only(isinstance(index, np.ndarray) and index.size == 1, "indices that are no constants")
    return last_step(walk, node, x, axis, int(index.reshape(())), index.ndim == 0)


def _transpose(walk, node, x):
    perm = node.attributes.get("perm")
    if isinstance(x, Zeros):
        return x
    turned = {
        (BATCH, (1, 0, 2)): TIME,
        (TIME, (1, 0, 2)): BATCH,
        (BATCH, (1, 0)): TIME,
        (TIME, (1, 0)): BATCH,
        (BATCH, (0, 2, 1)): FIRST,
        (FIRST, (0, 2, 1)): BATCH,
        (BATCH, (0, 3, 1, 2)): FIRST,
        (FIRST, (0, 2, 3, 1)): BATCH,
    }
    if perm == sorted(perm):
        return x
    _only((x.axes, tuple(perm)) in turned, f"axes are turned as {perm}")
    return replace(x, axes=turned[x.axes, tuple(perm)])


def _axes(node, given) -> list[int]:
    return [int(n) for n in (node.attributes.get("axes") if given is None else given)]


def _squeeze(walk, node, x, axes=None):
    if not isinstance(x, Value):
        return x
    known = {(RNN_Y, 1): TIME, (RNN_H, 0): BATCH}
    axes = _axes(node, axes)
    _only(len(axes) == 1 and (x.axes, axes[0]) in known, f"axes {axes} are taken out")
    return replace(x, axes=known[x.axes, axes[0]])


def _unsqueeze(walk, node, x, axes=None):
    if not isinstance(x, Value):
        return x
    _only(x.axes == BATCH and len(x.shape) == 1 and _axes(node, axes) == [0], "a new axis")
    return replace(x, axes=RNN_H)


def _shape(walk, node, x):
    if not isinstance(x, Value) or x.axes != BATCH:
        return Sizes()
    items = ("B", *x.shape)[node.attributes.get("start", 0) : node.attributes.get("end")]
    return Sizes(items)


def _concat(walk, node, *parts):
    if any(isinstance(part, Value) for part in parts):
        raise NotPlain("values are joined")
    if all(isinstance(part, Zeros) for part in parts):
        return parts[0]
    joined: list = []
    for part in parts:
        items = part.items if isinstance(part, Sizes) else part.tolist()
        if items is None:
            return Sizes()
        joined += items
    return Sizes(tuple(joined))


def _expand(walk, node, x, shape):
    if isinstance(x, np.ndarray) and not x.any():
        return Zeros()
    _only(isinstance(x, Zeros), "a value is repeated")
    return x


def _filled(walk, node, shape):
    _only(not node.attributes.get("value", np.zeros(1)).any(), "constants of changing shape")
    return Zeros()


def _slice(walk, node, x, *places):
    if isinstance(x, (Zeros, Sizes)):
        return x if isinstance(x, Zeros) else Sizes()
    start, end, axis, step = (int(np.reshape(p, ())) for p in places)
    turned = start == step == -1 and end < -(2**31) and x.axes == BATCH and axis == 1
    _only(turned, "a part of a value")
    owner = walk.alone(node.inputs[0], x, "reverse_time")
    if owner is None:
        return walk.layer("reverse_time", [x], {})
    del walk.nodes[owner.name]  # turned twice
    return replace(x, name=owner.inputs[0])


def _reshape(walk, node, x, shape=None):
    if isinstance(x, (Zeros, Sizes)):
        return x
    target = shape.items if isinstance(shape, Sizes) else shape.tolist()
    _only(target is not None, "a shape that is computed")
    _only(x.axes == BATCH or (x.axes == FIRST and len(target) == 2), "axes in another order")
    first, *rest = target
    whole = None not in x.shape and -1 not in rest and 0 not in rest
    rows = first in ("B", 0) or first in walk.rows
    _only(rows or (first == -1 and whole and prod(rest) == prod(x.shape)), f"shape {target}")
    rest = [x.shape[i] if n == 0 else n for i, n in enumerate(rest)]
    _only(all(isinstance(n, int) for n in rest), f"shape {target}")
    if len(rest) == 1 and rest[0] in (-1, prod(n or 0 for n in x.shape)):
        return flattened(walk, x) if x.axes == FIRST else walk.layer("flatten", [x], {})
    return walk.layer("reshape", [x], {"target_shape": rest})


def _flatten(walk, node, x):
    _only(node.attributes.get("axis", 1) == 1, "rows are joined")
    if x.axes == FIRST:
        return flattened(walk, x)
    return walk.layer("flatten", [x], {})


def _sizes_only(walk, node, *inputs):
    _only(all(isinstance(x, (Sizes, np.ndarray)) for x in inputs), "no layer does this")
    return Sizes()


HANDLERS = {
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Add": _add,
    "Relu": _activation("relu"),
    "Sigmoid": _activation("sigmoid"),
    "Tanh": _activation("tanh"),
    "Softplus": _activation("softplus"),
    "Exp": _activation("exponential"),
    "Elu": _activation("elu", alpha=1.0),
    "LeakyRelu": _activation("leaky_relu", alpha=0.01),
    "Softmax": _softmax,
    "Gelu": _gelu,
    "Identity": _same,
    "Dropout": _same,
    "Cast": _cast,
    "Gather": _gather,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Shape": _shape,
    "Concat": _concat,
    "Expand": _expand,
    "ConstantOfShape": _filled,
    "Slice": _slice,
    "Reshape": _reshape,
    "Flatten": _flatten,
    **dict.fromkeys(("Mul", "Sub", "Div"), _sizes_only),
}
