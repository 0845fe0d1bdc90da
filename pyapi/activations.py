"""Activations by the names of Keras, as functions on arrays; layers take the function or its name.

The layers compute them in the engine; these are for users' own arrays.
"""

import numpy as np

from respnet.engine import activations as engine
from respnet.engine.reference_activations import ACTIVATIONS

from .arguments import unknown


def linear(x):
    return np.asarray(x)


def sigmoid(x):
    """1 / (1 + exp(-x)), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(x, float)))


def tanh(x):
    return np.tanh(x)


def relu(x):
    return np.maximum(x, 0)


def leaky_relu(x, negative_slope=0.2):
    return np.where(np.asarray(x) < 0, negative_slope * np.asarray(x), x)


def elu(x, alpha=1.0):
    return np.where(np.asarray(x) < 0, alpha * np.expm1(np.minimum(x, 0)), x)


def softplus(x):
    return np.logaddexp(0, x)


def exponential(x):
    return np.exp(x)


def softmax(x, axis=-1):
    x = np.asarray(x, float)
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def log_softmax(x, axis=-1):
    x = np.asarray(x, float)
    x = x - x.max(axis=axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


def _of_engine(name: str):
    """The function of the engine's reference."""

    def function(x):
        return ACTIVATIONS[name][0](np.asarray(x, float))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"``{name}``; the formula stands in docs/shapes.md."
    return function


gelu = _of_engine("gelu")
relu6 = _of_engine("relu6")
selu = _of_engine("selu")
silu = swish = _of_engine("silu")
mish = _of_engine("mish")
softsign = _of_engine("softsign")
hard_sigmoid = _of_engine("hard_sigmoid")
hard_silu = hard_swish = _of_engine("hard_silu")
hard_tanh = _of_engine("hard_tanh")
log_sigmoid = _of_engine("log_sigmoid")
tanh_shrink = _of_engine("tanh_shrink")
soft_shrink = _of_engine("soft_shrink")
hard_shrink = _of_engine("hard_shrink")

ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}


def name_of(activation) -> str:
    """The engine's name of an activation: None, a name, or a function of that name."""
    if activation is None:
        return "linear"
    name = activation if isinstance(activation, str) else getattr(activation, "__name__", None)
    if name is None and hasattr(activation, "kind"):
        name = activation.config().get("activation")  # an Activation layer
    if callable(activation) and not getattr(activation, "__module__", "").startswith("respnet."):
        name = None  # a function of one's own, whatever its name
    name = ALIASES.get(name, name)
    if name not in engine.ALL:
        raise ValueError(unknown("activation", name or activation, [*engine.ALL, *ALIASES]))
    return name


def get(identifier):
    """The function of a name."""
    name = name_of(identifier)
    if callable(identifier):
        return identifier
    if name not in globals():
        raise ValueError(f"activation {name} has no function of its own")
    return globals()[name]
