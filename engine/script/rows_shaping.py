"""Functions that move numbers without changing them, and facts about tensors."""

import builtins
from math import prod

import numpy as np

from respnet.engine.errors import DtypeError, ShapeError
from respnet.engine.script.limits import ARRAY_BYTES
from respnet.engine.script.rows_elementwise import converted
from respnet.engine.script.table import room, row
from respnet.engine.script.values import (
    DTYPES,
    alike,
    axes_of,
    axis_of,
    integer,
    integers,
    kind_name,
    tensor,
)
from respnet.engine.script.values import tensors as listed
from respnet.engine.tensors import OPS


def _reshaped(x, shape):
    if shape.count(-1) > 1 or (shape and min(shape) < -1):
        raise ShapeError(f"shape {list(shape)} is invalid: one length may be -1")
    known = prod(n for n in shape if n != -1)
    if (-1 in shape and (not known or x.size % known)) or (-1 not in shape and known != x.size):
        raise ShapeError(f"shape {list(shape)} is invalid for {x.size} numbers")
    return OPS["reshape"].call(x, shape)


@row("reshape")
def reshape(budget, input, *many, shape=None):
    return _reshaped(tensor(input), integers(many, shape))


@row("view", where="method")
def view(budget, input, *many, size=None):
    return _reshaped(tensor(input), integers(many, size))


@row("view_as", "reshape_as", where="method")
def view_as(budget, input, other):
    return _reshaped(tensor(input), tensor(other).shape)


@row("flatten")
def flatten(budget, input, start_dim=0, end_dim=-1):
    x = tensor(input)
    first, last = axis_of(x, start_dim), axis_of(x, end_dim)
    if first > last:
        raise ShapeError("start_dim comes after end_dim")
    return np.reshape(x, (*x.shape[:first], prod(x.shape[first : last + 1]), *x.shape[last + 1 :]))


@row("transpose", "swapaxes")
def transpose(budget, input, dim0, dim1):
    x = tensor(input)
    return np.swapaxes(x, axis_of(x, dim0), axis_of(x, dim1)) if x.ndim else x


@row("t")
def t(budget, input):
    x = tensor(input)
    if x.ndim > 2:
        raise ShapeError(f"wanted at most 2 dimensions, got {x.ndim}")
    return x.T


@row("permute")
def permute(budget, input, *many, dims=None):
    x = tensor(input)
    axes = tuple([axis_of(x, dim) for dim in integers(many, dims)])
    if sorted(axes) != list(range(x.ndim)):
        raise ShapeError(f"dims must name each of {x.ndim} dimensions once, got {list(axes)}")
    return OPS["transpose"].call(x, axes)


@row("squeeze")
def squeeze(budget, input, dim=None):
    x = tensor(input)
    axes = axes_of(x, dim) if dim is not None else tuple(range(x.ndim))
    return np.squeeze(x, tuple([axis for axis in axes or () if x.shape[axis] == 1]))


@row("unsqueeze")
def unsqueeze(budget, input, dim):
    x, dim = tensor(input), integer(dim)
    if not -x.ndim - 1 <= dim <= x.ndim:
        raise ShapeError(f"dimension {dim} is out of range from {-x.ndim - 1} to {x.ndim}")
    return OPS["expand_dims"].call(x, dim)


@row("cat", "concat", where="torch")
def cat(budget, tensors, dim=0):
    xs = alike(*listed(tensors))
    budget.ask(sum([x.nbytes for x in xs]))
    return OPS["concatenate"].call(xs, axis_of(xs[0], dim))


@row("stack", where="torch")
def stack(budget, tensors, dim=0):
    xs = alike(*listed(tensors))
    budget.ask(sum([x.nbytes for x in xs]))
    return OPS["stack"].call(xs, axis_of(xs[0][None], dim))


@row("split")
def split(budget, input, split_size_or_sections, dim=0):
    x = tensor(input)
    axis, sizes = axis_of(x, dim), split_size_or_sections
    n = x.shape[axis]
    if isinstance(sizes, list):
        sizes = integers((sizes,))
        if sum(sizes) != n or min(sizes) < 0:
            raise ShapeError(f"the parts must add up to {n}")
        ends = np.cumsum(sizes)[:-1].tolist()
    else:
        if integer(sizes) < 1:
            raise ShapeError(f"wanted parts of at least 1, got {sizes}")
        ends = range(sizes, n, sizes)
    budget.ask(len(ends) * ARRAY_BYTES)
    return OPS["split"].call(x, list(ends), axis)


@row("chunk")
def chunk(budget, input, chunks, dim=0):
    x = tensor(input)
    if integer(chunks) < 1:
        raise ShapeError(f"wanted at least 1 part, got {chunks}")
    return split(budget, x, builtins.max(1, -(-x.shape[axis_of(x, dim)] // chunks)), dim)


@row("unbind")
def unbind(budget, input, dim=0):
    x = tensor(input)
    if not x.ndim:
        raise ShapeError("a tensor without dimensions cannot be taken apart")
    axis = axis_of(x, dim)
    budget.ask(x.shape[axis] * ARRAY_BYTES)
    rows = np.moveaxis(x, axis, 0)
    return [rows[i, ...] for i in range(len(rows))]


@row("expand", where="method")
def expand(budget, input, *many, size=None):
    x, shape = tensor(input), list(integers(many, size))
    for i in range(1, builtins.min(x.ndim, len(shape)) + 1):
        shape[-i] = x.shape[-i] if shape[-i] == -1 else shape[-i]
    room(budget, shape, x.itemsize)
    return x if tuple(shape) == x.shape else np.broadcast_to(x, shape)


@row("expand_as", where="method")
def expand_as(budget, input, other):
    return expand(budget, input, list(tensor(other).shape))


@row("broadcast_to")
def broadcast_to(budget, input, size):
    return expand(budget, input, size)


@row("repeat", where="method")
def repeat(budget, input, *many, repeats=None):
    x, times = tensor(input), integers(many, repeats)
    if len(times) < x.ndim:
        raise ShapeError(f"wanted at least {x.ndim} numbers, got {len(times)}")
    room(budget, times, builtins.max(1, x.nbytes))
    return OPS["tile"].call(x, times)


@row("tile")
def tile(budget, input, *many, dims=None):
    x, times = tensor(input), integers(many, dims)
    room(budget, times, builtins.max(1, x.nbytes))
    return OPS["tile"].call(x, times)


@row("flip")
def flip(budget, input, *many, dims=None):
    x = tensor(input)
    return OPS["flip"].call(x, tuple([axis_of(x, dim) for dim in integers(many, dims)])).copy()


@row("narrow")
def narrow(budget, input, dim, start, length):
    x = tensor(input)
    axis, start, length = axis_of(x, dim), integer(start), integer(length)
    if start < 0 or length < 0 or start + length > x.shape[axis]:
        raise ShapeError(f"{start} and {length} are outside of the dimension's {x.shape[axis]}")
    return np.moveaxis(np.moveaxis(x, axis, 0)[start : start + length], 0, axis)


@row("select")
def select(budget, input, dim, index):
    x = tensor(input)
    return np.moveaxis(x, axis_of(x, dim), 0)[integer(index), ...]


# --- types and facts ----------------------------------------------------------------------------

for _name, _dtype in {**DTYPES, "byte": DTYPES["uint8"], "char": DTYPES["int8"]}.items():
    if _name in ("float", "double", "int", "long", "short", "bool", "byte", "char"):
        row(_name, where="method")(
            lambda budget, input, dtype=_dtype: converted(budget, input, dtype))


@row("to", where="method")
def to(budget, input, dtype):
    return converted(budget, input, dtype.dtype if isinstance(dtype, np.ndarray) else dtype)


@row("type_as", where="method")
def type_as(budget, input, other):
    return converted(budget, input, tensor(other).dtype)


@row("clone")
def clone(budget, input):
    return tensor(input).copy()


@row("detach", "cpu", where="method")
def same(budget, input):
    return tensor(input)


@row("contiguous", where="method")
def contiguous(budget, input):
    x = tensor(input)
    return x if x.flags.c_contiguous else x.copy()


@row("item", where="method")
def item(budget, input):
    x = tensor(input)
    if x.size != 1:
        raise ShapeError(f"wanted one number, got {x.size}")
    return x.item()


@row("numel")
def numel(budget, input):
    return tensor(input).size


@row("dim", where="method")
def dim(budget, input):
    return tensor(input).ndim


@row("size", where="method")
def size(budget, input, dim=None):
    x = tensor(input)
    return list(x.shape) if dim is None else x.shape[_true_axis(x, dim)]


def _true_axis(x, dim):
    if not x.ndim:
        raise ShapeError("a tensor without dimensions has no sizes")
    return axis_of(x, dim)


@row("is_floating_point")
def is_floating_point(budget, input):
    return tensor(input).dtype.kind == "f"


def attribute(x, name):
    """x.shape, x.dtype, x.ndim, x.T, or None if there is no such thing."""
    if name == "shape":
        return list(tensor(x).shape)
    if name == "dtype":
        return tensor(x).dtype
    if name == "ndim":
        return tensor(x).ndim
    if name == "T":
        return tensor(x).T
    raise DtypeError(f"{kind_name(x)} has no attribute {name!r}")


ATTRIBUTES = ("T", "dtype", "ndim", "shape")
