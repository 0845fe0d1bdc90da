"""Ops on each number by itself: one row an op, its function and beside it its gradient.

Two arguments of different shapes broadcast; their gradients are summed over what was repeated.
"""

import math

import numpy as np

from respnet.engine.reference_activations import ACTIVATIONS
from respnet.engine.tensors.table import OPS, gradient_of, op

_ONE = "an array of numbers"
_TWO = "numbers, or arrays whose shapes broadcast"


def unbroadcast(dy, x):
    """dy summed over the axes along which x was repeated."""
    shape = np.shape(x)
    if np.shape(dy) == shape:
        return dy
    extra = dy.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        extra + i for i, n in enumerate(shape) if n == 1 and dy.shape[extra + i] != 1
    )
    return dy.sum(axis=axes, keepdims=True).reshape(shape)


def _named(name: str, summary: str, function):
    function.__name__ = function.__qualname__ = name
    function.__doc__, function.__module__ = summary, __name__
    return function


def _unary(name: str, function, summary: str, gradient=None):
    """gradient(dy, y, x)"""
    call = op(_ONE)(_named(name, summary, lambda x: function(x)))
    OPS[name].gradient = gradient
    return call


def _binary(name: str, function, summary: str, gradient=None):
    """gradient(dy, y, x1, x2) -> (dx1, dx2), before they are summed to their shapes"""
    call = op(_TWO, 2)(_named(name, summary, lambda x1, x2: function(x1, x2)))
    if gradient is not None:

        def summed(dy, y, x1, x2):
            dx1, dx2 = gradient(dy, y, x1, x2)
            return lambda: unbroadcast(dx1, x1), lambda: unbroadcast(dx2, x2)

        OPS[name].gradient = summed
    return call


add = _binary("add", np.add, "x1 + x2", lambda dy, y, a, b: (dy, dy))
subtract = _binary("subtract", np.subtract, "x1 - x2", lambda dy, y, a, b: (dy, -dy))
multiply = _binary("multiply", np.multiply, "x1 x2", lambda dy, y, a, b: (dy * b, dy * a))
divide = _binary("divide", np.true_divide, "x1 / x2", lambda dy, y, a, b: (dy / b, -dy * y / b))


def _power_gradient(dy, y, x1, x2):
    # x1 to the power 0 has slope 0, and 0 to any power does not change with the power
    below = np.where(np.equal(x2, 0), 1, x2)
    dx1 = np.where(np.equal(x2, 0), 0, dy * x2 * np.power(x1, below - 1))
    logs = np.log(np.where(np.greater(x1, 0), x1, 1))
    return dx1, dy * y * np.where(np.equal(x1, 0), 0, np.where(np.less(x1, 0), np.nan, logs))


power = _binary("power", np.power, "x1 to the power x2", _power_gradient)
maximum = _binary(
    "maximum",
    np.maximum,
    "the larger of x1 and x2; equal ones give their gradient to x1",
    lambda dy, y, a, b: (dy * np.greater_equal(a, b), dy * np.less(a, b)),
)
minimum = _binary(
    "minimum",
    np.minimum,
    "the smaller of x1 and x2; equal ones give their gradient to x1",
    lambda dy, y, a, b: (dy * np.less_equal(a, b), dy * np.greater(a, b)),
)

negative = _unary("negative", np.negative, "-x", lambda dy, y, x: (-dy,))
abs = _unary("abs", np.abs, "x without its sign", lambda dy, y, x: (dy * np.sign(x),))
square = _unary("square", np.square, "x x", lambda dy, y, x: (2 * dy * x,))
sqrt = _unary("sqrt", np.sqrt, "the square root", lambda dy, y, x: (dy / (2 * y),))
rsqrt = _unary(
    "rsqrt", lambda x: 1 / np.sqrt(x), "1 / sqrt x", lambda dy, y, x: (-dy * y / (2 * x),)
)
exp = _unary("exp", np.exp, "e to the power x", lambda dy, y, x: (dy * y,))
expm1 = _unary("expm1", np.expm1, "exp(x) - 1, exact near 0", lambda dy, y, x: (dy * (y + 1),))
log = _unary("log", np.log, "the natural logarithm", lambda dy, y, x: (dy / x,))
log1p = _unary("log1p", np.log1p, "log(1 + x), exact near 0", lambda dy, y, x: (dy / (1 + x),))
sin = _unary("sin", np.sin, "the sine of x in radians", lambda dy, y, x: (dy * np.cos(x),))
cos = _unary("cos", np.cos, "the cosine of x in radians", lambda dy, y, x: (-dy * np.sin(x),))
_ERF = np.vectorize(math.erf, otypes=[float])


def _erf(x):
    x = x if hasattr(x, "dtype") else np.asarray(x)
    return _ERF(x).astype(x.dtype if x.dtype.kind == "f" else np.float64)


erf = _unary(
    "erf",
    _erf,
    "the error function, of NumPy's arrays",
    lambda dy, y, x: (dy * (2 / math.sqrt(math.pi)) * np.exp(-x * x),),
)
sign = _unary("sign", np.sign, "-1, 0 or 1")
floor = _unary("floor", np.floor, "the next whole number below")
ceil = _unary("ceil", np.ceil, "the next whole number above")
round = _unary("round", np.round, "the nearest whole number, of two the even one")
isnan = _unary("isnan", np.isnan, "whether x is not a number")
isfinite = _unary("isfinite", np.isfinite, "whether x is a number and not infinite")

equal = _binary("equal", np.equal, "x1 == x2")
not_equal = _binary("not_equal", np.not_equal, "x1 != x2")
less = _binary("less", np.less, "x1 < x2")
less_equal = _binary("less_equal", np.less_equal, "x1 <= x2")
greater = _binary("greater", np.greater, "x1 > x2")
greater_equal = _binary("greater_equal", np.greater_equal, "x1 >= x2")
logical_and = _binary("logical_and", np.logical_and, "x1 and x2")
logical_or = _binary("logical_or", np.logical_or, "x1 or x2")
logical_not = _unary("logical_not", np.logical_not, "not x")


@op("a lower and an upper limit that broadcast with x", 3)
def clip(x, x_min, x_max):
    """x kept within x_min and x_max."""
    return np.clip(x, x_min, x_max)


@gradient_of(clip)
def clip_gradient(dy, y, x, x_min, x_max):
    low = np.less(x, x_min) if x_min is not None else False
    high = np.greater(x, x_max) if x_max is not None else False
    inside = dy * np.logical_not(np.logical_or(low, high))
    return (
        lambda: unbroadcast(inside, x),
        lambda: unbroadcast(dy * low, x_min),
        lambda: unbroadcast(dy * high, x_max),
    )


@op("a condition and two arrays whose shapes broadcast", 3)
def where(condition, x1, x2):
    """x1 where the condition holds, else x2."""
    return np.where(condition, x1, x2)


@gradient_of(where)
def where_gradient(dy, y, condition, x1, x2):
    return (
        None,
        lambda: unbroadcast(np.where(condition, dy, 0), x1),
        lambda: unbroadcast(np.where(condition, 0, dy), x2),
    )


@op("an array and the name of a type of numbers")
def cast(x, dtype):
    """x as another type of numbers."""
    return np.asarray(x).astype(dtype) if np.isscalar(x) else x.astype(dtype)


@gradient_of(cast)
def cast_gradient(dy, y, x, dtype):
    return (dy,)


# --- activations: the formulas of the reference ------------------------------------------------


def _activation(name: str):
    value, slope = ACTIVATIONS[name]

    def same_type(x):
        x = x if hasattr(x, "dtype") else np.asarray(x)
        y = value(x)
        return y.astype(x.dtype) if x.dtype.kind == "f" else y

    return _unary(
        name,
        same_type,
        f"the activation {name} (docs/shapes.md)",
        lambda dy, y, x: (dy * slope(x, y),),
    )


globals().update({name: _activation(name) for name in ACTIVATIONS})
