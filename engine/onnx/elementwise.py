"""Operators that work number by number, with NumPy's broadcasting (which is ONNX')."""

import math

import numpy as np

from respnet.engine.onnx.tensors import dtype_of

_ERF = np.frompyfunc(math.erf, 1, 1)


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e)).astype(x.dtype)


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def elu(x, alpha):
    return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x).astype(x.dtype)


def erf(x):
    return np.asarray(_ERF(x)).astype(x.dtype)


def wide(function):
    """An operator of any number of inputs, broadcast against each other."""

    def apply(call, *xs):
        shape = np.broadcast_shapes(*(x.shape for x in xs))
        call.room(shape, np.result_type(*xs))
        return np.asarray(function(*xs))

    return apply


def narrow(function):
    """An operator of one input, without attributes."""
    return lambda call, x: np.asarray(function(x)).astype(x.dtype, copy=False)


def test(function):
    return lambda call, x: np.asarray(function(x))


def _div(x, y):
    if not np.issubdtype(x.dtype, np.integer):
        return np.divide(x, y)
    with np.errstate(divide="ignore"):
        quotient = x // y
        # Whole numbers are cut towards zero, NumPy rounds down.
        return (quotient + ((x % y != 0) & ((x < 0) != (y < 0)))).astype(x.dtype)


def _mod(call, x, y):
    call.room(np.broadcast_shapes(x.shape, y.shape), x.dtype)
    return np.asarray(np.fmod(x, y) if call.get("fmod", 0) else np.mod(x, y))


def _fold(function):
    def all_of(*xs):
        result = xs[0]
        for x in xs[1:]:
            result = function(result, x)
        return result

    return wide(all_of)


def _power(x, y):
    return np.power(x, y).astype(x.dtype)


def _clip(call, x, low=None, high=None):
    low = call.get("min") if low is None else low
    high = call.get("max") if high is None else high
    x = x if low is None else np.maximum(x, np.asarray(low, x.dtype).reshape(()))
    return x if high is None else np.minimum(x, np.asarray(high, x.dtype).reshape(()))


def _cast(call, x):
    dtype = dtype_of(call.get("to"))
    call.room(x.shape, dtype)
    with np.errstate(invalid="ignore"):
        return x.astype(dtype)


def _dropout(call, x, ratio=None, training=None):
    """Prediction: the input, and a mask of ones if it is asked for."""
    if training is not None and training.any():
        call.only("training_mode", False)
    return (x, np.ones(x.shape, bool))[: max(1, call.outputs)]


def _gelu(call, x):
    if call.text("approximate", "none") == "tanh":
        return (x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))).astype(x.dtype)
    return (x / 2 * (1 + erf(x / np.sqrt(2)))).astype(x.dtype)


def _selu(call, x):
    alpha, gamma = call.get("alpha", 1.6732632), call.get("gamma", 1.0507010)
    return (gamma * elu(x, alpha)).astype(x.dtype)


def hard_sigmoid(x, alpha=0.2, beta=0.5):
    return np.clip(alpha * x + beta, 0, 1).astype(x.dtype)


OPS = {
    "Add": wide(np.add),
    "Sub": wide(np.subtract),
    "Mul": wide(np.multiply),
    "Div": wide(_div),
    "Pow": wide(_power),
    "Mod": _mod,
    "Min": _fold(np.minimum),
    "Max": _fold(np.maximum),
    "Sum": _fold(np.add),
    "Mean": wide(lambda *xs: sum(xs[1:], xs[0]) / np.asarray(len(xs), xs[0].dtype)),
    "And": wide(np.logical_and),
    "Or": wide(np.logical_or),
    "Xor": wide(np.logical_xor),
    "Equal": wide(np.equal),
    "Less": wide(np.less),
    "LessOrEqual": wide(np.less_equal),
    "Greater": wide(np.greater),
    "GreaterOrEqual": wide(np.greater_equal),
    "Where": wide(np.where),
    "PRelu": wide(lambda x, slope: np.where(x < 0, slope * x, x)),
    "Not": test(np.logical_not),
    "IsNaN": test(np.isnan),
    "Abs": narrow(np.abs),
    "Neg": narrow(np.negative),
    "Sqrt": narrow(np.sqrt),
    "Exp": narrow(np.exp),
    "Log": narrow(np.log),
    "Sin": narrow(np.sin),
    "Cos": narrow(np.cos),
    "Floor": narrow(np.floor),
    "Ceil": narrow(np.ceil),
    "Round": narrow(np.rint),
    "Sign": narrow(np.sign),
    "Reciprocal": narrow(np.reciprocal),
    "Erf": narrow(erf),
    "Tanh": narrow(np.tanh),
    "Sigmoid": narrow(sigmoid),
    "Softplus": narrow(softplus),
    "Softsign": narrow(lambda x: x / (1 + np.abs(x))),
    "Relu": narrow(lambda x: np.maximum(x, 0)),
    "Identity": lambda call, x: x,
    "LeakyRelu": lambda call, x: np.where(x < 0, x * call.get("alpha", 0.01), x).astype(x.dtype),
    "Elu": lambda call, x: elu(x, call.get("alpha", 1.0)),
    "Selu": _selu,
    "Gelu": _gelu,
    "HardSigmoid": lambda call, x: hard_sigmoid(x, call.get("alpha", 0.2), call.get("beta", 0.5)),
    "HardSwish": lambda call, x: (x * hard_sigmoid(x, 1 / 6)).astype(x.dtype),
    "ThresholdedRelu": lambda call, x: np.where(x > call.get("alpha", 1.0), x, 0).astype(x.dtype),
    "Clip": _clip,
    "Cast": _cast,
    "Dropout": _dropout,
}
