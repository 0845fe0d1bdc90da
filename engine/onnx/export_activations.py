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
}


def activation(w, name: str, x: str) -> str:
    """Write activation(x)."""
    if name == "linear":
        return x
    if name == "gelu":
        return _gelu(w, x)
    if name not in NODES:
        raise SpecError(f"activation {name} cannot be written as ONNX")
    kind, attributes = NODES[name]
    return w.node(kind, x, **attributes)


def _gelu(w, x: str) -> str:
    """x (1 + erf(x / sqrt 2)) / 2: an operator of its own only since opset 20."""
    half = w.node("Mul", x, w.number(np.float32(0.5)))
    erf = w.node("Erf", w.node("Mul", x, w.number(np.float64(1 / sqrt(2)))))
    return w.node("Mul", half, w.node("Add", erf, w.number(np.float32(1.0))))


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
