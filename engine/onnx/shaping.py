"""Operators that move numbers or make them: shapes, slices, gathers, constants."""

from math import prod

import numpy as np

from respnet.engine.errors import ShapeError


def _shape(call, x):
    return np.array(x.shape[call.get("start", 0) : call.get("end")], np.int64)


def _reshape(call, x, shape=None):
    shape = [int(n) for n in (call.get("shape") if shape is None else shape)]
    if not call.get("allowzero", 0):
        if any(n == 0 and i >= x.ndim for i, n in enumerate(shape)):
            raise ShapeError(f"a length of 0 copies one of {x.shape}, which has none there")
        shape = [x.shape[i] if n == 0 else n for i, n in enumerate(shape)]
    return x.reshape(shape)


def _flatten(call, x):
    axis = call.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(prod(x.shape[:axis]), prod(x.shape[axis:]))


def _transpose(call, x):
    return np.transpose(x, call.get("perm"))


def _squeeze(call, x, axes=None):
    axes = call.axes(axes)
    return np.squeeze(x, tuple(axes) if axes else None)


def _unsqueeze(call, x, axes=None):
    return np.expand_dims(x, tuple(call.axes(axes)))


def _concat(call, *xs):
    axis = call.get("axis")
    shape = list(xs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    call.room(shape, xs[0].dtype)
    return np.concatenate(xs, axis)


def _split(call, x, lengths=None):
    axis = call.get("axis", 0)
    lengths = call.get("split") if lengths is None else lengths
    if lengths is None:
        parts = call.get("num_outputs", call.outputs)
        if not 0 < parts <= call.limits.nodes:
            raise ShapeError(f"{parts} parts")
        one = -(-x.shape[axis] // parts)
        lengths = [one] * (parts - 1) + [x.shape[axis] - one * (parts - 1)]
    if sum(lengths) != x.shape[axis] or min(lengths, default=0) < 0:
        raise ShapeError(f"{x.shape[axis]} cannot be split into {list(lengths)}")
    return tuple(np.split(x, np.cumsum(lengths)[:-1], axis))


def _slice(call, x, starts=None, ends=None, axes=None, steps=None):
    starts = call.get("starts") if starts is None else starts
    ends = call.get("ends") if ends is None else ends
    axes = call.axes(axes, list(range(len(starts))))
    steps = [1] * len(starts) if steps is None else steps
    index = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        index[axis] = _range_of(int(start), int(end), int(step), x.shape[axis])
    return x[tuple(index)]


def _range_of(start: int, end: int, step: int, length: int) -> slice:
    """Out of range means as far as there is; before the first, when going backwards, is None."""
    if step == 0:
        raise ShapeError("a slice with step 0")
    start = start + length if start < 0 else start
    end = end + length if end < 0 else end
    if step > 0:
        return slice(max(0, start), max(0, end), step)
    start, end = min(start, length - 1), min(end, length - 1)
    if start < 0:
        return slice(0, 0, 1)
    return slice(start, None if end < 0 else end, step)


def _room_for_gather(call, x, index, axis):
    call.room((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]), x.dtype)


def within(index, length: int):
    if index.size and (index.min() < -length or index.max() >= length):
        raise ShapeError(f"indices from {index.min()} to {index.max()}, the axis has {length}")
    return index


def _gather(call, x, index):
    axis = call.get("axis", 0) % max(1, x.ndim)
    _room_for_gather(call, x, index, axis)
    return np.take(x, within(index, x.shape[axis]), axis)


def _gather_elements(call, x, index):
    axis = call.get("axis", 0) % x.ndim
    if len(index.shape) != x.ndim:
        raise ShapeError(f"indices of shape {index.shape}")
    part = [slice(None) if a == axis else slice(0, n) for a, n in enumerate(index.shape)]
    x = x[tuple(part)]
    if any(a != axis and n != m for a, (n, m) in enumerate(zip(x.shape, index.shape, strict=True))):
        raise ShapeError(f"indices of shape {index.shape}")
    return np.take_along_axis(x, within(index, x.shape[axis]), axis)


def _gather_nd(call, x, index):
    batch, last = call.get("batch_dims", 0), index.shape[-1]
    call.room((*index.shape[:-1], *x.shape[batch + last :]), x.dtype)
    outer = [np.arange(n) for n in index.shape[:batch]]
    shaped = [a.reshape(-1, *(1,) * (index.ndim - 2 - i)) for i, a in enumerate(outer)]
    columns = [within(index[..., i], x.shape[batch + i]) for i in range(last)]
    return x[(*shaped, *columns)]


def _expand(call, x, shape):
    shape = np.broadcast_shapes(x.shape, tuple(int(n) for n in shape))
    call.room(shape, x.dtype)
    return np.broadcast_to(x, shape)


def _tile(call, x, repeats):
    shape = [n * int(r) for n, r in zip(x.shape, repeats, strict=True)]
    call.room(shape, x.dtype)
    return np.tile(x, tuple(int(r) for r in repeats))


def _filled(call, shape):
    value = call.get("value", np.zeros(1, np.float32))
    shape = tuple(int(n) for n in shape)
    call.room(shape, value.dtype)
    return np.full(shape, value.reshape(())[()], value.dtype)


def _constant(call):
    real, whole = np.float32, np.int64
    kinds = {"value_float": real, "value_floats": real, "value_int": whole, "value_ints": whole}
    if call.get("value") is not None:
        return call.get("value")
    for name, dtype in kinds.items():
        if call.get(name) is not None:
            return np.array(call.get(name), dtype)
    raise ShapeError("a constant of a kind that is not supported")


def _range(call, start, limit, delta):
    start, limit, delta = (np.reshape(v, ()) for v in (start, limit, delta))
    if delta == 0:
        raise ShapeError("a range with step 0")
    count = max(0, int(np.ceil((float(limit) - float(start)) / float(delta))))
    call.room((count,), start.dtype)
    return (start + np.arange(count) * delta).astype(start.dtype)


def _one_hot(call, index, depth, values):
    depth, axis = int(np.reshape(depth, ())), call.get("axis", -1)
    axis = axis + index.ndim + 1 if axis < 0 else axis
    call.room((*index.shape, max(depth, 0)), values.dtype)
    index = np.where(index < 0, index + depth, index)
    classes = np.arange(depth).reshape(-1, *(1,) * (index.ndim - axis))
    hot = np.expand_dims(index, axis) == classes
    return np.where(hot, values[1], values[0]).astype(values.dtype)


def _pad(call, x, pads=None, value=None, axes=None):
    pads = [int(n) for n in (call.get("pads") if pads is None else pads)]
    axes = [int(a) % x.ndim for a in (range(x.ndim) if axes is None else axes)]
    widths = [(0, 0)] * x.ndim
    for i, axis in enumerate(axes):
        widths[axis] = (pads[i], pads[i + len(axes)])
    ends = list(zip(x.shape, widths, strict=True))
    call.room([n + a + b for n, (a, b) in ends], x.dtype)
    cut = tuple(slice(max(0, -a), n - max(0, -b)) for n, (a, b) in ends)
    widths = [(max(0, a), max(0, b)) for a, b in widths]
    mode = call.text("mode", "constant")
    if mode != "constant":
        call.only("mode", "constant", "edge", "reflect")
        return np.pad(x[cut], widths, mode)
    fill = call.get("value", 0) if value is None or not value.size else value.reshape(())
    return np.pad(x[cut], widths, constant_values=np.asarray(fill, x.dtype))


OPS = {
    "Shape": _shape,
    "Size": lambda call, x: np.array(x.size, np.int64),
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "Expand": _expand,
    "Tile": _tile,
    "ConstantOfShape": _filled,
    "Constant": _constant,
    "Range": _range,
    "OneHot": _one_hot,
    "Pad": _pad,
}
