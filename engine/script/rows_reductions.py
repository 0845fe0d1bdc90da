"""Functions along dimensions: sums, means, largest numbers, softmax."""

import numpy as np

from respnet.engine.errors import DtypeError, ShapeError
from respnet.engine.script.rows_elementwise import paired
from respnet.engine.script.table import row
from respnet.engine.script.values import (
    LONG,
    Pair,
    axes_of,
    axis_of,
    dtype_of,
    number,
    only_floats,
    tensor,
)
from respnet.engine.tensors import OPS


def _typed(x, dtype):
    return x if dtype is None else x.astype(dtype_of(dtype))


def _summed(op):
    """Sums and products of whole numbers are int64."""
    compute = OPS[op].call

    def apply(budget, input, dim=None, keepdim=False, dtype=None):
        x = tensor(input)
        x = _typed(x, dtype or (LONG if x.dtype.kind != "f" else None))
        return compute(x, axis=axes_of(x, dim), keepdims=keepdim)

    return apply


row("sum")(_summed("sum"))
row("prod")(_summed("prod"))


@row("mean")
def mean(budget, input, dim=None, keepdim=False, dtype=None):
    x = only_floats(_typed(tensor(input), dtype))
    return OPS["mean"].call(x, axis=axes_of(x, dim), keepdims=keepdim)


def _spread(op):
    """Unbiased, as in torch: over n - 1."""
    compute = OPS[op].call

    def apply(budget, input, dim=None, unbiased=True, keepdim=False):
        x = only_floats(input)
        axes = axes_of(x, dim)
        y = compute(x, axis=axes, keepdims=keepdim)
        if not unbiased:
            return y
        n = x.size if axes is None else np.prod([x.shape[axis] for axis in axes])
        factor = np.divide(n, n - 1) if n > 1 else np.nan
        return y * x.dtype.type(factor if op == "var" else np.sqrt(factor))

    return apply


row("var")(_spread("var"))
row("std")(_spread("std"))


def _extreme(op, place, pairwise):
    """Without a dimension the number, with a tensor the larger of two, else (values, indices)."""

    def apply(budget, input, dim=None, keepdim=False, other=None):
        x = tensor(input)
        other = dim if isinstance(dim, np.ndarray) else other
        if other is not None:
            return OPS[pairwise].call(*paired(budget, x, other))
        if dim is None:
            return OPS[op].call(x)
        if not x.ndim:
            return Pair(x, np.zeros((), LONG))
        axis = axis_of(x, dim)
        _no_empty(x, axis)
        return Pair(OPS[op].call(x, axis=axis, keepdims=keepdim),
                    OPS[place].call(x, axis=axis, keepdims=keepdim))

    return apply


row("max")(_extreme("max", "argmax", "maximum"))
row("min")(_extreme("min", "argmin", "minimum"))


def _no_empty(x, axis):
    if not (x.size if axis is None else x.shape[axis]):
        raise ShapeError(f"a tensor of shape {list(x.shape)} has no numbers along the dimension")


def _of_axes(op):
    def apply(budget, input, dim=None, keepdim=False):
        x = tensor(input)
        return OPS[op].call(x, axis=axes_of(x, dim), keepdims=keepdim)

    return apply


for _name, _op in (("amax", "max"), ("amin", "min"), ("all", "all"), ("any", "any")):
    row(_name)(_of_axes(_op))


def _place(op):
    def apply(budget, input, dim=None, keepdim=False):
        x = tensor(input)
        axis = None if dim is None or not x.ndim else axis_of(x, dim)
        _no_empty(x, axis)
        return OPS[op].call(x, axis=axis, keepdims=keepdim and axis is not None)

    return apply


row("argmax")(_place("argmax"))
row("argmin")(_place("argmin"))


def _soft(op):
    def apply(budget, input, dim=None, dtype=None):
        x = only_floats(_typed(tensor(input), dtype))
        if dim is None:
            raise DtypeError("wanted a dimension: dim=-1")
        if not x.ndim:
            return OPS[op].call(x[None], axis=0)[0]
        return OPS[op].call(x, axis=axis_of(x, dim))

    return apply


row("softmax", functional=True)(_soft("softmax"))
row("log_softmax", functional=True)(_soft("log_softmax"))


@row("logsumexp")
def logsumexp(budget, input, dim, keepdim=False):
    x = only_floats(input)
    return OPS["logsumexp"].call(x, axis=axes_of(x, dim), keepdims=keepdim)


@row("cumsum")
def cumsum(budget, input, dim, dtype=None):
    x = tensor(input)
    x = _typed(x, dtype or (LONG if x.dtype.kind != "f" else None))
    return OPS["cumsum"].call(x, axis=axis_of(x, dim)).reshape(x.shape)


@row("norm")
def norm(budget, input, p=2, dim=None, keepdim=False):
    x = only_floats(input)
    if p == "fro":
        p = 2
    if number(p) not in (1, 2, np.inf):
        raise DtypeError("p is 1, 2, 'fro' or inf")
    return OPS["norm"].call(x, p, axis=axes_of(x, dim), keepdims=keepdim)


@row("normalize", where="functional", functional=True)
def normalize(budget, input, p=2.0, dim=1, eps=1e-12):
    length = norm(budget, input, p, dim, True)
    return input / np.maximum(length, length.dtype.type(number(eps)))
