"""Operators that work number by number; those that mean the same in ONNX are taken from there."""

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.onnx import elementwise as onnx
from respnet.engine.onnx.elementwise import narrow, test, wide
from respnet.engine.tf.tensors import dtype_of


def _cast(call, x):
    dtype = dtype_of(call.get("DstT", 0))
    call.room(x.shape, dtype)
    return x.astype(dtype)


def _select(call, condition, x, y):
    """The condition has one value, one a row, or one a number."""
    if condition.ndim == 1 and x.ndim > 1:
        condition = condition.reshape(-1, *(1,) * (x.ndim - 1))
    return wide(np.where)(call, condition, x, y)


def _clip(call, x, low, high):
    return wide(np.clip)(call, x, low, high).astype(x.dtype)


def _random(call, shape):
    shape, dtype = tuple(int(n) for n in shape), dtype_of(call.get("dtype", 1))
    call.room(shape, np.float64)
    return np.random.default_rng().random(shape).astype(dtype)


def _to_number(call, x):
    """Decimal numbers in strings."""
    try:
        numbers = [float(one) for one in x.ravel().tolist()]
    except ValueError:
        raise ShapeError("a string that is no number") from None
    return np.array(numbers).reshape(x.shape).astype(dtype_of(call.get("out_type", 0) or 1))


def _not_nan(function):
    """0 where y is 0, whatever x."""
    return lambda x, y: np.where(y == 0, np.zeros((), x.dtype), function(x, y)).astype(x.dtype)


def _same(call, x, *others):
    return x


_SHARED = (
    "Sub", "Mul", "Pow", "Equal", "Less", "Greater", "Abs", "Neg", "Sqrt", "Exp", "Log", "Sin",
    "Cos", "Floor", "Ceil", "Sign", "Reciprocal", "Erf", "Tanh", "Sigmoid", "Softplus", "Softsign",
    "Relu", "Elu", "Selu",
)  # fmt: skip
OPS = {
    **{name: onnx.OPS[name] for name in _SHARED},
    "Constant": lambda call: call.get("value"),
    "Add": onnx.OPS["Add"],
    "AddV2": onnx.OPS["Add"],
    "AddN": onnx.OPS["Sum"],
    "Div": onnx.OPS["Div"],
    "RealDiv": wide(np.divide),
    "DivNoNan": wide(_not_nan(np.divide)),
    "FloorDiv": wide(np.floor_divide),
    "FloorMod": wide(np.mod),
    "SquaredDifference": wide(lambda x, y: np.square(x - y)),
    "Maximum": wide(np.maximum),
    "Minimum": wide(np.minimum),
    "NotEqual": wide(np.not_equal),
    "LessEqual": wide(np.less_equal),
    "GreaterEqual": wide(np.greater_equal),
    "LogicalAnd": wide(np.logical_and),
    "LogicalOr": wide(np.logical_or),
    "SelectV2": wide(np.where),
    "Select": _select,
    "LogicalNot": test(np.logical_not),
    "IsNan": test(np.isnan),
    "Square": narrow(np.square),
    "Rsqrt": narrow(lambda x: 1 / np.sqrt(x)),
    "Round": narrow(np.rint),
    "Rint": narrow(np.rint),
    "Log1p": narrow(np.log1p),
    "Expm1": narrow(np.expm1),
    "Relu6": narrow(lambda x: np.clip(x, 0, 6)),
    "LeakyRelu": lambda call, x: np.where(x < 0, x * call.get("alpha", 0.2), x).astype(x.dtype),
    "ClipByValue": _clip,
    "ZerosLike": narrow(np.zeros_like),
    "OnesLike": narrow(np.ones_like),
    "Cast": _cast,
    "StringToNumber": _to_number,
    "RandomUniform": _random,
    "Identity": _same,
    "IdentityN": lambda call, *xs: xs,
    "Snapshot": _same,
    "StopGradient": _same,
    "PreventGradient": _same,
    "CheckNumerics": _same,
    "EnsureShape": _same,
    "PlaceholderWithDefault": _same,
}
