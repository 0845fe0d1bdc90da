"""Operators that move numbers or make them. Axes and shapes are inputs."""

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.onnx import shaping as onnx
from respnet.engine.onnx.shaping import within
from respnet.engine.tf.tensors import dtype_of


def _whole(value) -> int:
    return int(np.reshape(value, ()))


def _wholes(values) -> list[int]:
    return [int(n) for n in np.atleast_1d(values)]


def _int(call, numbers):
    return np.array(numbers, dtype_of(call.get("out_type", 0) or 3))


def _squeeze(call, x):
    axes = call.get("squeeze_dims") or call.get("axis")
    return np.squeeze(x, tuple(axes) if axes else None)


def _concat(call, *parts):
    *xs, axis = parts
    return _joined(call, xs, _whole(axis))


def _joined(call, xs, axis):
    shape = list(xs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in xs)
    call.room(shape, xs[0].dtype)
    return np.concatenate(xs, axis)


def _pack(call, *xs):
    call.room((len(xs), *xs[0].shape), xs[0].dtype)
    return np.stack(xs, call.get("axis", 0))


def _unpack(call, x):
    axis = call.get("axis", 0)
    if x.shape[axis] != call.get("num", 0):
        raise ShapeError(f"{call.get('num', 0)} parts of an axis of length {x.shape[axis]}")
    return tuple(np.moveaxis(x, axis, 0))


def _split(call, axis, x):
    axis, parts = _whole(axis), call.get("num_split", 0)
    if x.shape[axis] % parts:
        raise ShapeError(f"{x.shape[axis]} cannot be split into {parts}")
    return tuple(np.split(x, parts, axis))


def _split_sizes(call, x, sizes, axis):
    axis, sizes = _whole(axis), _wholes(sizes)
    left = x.shape[axis] - sum(n for n in sizes if n >= 0)
    sizes = [left if n == -1 else n for n in sizes]
    if sum(sizes) != x.shape[axis] or min(sizes, default=0) < 0:
        raise ShapeError(f"{x.shape[axis]} cannot be split into {sizes}")
    return tuple(np.split(x, np.cumsum(sizes)[:-1], axis))


def _slice(call, x, begin, size):
    index = [
        slice(b, n if s == -1 else b + s)
        for b, s, n in zip(_wholes(begin), _wholes(size), x.shape, strict=True)
    ]
    for part, length in zip(index, x.shape, strict=True):
        if not 0 <= part.start <= part.stop <= length:
            raise ShapeError(f"from {part.start} to {part.stop} of an axis of length {length}")
    return x[tuple(index)]


def _strided_slice(call, x, begin, end, strides):
    """Bit n of a mask is about place n of the three lists."""
    bit = lambda name, n: call.get(name, 0) >> n & 1  # noqa: E731
    index = []
    for n, (first, last, step) in enumerate(
        zip(begin.tolist(), end.tolist(), strides.tolist(), strict=True)
    ):
        if bit("ellipsis_mask", n):
            index.append(Ellipsis)
        elif bit("new_axis_mask", n):
            index.append(np.newaxis)
        elif bit("shrink_axis_mask", n):
            index.append(first)
        else:
            first = None if bit("begin_mask", n) else first
            index.append(slice(first, None if bit("end_mask", n) else last, step))
    return np.asarray(x[tuple(index)])


def _gather(call, x, index, axis=0):
    call.only("batch_dims", 0)
    axis = _whole(axis) % max(1, x.ndim)
    call.room((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]), x.dtype)
    if index.size and index.min() < 0:
        raise ShapeError(f"indices from {index.min()}")
    return np.take(x, within(index, x.shape[axis]), axis)


def _fill(call, shape, value):
    call.room(_wholes(shape), value.dtype)
    return np.full(_wholes(shape), value.reshape(())[()], value.dtype)


def _pad(call, x, pads, value=0):
    pads = [(int(a), int(b)) for a, b in pads]
    call.room([n + a + b for n, (a, b) in zip(x.shape, pads, strict=True)], x.dtype)
    return np.pad(x, pads, constant_values=np.asarray(value, x.dtype).reshape(()))


def _broadcast(call, x, shape):
    call.room(_wholes(shape), x.dtype)
    return np.broadcast_to(x, _wholes(shape))


OPS = {
    "Shape": lambda call, x: _int(call, x.shape),
    "Size": lambda call, x: _int(call, x.size),
    "Rank": lambda call, x: np.array(x.ndim, np.int32),
    "Reshape": lambda call, x, shape: x.reshape(_wholes(shape)),
    "ExpandDims": lambda call, x, axis: np.expand_dims(x, _whole(axis)),
    "Squeeze": _squeeze,
    "Transpose": lambda call, x, perm: np.transpose(x, _wholes(perm)),
    "ConcatV2": _concat,
    "Concat": lambda call, axis, *xs: _joined(call, xs, _whole(axis)),
    "Pack": _pack,
    "Unpack": _unpack,
    "Split": _split,
    "SplitV": _split_sizes,
    "Slice": _slice,
    "StridedSlice": _strided_slice,
    "GatherV2": _gather,
    "Gather": _gather,
    "ReverseV2": lambda call, x, axes: np.flip(x, tuple(_wholes(axes))),
    "Fill": _fill,
    "Range": onnx.OPS["Range"],
    "Tile": onnx.OPS["Tile"],
    "BroadcastTo": _broadcast,
    "Pad": _pad,
    "PadV2": _pad,
}
