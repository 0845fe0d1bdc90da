"""Activations, as layers use them: which step computes one, and which initial weights suit it.

The formulas themselves stand once, in ``kernels/formulas.hpp``; NAMES is in the same order as the
list there (a test compares them).
"""

from respnet.engine.errors import SpecError

NAMES = (
    "linear",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "gelu",
    "softplus",
    "exponential",
)
NEEDS_INPUT = {"gelu"}  # the derivative cannot be had from the output alone
ALL = (*NAMES, "softmax")
FUSIBLE = tuple(name for name in NAMES if name not in NEEDS_INPUT)

_INITIALIZERS = {
    "relu": "he_uniform",
    "leaky_relu": "he_uniform",
    "elu": "he_uniform",
    "gelu": "he_uniform",
    "softplus": "he_uniform",
}


def check(name: str) -> None:
    if name not in ALL:
        raise SpecError(f"activation must be one of {', '.join(ALL)}, got {name!r}")


def initializer(name: str) -> str:
    """The usual initialiser of a kernel in front of this activation, scaled to its fan-in."""
    return _INITIALIZERS.get(name, "glorot_uniform")


def fusible(name: str) -> bool:
    """Whether the product can apply it to its registers and the backward pass still has enough."""
    return name in FUSIBLE


def forward(b, name: str, x):
    """Emit y = activation(x)."""
    if name == "linear":
        return x
    y = b.buffer(x.shape)
    if name == "softmax":
        b.step("softmax_forward", x, y)
    else:
        b.step("activation_forward", x, y, activation=name)
    return y


def backward(b, name: str, x, y, dy):
    """Emit dx, in the place of dy: nobody reads dy again."""
    if name == "linear":
        return dy
    if name == "softmax":
        b.step("softmax_backward", y, dy, dy)
    else:
        b.step(
            "activation_backward", x if name in NEEDS_INPUT else None, y, dy, dy, activation=name
        )
    return dy
