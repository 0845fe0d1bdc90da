"""ONNX nodes that pick or move numbers, as embedding and shape layers of a spec; and sizes."""

from dataclasses import replace
from math import prod

import numpy as np

from respnet.engine.onnx.translate import (
    BATCH,
    FIRST,
    RNN_H,
    RNN_Y,
    TIME,
    Sizes,
    Value,
    Zeros,
    only,
)
from respnet.engine.onnx.translate_images import flattened
from respnet.engine.onnx.translate_recurrent import last_step


def _gather(walk, node, x, index):
    axis = node.attributes.get("axis", 0)
    if isinstance(x, Sizes):
        known = x.items is not None and isinstance(index, np.ndarray)
        return Sizes(tuple(x.items[i] for i in np.atleast_1d(index)) if known else None)
    if isinstance(x, Zeros):
        return x
    if isinstance(x, np.ndarray) and isinstance(index, Value):
        only(x.ndim == 2 and axis == 0, "a table that is not (V,H)")
        config = {"input_dim": x.shape[0], "output_dim": x.shape[1]}
        flat = replace(index, axes=BATCH)
        (made,) = walk.layer("embedding", [flat], config, {"embeddings": x})
        return replace(made, axes=index.axes)
    only(isinstance(index, np.ndarray) and index.size == 1, "indices that are no constants")
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
    only((x.axes, tuple(perm)) in turned, f"axes are turned as {perm}")
    return replace(x, axes=turned[x.axes, tuple(perm)])


def _axes(node, given) -> list[int]:
    return [int(n) for n in (node.attributes.get("axes") if given is None else given)]


def _squeeze(walk, node, x, axes=None):
    if not isinstance(x, Value):
        return x
    known = {(RNN_Y, 1): TIME, (RNN_H, 0): BATCH}
    axes = _axes(node, axes)
    only(len(axes) == 1 and (x.axes, axes[0]) in known, f"axes {axes} are taken out")
    return replace(x, axes=known[x.axes, axes[0]])


def _unsqueeze(walk, node, x, axes=None):
    if not isinstance(x, Value):
        return x
    only(x.axes == BATCH and len(x.shape) == 1 and _axes(node, axes) == [0], "a new axis")
    return replace(x, axes=RNN_H)


def _shape(walk, node, x):
    if not isinstance(x, Value) or x.axes != BATCH:
        return Sizes()
    items = ("B", *x.shape)[node.attributes.get("start", 0) : node.attributes.get("end")]
    return Sizes(items)


def _concat(walk, node, *parts):
    if all(isinstance(part, Value) for part in parts):
        return walk.layer("concatenate", parts, {"axis": node.attributes["axis"]})
    only(not any(isinstance(part, Value) for part in parts), "values and constants are joined")
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
    only(isinstance(x, Zeros), "a value is repeated")
    return x


def _filled(walk, node, shape):
    only(not node.attributes.get("value", np.zeros(1)).any(), "constants of changing shape")
    return Zeros()


def _slice(walk, node, x, *places):
    if isinstance(x, (Zeros, Sizes)):
        return x if isinstance(x, Zeros) else Sizes()
    start, end, axis, step = (int(np.reshape(p, ())) for p in places)
    turned = start == step == -1 and end < -(2**31) and x.axes == BATCH and axis == 1
    only(turned, "a part of a value")
    owner = walk.alone(node.inputs[0], x, "reverse_time")
    if owner is None:
        return walk.layer("reverse_time", [x], {})
    del walk.nodes[owner.name]  # turned twice
    return replace(x, name=owner.inputs[0])


def _reshape(walk, node, x, shape=None):
    if isinstance(x, (Zeros, Sizes)):
        return x
    target = shape.items if isinstance(shape, Sizes) else shape.tolist()
    only(target is not None, "a shape that is computed")
    only(x.axes == BATCH or (x.axes == FIRST and len(target) == 2), "axes in another order")
    first, *rest = target
    whole = None not in x.shape and -1 not in rest and 0 not in rest
    rows = first in ("B", 0) or first in walk.rows
    only(rows or (first == -1 and whole and prod(rest) == prod(x.shape)), f"shape {target}")
    rest = [x.shape[i] if n == 0 else n for i, n in enumerate(rest)]
    only(all(isinstance(n, int) for n in rest), f"shape {target}")
    if len(rest) == 1 and rest[0] in (-1, prod(n or 0 for n in x.shape)):
        return flattened(walk, x) if x.axes == FIRST else walk.layer("flatten", [x], {})
    return walk.layer("reshape", [x], {"target_shape": rest})


def _flatten(walk, node, x):
    only(node.attributes.get("axis", 1) == 1, "rows are joined")
    if x.axes == FIRST:
        return flattened(walk, x)
    return walk.layer("flatten", [x], {})


HANDLERS = {
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
}
