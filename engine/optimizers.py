"""Optimizers: constants, state slots and the op that does a step over the flat vector.

Defaults are those of Keras 3; formulas stand in ``kernels/formulas.hpp`` with their sources.
"""

from dataclasses import dataclass, field

from respnet.engine.errors import SpecError


@dataclass(frozen=True)
class Optimizer:
    """A kind of optimizer: its op, its constants in the op's order, its slots and their start."""

    op: str
    constants: dict
    slots: tuple[str, ...]
    start: dict = field(default_factory=dict)  # slot -> constant whose value it starts with
    full_batch: bool = False


_RPROP = {"increase": 1.2, "decrease": 0.5, "step_max": 50.0, "step_min": 1e-6, "step_start": 0.1}
_ADAM = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
_RPROP_SLOTS = ("step", "previous", "delta")

OPTIMIZERS = {
    "rprop": Optimizer(
        "rprop_step",
        {**_RPROP, "take_back": 0.0, "weight_decay": 0.0},
        _RPROP_SLOTS,
        {"step": "step_start"},
        full_batch=True,
    ),
    "rprop+": Optimizer(
        "rprop_step",
        {**_RPROP, "take_back": 1.0, "weight_decay": 0.0},
        _RPROP_SLOTS,
        {"step": "step_start"},
        full_batch=True,
    ),
    "sgd": Optimizer(
        "sgd_step",
        {"learning_rate": 0.01, "momentum": 0.0, "nesterov": 0.0, "weight_decay": 0.0},
        ("velocity",),
    ),
    "rmsprop": Optimizer(
        "rmsprop_step",
        {"learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "weight_decay": 0.0},
        ("square", "velocity"),
    ),
    "rmsprop_centered": Optimizer(
        "rmsprop_step",
        {"learning_rate": 0.001, "rho": 0.9, "momentum": 0.0, "epsilon": 1e-7, "weight_decay": 0.0},
        ("square", "velocity", "mean"),
    ),
    "adam": Optimizer("adam_step", {**_ADAM, "weight_decay": 0.0}, ("mean", "square")),
    "adamw": Optimizer("adam_step", {**_ADAM, "weight_decay": 0.004}, ("mean", "square")),
    "amsgrad": Optimizer(
        "amsgrad_step", {**_ADAM, "weight_decay": 0.0}, ("mean", "square", "largest")
    ),
    "adagrad": Optimizer(
        "adagrad_step",
        {"learning_rate": 0.001, "square_start": 0.1, "epsilon": 1e-7, "weight_decay": 0.0},
        ("square",),
        {"square": "square_start"},
    ),
    "adadelta": Optimizer(
        "adadelta_step",
        {"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-7, "weight_decay": 0.0},
        ("square", "change"),
    ),
    "adamax": Optimizer("adamax_step", {**_ADAM, "weight_decay": 0.0}, ("mean", "largest")),
    "nadam": Optimizer("nadam_step", {**_ADAM, "weight_decay": 0.0}, ("mean", "square")),
}


def optimizer_named(name: str, constants=None) -> tuple[Optimizer, dict]:
    """The optimizer and its constants with ``constants`` put over the defaults."""
    if name not in OPTIMIZERS:
        raise SpecError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {name!r}")
    optimizer = OPTIMIZERS[name]
    constants = dict(constants or {})
    for key, value in constants.items():
        if key not in optimizer.constants:
            raise SpecError(
                f"optimizer {name} has no constant {key!r}; it has {', '.join(optimizer.constants)}"
            )
        if not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
            raise SpecError(f"{key} must be a number of at least 0, got {value!r}")
    return optimizer, {**optimizer.constants, **constants}


def step_constants(constants: dict) -> list[float]:
    """Constants in the op's order; weight decay shrinks w by learning_rate * weight_decay.

    RPROP has no learning rate and looks at signs only: there weight_decay * w joins the gradient.
    """
    values = dict(constants)
    if "learning_rate" in values:
        values["weight_decay"] *= values["learning_rate"]
    return [float(value) for value in values.values()]
