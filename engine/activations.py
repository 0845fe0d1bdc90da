"""Activations, as layers use them: which step computes one, and which initial weights suit it.

The formulas themselves stand once, in ``kernels/formulas_activation.hpp``; NAMES is in the same
order as the list there (a test compares them).
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
    "relu6",
    "selu",
    "silu",
    "mish",
    "softsign",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "log_sigmoid",
    "tanh_shrink",
    "soft_shrink",
    "hard_shrink",
)
# the derivative cannot be had from the output alone
NEEDS_INPUT = {"gelu", "silu", "mish", "hard_silu", "tanh_shrink"}
ALONG_ROWS = ("softmax", "log_softmax")  # ops of their own: every output depends on the whole row
ALL = (*NAMES, *ALONG_ROWS)
FUSIBLE = tuple(name for name in NAMES if name not in NEEDS_INPUT)

_INITIALIZERS = {
    "relu": "he_uniform",
    "leaky_relu": "he_uniform",
    "elu": "he_uniform",
    "gelu": "he_uniform",
    "softplus": "he_uniform",
    "relu6": "he_uniform",
    "selu": "lecun_normal",
    "silu": "he_uniform",
    "mish": "he_uniform",
    "hard_silu": "he_uniform",
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
    if name in ALONG_ROWS:
        b.step(f"{name}_forward", x, y)
    else:
        b.step("activation_forward", x, y, activation=name)
    return y


def backward(b, name: str, x, y, dy):
    """Emit dx, in the place of dy: nobody reads dy again."""
    if name == "linear":
        return dy
    if name in ALONG_ROWS:
        b.step(f"{name}_backward", y, dy, dy)
    else:
        b.step(
            "activation_backward", x if name in NEEDS_INPUT else None, y, dy, dy, activation=name
        )
    return dy
