"""Activations in the words of ONNX: as nodes, and as names inside recurrent nodes."""

from math import sqrt

import numpy as np

from respnet.engine.errors import SpecError

# activation -> (operator, its attributes); the slope 0.2 is that of formulas.hpp
NODES = {
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "elu": ("Elu", {"alpha": 1.0}),
    "softplus": ("Softplus", {}),
    "exponential": ("Exp", {}),
    "softmax": ("Softmax", {"axis": -1}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
    "softsign": ("Softsign", {}),
    "selu": ("Selu", {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "hard_silu": ("HardSwish", {}),
}
# activation -> (name in a recurrent node, alpha or None, beta or None)
INSIDE = {
    "linear": ("Affine", 1.0, 0.0),
    "sigmoid": ("Sigmoid", None, None),
    "tanh": ("Tanh", None, None),
    "relu": ("Relu", None, None),
    "leaky_relu": ("LeakyRelu", 0.2, None),
    "elu": ("Elu", 1.0, None),
    "softplus": ("Softplus", None, None),
    "softsign": ("Softsign", None, None),
    "hard_sigmoid": ("HardSigmoid", 1 / 6, 0.5),
}


def activation(w, name: str, x: str) -> str:
    """Write activation(x)."""
    if name == "linear":
        return x
    if name in COMPOSED:
        return COMPOSED[name](w, x)
    if name not in NODES:
        raise SpecError(f"activation {name} cannot be written as ONNX")
    kind, attributes = NODES[name]
    return w.node(kind, x, **attributes)


def _gelu(w, x: str) -> str:
    """x (1 + erf(x / sqrt 2)) / 2: an operator of its own only since opset 20."""
    half = w.node("Mul", x, w.number(np.float32(0.5)))
    erf = w.node("Erf", w.node("Mul", x, w.number(np.float64(1 / sqrt(2)))))
    return w.node("Mul", half, w.node("Add", erf, w.number(np.float32(1.0))))


def _clip(w, x: str, low: float, high: float) -> str:
    return w.node("Clip", x, w.number(low), w.number(high))


def _hard_shrink(w, x: str) -> str:
    far = w.node("Greater", w.node("Abs", x), w.number(0.5))
    return w.node("Where", far, x, w.number(0.0))


COMPOSED = {
    "gelu": _gelu,
    "relu6": lambda w, x: _clip(w, x, 0.0, 6.0),
    "hard_tanh": lambda w, x: _clip(w, x, -1.0, 1.0),
    "silu": lambda w, x: w.node("Mul", x, w.node("Sigmoid", x)),
    "mish": lambda w, x: w.node("Mul", x, w.node("Tanh", w.node("Softplus", x))),
    "log_sigmoid": lambda w, x: w.node("Neg", w.node("Softplus", w.node("Neg", x))),
    "tanh_shrink": lambda w, x: w.node("Sub", x, w.node("Tanh", x)),
    "soft_shrink": lambda w, x: w.node("Sub", x, _clip(w, x, -0.5, 0.5)),
    "hard_shrink": _hard_shrink,
}


def inside(names: list[str]) -> dict:
    """Attributes of a recurrent node with these activations."""
    unknown = [name for name in names if name not in INSIDE]
    if unknown:
        raise SpecError(f"activation {unknown[0]} has no name in ONNX' recurrent layers")
    words, alphas, betas = zip(*(INSIDE[name] for name in names), strict=True)
    found = {"activations": list(words)}
    for key, values in (("activation_alpha", alphas), ("activation_beta", betas)):
        given = [value for value in values if value is not None]
        found |= {key: given} if given else {}
    return found
