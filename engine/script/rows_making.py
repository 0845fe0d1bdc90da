"""Tensors made from nothing, products of matrices, and order."""

from math import ceil, prod

import numpy as np

from respnet.engine.errors import DtypeError, ShapeError
from respnet.engine.script.rows_elementwise import add
from respnet.engine.script.table import room, row
from respnet.engine.script.values import (
    FLOAT,
    LONG,
    Pair,
    axis_of,
    check_fits,
    dtype_of,
    integer,
    integers,
    is_number,
    kind_name,
    number,
    of_number,
    of_type,
    tensor,
)
from respnet.engine.tensors import OPS

FAST, SLOW = 1 / 4, 16  # what a multiplication of floats costs, and one of whole numbers


@row("tensor", where="torch")
def make(budget, data, dtype=None):
    """Numbers, lists of numbers; floats are float32, whole numbers int64."""
    if isinstance(data, np.ndarray):
        return np.array(tensor(data), dtype_of(dtype))
    found = list(_leaves(budget, data))
    if dtype is None:
        order = [of_number(one) for one in found]
        dtype = FLOAT if not order or FLOAT in order else LONG if LONG in order else order[0]
    return np.array(data, dtype_of(dtype))


def _leaves(budget, data, depth=0):
    if is_number(data):
        yield data
    elif isinstance(data, list) and depth < 32:
        budget.step(len(data))
        for one in data:
            yield from _leaves(budget, one, depth + 1)
    else:
        raise DtypeError(f"wanted numbers or lists of numbers, got {kind_name(data)}")


def _filled(budget, shape, value, dtype):
    dtype = dtype_of(dtype)
    room(budget, shape, dtype.itemsize)
    return OPS["full"].call(shape, of_type(check_fits(value, dtype), dtype), dtype)


@row("zeros", "empty", where="torch")
def zeros(budget, *many, size=None, dtype=FLOAT):
    return _filled(budget, integers(many, size), 0, dtype)


@row("ones", where="torch")
def ones(budget, *many, size=None, dtype=FLOAT):
    return _filled(budget, integers(many, size), 1, dtype)


@row("full", where="torch")
def full(budget, size, fill_value, dtype=None):
    return _filled(budget, integers((size,)), number(fill_value), dtype or of_number(fill_value))


@row("zeros_like", "empty_like", where="torch")
def zeros_like(budget, input, dtype=None):
    return _filled(budget, tensor(input).shape, 0, dtype or input.dtype)


@row("ones_like", where="torch")
def ones_like(budget, input, dtype=None):
    return _filled(budget, tensor(input).shape, 1, dtype or input.dtype)


@row("full_like", where="torch")
def full_like(budget, input, fill_value, dtype=None):
    return _filled(budget, tensor(input).shape, number(fill_value), dtype or input.dtype)


@row("eye", where="torch")
def eye(budget, n, m=None, dtype=FLOAT):
    shape = (integer(n), integer(n if m is None else m))
    room(budget, shape, dtype_of(dtype).itemsize)
    return np.eye(*shape, dtype=dtype)


@row("arange", where="torch")
def arange(budget, start, end=None, step=1, dtype=None):
    start, end = (0, number(start)) if end is None else (number(start), number(end))
    if not number(step) or (end - start) / step < 0:
        raise ShapeError(f"from {start} to {end} by {step} there is no way")
    room(budget, (ceil((end - start) / step),))
    whole = not any([type(one) is float for one in (start, end, step)])
    dtype = dtype_of(dtype) or (LONG if whole else FLOAT)
    return np.arange(start, end, step).astype(dtype)


@row("linspace", where="torch")
def linspace(budget, start, end, steps, dtype=FLOAT):
    room(budget, (integer(steps),))
    return np.linspace(number(start), number(end), steps).astype(dtype_of(dtype))


# --- products -----------------------------------------------------------------------------------


def _product(budget, x, y):
    if tensor(x).dtype != tensor(y).dtype:
        raise DtypeError(f"both want one type of numbers, got {x.dtype} and {y.dtype}")
    if x.ndim and y.ndim:
        rows = x.shape[-2] if x.ndim > 1 else 1
        columns = y.shape[-1] if y.ndim > 1 else 1
        outer = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        room(budget, (*outer, rows, columns), x.itemsize)
        cost = FAST if x.dtype.kind == "f" else SLOW
        budget.work(int(cost * prod((*outer, rows, columns)) * x.shape[-1]))
    return OPS["matmul"].call(x, y)


row("matmul")(lambda budget, input, other: _product(budget, input, other))


def _ranked(name, ranks):
    def apply(budget, input, other):
        if (tensor(input).ndim, tensor(other).ndim) != ranks:
            raise ShapeError(f"wanted tensors of {ranks[0]} and {ranks[1]} dimensions, got "
                             f"{input.ndim} and {other.ndim}")
        return _product(budget, input, other)

    row(name)(apply)


for _name, _ranks in (("mm", (2, 2)), ("bmm", (3, 3)), ("mv", (2, 1)), ("dot", (1, 1))):
    _ranked(_name, _ranks)


@row("linear", where="functional", functional=True)
def linear(budget, input, weight, bias=None):
    y = _product(budget, input, tensor(weight).T)
    return y if bias is None else add(budget, y, bias)


# --- order and places ---------------------------------------------------------------------------


@row("argsort")
def argsort(budget, input, dim=-1, descending=False):
    x = tensor(input)
    budget.work(16 * x.size)
    if not x.ndim:
        return np.zeros((), LONG)
    axis = axis_of(x, dim)
    if not descending:
        return OPS["argsort"].call(x, axis)
    # stable and falling: rising order of the array the other way round, read backwards
    turned = np.flip(x, axis)
    return np.flip(x.shape[axis] - 1 - OPS["argsort"].call(turned, axis), axis)


@row("sort")
def sort(budget, input, dim=-1, descending=False):
    x = tensor(input)
    places = argsort(budget, x, dim, descending)
    if not x.ndim:
        return Pair(x, places)
    return Pair(np.take_along_axis(x, places, axis_of(x, dim)), places)


@row("topk")
def topk(budget, input, k, dim=-1, largest=True, sorted=True):
    x = tensor(input)
    axis = axis_of(x, dim)
    if not 0 <= integer(k) <= (x.shape[axis] if x.ndim else 1):
        raise ShapeError(f"there are no {k} numbers along the dimension")
    values, places = sort(budget, x, dim, largest)
    cut = (slice(None),) * axis + (slice(k),) if x.ndim else ...
    return Pair(values[cut], places[cut])


@row("one_hot", where="functional", functional=True)
def one_hot(budget, tensor_, num_classes=-1):
    x = tensor(tensor_)
    if x.dtype != LONG:
        raise DtypeError(f"wanted int64, got {x.dtype}")
    if x.size and x.min() < 0:
        raise ShapeError("class numbers are not negative")
    most = int(x.max()) + 1 if x.size else 0
    count = most if integer(num_classes) == -1 else num_classes
    if count < most:
        raise ShapeError(f"class numbers must be below {count}, got {most - 1}")
    room(budget, (*x.shape, count))
    return OPS["one_hot"].call(x, count, dtype="int64")


def _places(x, dim, index):
    index = tensor(index)
    if index.dtype.kind not in "iu":
        raise DtypeError(f"places are whole numbers, got {index.dtype}")
    return axis_of(x, dim), index


@row("index_select")
def index_select(budget, input, dim, index):
    x = tensor(input)
    axis, index = _places(x, dim, index)
    room(budget, (*x.shape[:axis], *x.shape[axis + 1 :], index.size), x.itemsize)
    return OPS["take"].call(x, index, axis)


@row("gather")
def gather(budget, input, dim, index):
    x = tensor(input)
    axis, index = _places(x, dim, index)
    inside = tuple([slice(n if i != axis else None) for i, n in enumerate(index.shape)])
    return OPS["take_along_axis"].call(x[inside], index, axis)


@row("masked_select")
def masked_select(budget, input, mask):
    x, mask = np.broadcast_arrays(tensor(input), tensor(mask))
    budget.ask(x.size * x.itemsize)
    return x[mask]


@row("nonzero")
def nonzero(budget, input):
    x = tensor(input)
    budget.ask(8 * x.size * max(1, x.ndim))
    return np.argwhere(x)
