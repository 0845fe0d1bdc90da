"""Functions on each number by itself, with torch's types of results."""

import numpy as np

from respnet.engine.errors import DtypeError, ShapeError
from respnet.engine.script.table import WIDEST, room, row
from respnet.engine.script.values import (
    FLOAT,
    alike,
    check_fits,
    common_type,
    dtype_of,
    floating,
    is_number,
    number,
    of_type,
    only_floats,
    tensor,
)
from respnet.engine.tensors import OPS

# torch's name -> the engine's op
OF_FLOATS = {
    "exp": "exp", "expm1": "expm1", "log": "log", "log1p": "log1p", "sqrt": "sqrt",
    "rsqrt": "rsqrt", "sin": "sin", "cos": "cos", "sigmoid": "sigmoid", "tanh": "tanh",
}
OF_SAME_TYPE = {
    "abs": "abs", "neg": "negative", "sign": "sign", "floor": "floor", "ceil": "ceil",
    "round": "round", "square": "square", "relu": "relu",
}
ACTIVATIONS = {
    "elu": "elu", "selu": "selu", "gelu": "gelu", "silu": "silu", "mish": "mish",
    "relu6": "relu6", "softplus": "softplus", "softsign": "softsign", "logsigmoid": "log_sigmoid",
    "hardsigmoid": "hard_sigmoid", "hardswish": "hard_silu", "hardtanh": "hard_tanh",
}
TO_BOOL = {"isnan": "isnan", "isfinite": "isfinite", "logical_not": "logical_not"}
OF_TWO = {"maximum": "maximum", "minimum": "minimum", "mul": "multiply", "multiply": "multiply"}
COMPARED = {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater",
    "ge": "greater_equal", "logical_and": "logical_and", "logical_or": "logical_or",
}
IN_FUNCTIONAL = {"relu", "sigmoid", "tanh"}


def paired(budget, x, y, dtype=None):
    """Both as arrays of one type; the room for their result is asked for."""
    x, y = alike(x, y, dtype=dtype)
    try:
        shape = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        raise ShapeError(f"shapes {list(x.shape)} and {list(y.shape)} do not broadcast") from None
    room(budget, shape, x.itemsize)
    return x, y


def _unary(name, op, convert, functional=False, where="both"):
    compute = OPS[op].call
    row(name, functional=functional, where=where)(lambda budget, input: compute(convert(input)))


def _whole_or_float(op):
    compute = OPS[op].call

    def same_type(budget, input):
        x = tensor(input)
        return compute(x).astype(x.dtype, copy=False)

    return same_type


def _binary(name, op):
    compute = OPS[op].call
    row(name)(lambda budget, input, other: compute(*paired(budget, input, other)))


for _name, _op in OF_FLOATS.items():
    _unary(_name, _op, floating, _name in IN_FUNCTIONAL)
for _name, _op in OF_SAME_TYPE.items():
    row(_name, functional=_name in IN_FUNCTIONAL)(_whole_or_float(_op))
for _name, _op in ACTIVATIONS.items():
    _unary(_name, _op, only_floats, True, "functional")
for _name, _op in TO_BOOL.items():
    _unary(_name, _op, tensor)
for _name, _op in {**OF_TWO, **COMPARED}.items():
    _binary(_name, _op)


@row("isinf")
def isinf(budget, input):
    return np.isinf(tensor(input))


@row("leaky_relu", where="functional", functional=True)
def leaky_relu(budget, input, negative_slope=0.01):
    x = only_floats(input)
    return np.where(x > 0, x, x * x.dtype.type(number(negative_slope)))


@row("reciprocal")
def reciprocal(budget, input):
    x = floating(input)
    return 1 / x


def _scaled(budget, y, alpha):
    return y if alpha == 1 else multiplied(budget, y, alpha)


def multiplied(budget, x, y):
    return np.asarray(OPS["multiply"].call(*paired(budget, x, y)))


@row("add")
def add(budget, input, other, alpha=1):
    return OPS["add"].call(*paired(budget, input, _scaled(budget, other, alpha)))


@row("sub", "subtract")
def sub(budget, input, other, alpha=1):
    x, y = paired(budget, input, _scaled(budget, other, alpha))
    if x.dtype.kind == "b":
        raise DtypeError("truth values cannot be subtracted; use logical_xor")
    return OPS["subtract"].call(x, y)


@row("div", "divide", "true_divide")
def div(budget, input, other, rounding_mode=None):
    if rounding_mode == "floor":
        return floor_divide(budget, input, other)
    if rounding_mode not in (None, "trunc"):
        raise DtypeError("rounding_mode is None, 'floor' or 'trunc'")
    dtype = common_type((input, other))
    quotient = OPS["divide"].call(
        *paired(budget, input, other, dtype if dtype.kind == "f" else FLOAT))
    return quotient if rounding_mode is None else np.trunc(quotient).astype(dtype, copy=False)


def _no_zero(x, y):
    if x.dtype.kind != "f" and not y.all():
        raise ZeroDivisionError
    return x, y


@row("floor_divide")
def floor_divide(budget, input, other):
    return np.floor_divide(*_no_zero(*paired(budget, input, other)))


@row("remainder")
def remainder(budget, input, other):
    return np.remainder(*_no_zero(*paired(budget, input, other)))


@row("pow")
def pow(budget, input, exponent):
    x, y = paired(budget, input, exponent)
    negative = exponent < 0 if is_number(exponent) else (y < 0).any()
    if x.dtype.kind != "f" and negative:
        raise DtypeError("whole numbers have no negative powers")
    return OPS["power"].call(x, y)


def _bits(name, compute, signs):
    def apply(budget, input, other):
        x, y = paired(budget, input, other)
        if x.dtype.kind == "f":
            raise DtypeError(f"{signs} wants whole numbers or truth values")
        return compute(x, y)

    row(name)(apply)


_bits("bitwise_and", np.bitwise_and, "&")
_bits("bitwise_or", np.bitwise_or, "|")
_bits("bitwise_xor", np.bitwise_xor, "^")


@row("bitwise_not")
def bitwise_not(budget, input):
    x = tensor(input)
    if x.dtype.kind == "f":
        raise DtypeError("~ wants whole numbers or truth values")
    return np.invert(x)


@row("logical_xor")
def logical_xor(budget, input, other):
    return np.logical_xor(*paired(budget, input, other))


@row("clamp", "clip")
def clamp(budget, input, min=None, max=None):
    limits = [limit for limit in (min, max) if limit is not None]
    if not limits:
        raise DtypeError("wanted min or max")
    dtype = common_type((input, *limits))
    x = np.asarray(input, dtype)
    for limit, op in ((min, "maximum"), (max, "minimum")):
        if limit is not None:
            x = OPS[op].call(*paired(budget, x, check_fits(limit, dtype), dtype))
    return x


@row("where", where="torch")
def where(budget, condition, input, other):
    mask = tensor(condition)
    if mask.dtype.kind != "b":
        raise DtypeError(f"the condition wants truth values, got {mask.dtype}")
    x, y = paired(budget, input, other)
    for one in (input, other):
        check_fits(one, x.dtype)
    room(budget, np.broadcast_shapes(mask.shape, x.shape, y.shape))
    return OPS["where"].call(mask, x, y)


@row("masked_fill", where="method")
def masked_fill(budget, input, mask, value):
    x = tensor(input)
    return where(budget, mask, of_type(check_fits(value, x.dtype), x.dtype), x)


@row("isclose")
def isclose(budget, input, other, rtol=1e-5, atol=1e-8):
    x, y = paired(budget, input, other)
    return np.isclose(x, y, number(rtol), number(atol))


@row("allclose")
def allclose(budget, input, other, rtol=1e-5, atol=1e-8):
    return isclose(budget, input, other, rtol, atol).all().item()


def converted(budget, x, dtype):
    """Another type of numbers; floats that do not fit become what C makes of them."""
    x = tensor(x)
    if x.dtype == dtype_of(dtype):
        return x
    budget.ask(x.size * WIDEST)
    return OPS["cast"].call(x, dtype)
