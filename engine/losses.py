"""Losses: which step computes value and gradient, and which activation is fused into it.

The reported loss is the mean over the places of the output that count (pointwise ones over its
numbers, too), as in Keras, unless its ``reduction`` says otherwise (ops.py). Formulas:
``kernels/formulas_loss.hpp``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite, nan

from respnet.engine.errors import SpecError, unknown
from respnet.engine.ops import REDUCTIONS

# Names of the kernels, in the order of formulas_loss.hpp
POINTWISE = (
    "mse",
    "mae",
    "huber",
    "binary_crossentropy",
    "binary_probability",
    "poisson",
    "hinge",
    "squared_hinge",
    "mape",
    "msle",
    "log_cosh",
    "binary_focal",
    "binary_focal_logit",
)
ROWWISE = (
    "categorical_crossentropy",
    "sparse_crossentropy",
    "categorical_probability",
    "sparse_probability",
    "kl_divergence",
    "categorical_hinge",
    "cosine_similarity",
    "categorical_focal",
    "categorical_focal_logits",
)
METRICS = ("class_error", "sparse_class_error", "binary_error", "logit_error", "absolute_error")
PYTHON = "python"  # a user's own
TABLES = {
    "pointwise_loss": POINTWISE,
    "row_loss": ROWWISE,
    "metric": METRICS,
    "reduction": REDUCTIONS,
}


@dataclass(frozen=True)
class Loss:
    """kernel: of outputs as they are; options with their defaults.

    fuses: the output activation that ``on_logits``, another kernel, contains; it takes the values
    before the activation. metric: what is reported beside the loss. columns: of the target; None
    means as many as outputs.
    """

    kernel: str
    options: Mapping = field(default_factory=dict)
    metric: str = "absolute_error"
    fuses: str | None = None
    on_logits: str | None = None
    columns: int | None = None

    def step(self, options: Mapping, fused: bool) -> tuple[str, dict]:
        """(op, attributes) of the loss with these options; fused: outputs are logits."""
        options = {**self.options, **options}
        kernel = self.on_logits if fused or options.get("from_logits") else self.kernel
        if self.kernel == PYTHON:
            return "python_loss", {"function": options["function"].step}
        op = "pointwise_loss" if kernel in POINTWISE else "row_loss"
        reduction = options.get("reduction", "mean")
        return op, {"loss": kernel, "options": numbers_of(options), "reduction": reduction}

    def ignored(self, options: Mapping) -> float:
        """The class whose places do not count; NaN: all count."""
        ignored = options.get("ignore_class")
        return nan if ignored is None else float(ignored)


def numbers_of(options: Mapping) -> tuple[float, float, float]:
    """The options a kernel wants as numbers, in the order of ``options`` in formulas_loss.hpp."""
    names = ("delta", "label_smoothing", "ignore_class")
    first = next((options[name] for name in names if options.get(name) is not None), None)
    given = (first, options.get("gamma"), options.get("alpha"))
    return tuple(nan if value is None else float(value) for value in given)


_SMOOTHED = {"from_logits": False, "label_smoothing": 0.0}
_FOCAL = {**_SMOOTHED, "gamma": 2.0, "alpha": 0.25}
LOSSES = {
    "mse": Loss("mse"),
    "mae": Loss("mae"),
    "huber": Loss("huber", {"delta": 1.0}),
    "binary_crossentropy": Loss(
        "binary_probability", _SMOOTHED, "binary_error", "sigmoid", "binary_crossentropy"
    ),
    "categorical_crossentropy": Loss(
        "categorical_probability", _SMOOTHED, "class_error", "softmax", "categorical_crossentropy"
    ),
    "sparse_crossentropy": Loss(
        "sparse_probability",
        {"from_logits": False, "ignore_class": None},
        "sparse_class_error",
        "softmax",
        "sparse_crossentropy",
        1,
    ),
    "kl_divergence": Loss("kl_divergence", {}, "class_error"),
    "poisson": Loss("poisson"),
    "hinge": Loss("hinge"),
    "squared_hinge": Loss("squared_hinge"),
    "categorical_hinge": Loss("categorical_hinge", {}, "class_error"),
    "cosine_similarity": Loss("cosine_similarity"),
    "mape": Loss("mape"),
    "msle": Loss("msle"),
    "log_cosh": Loss("log_cosh"),
    "binary_focal_crossentropy": Loss(
        "binary_focal", _FOCAL | {"alpha": None}, "binary_error", None, "binary_focal_logit"
    ),
    "categorical_focal_crossentropy": Loss(
        "categorical_focal", _FOCAL, "class_error", None, "categorical_focal_logits"
    ),
    PYTHON: Loss(PYTHON, {"function": None}),
}


def loss_named(name: str, options: Mapping | None = None) -> Loss:
    """The loss of a name; refuses options it does not have or cannot use."""
    if name not in LOSSES:
        raise SpecError(unknown("loss", name, LOSSES))
    found = LOSSES[name]
    for option, value in (options or {}).items():
        if option not in found.options and option != "reduction":
            raise SpecError(
                f"loss {name} has no option {option!r}; "
                f"it takes {', '.join([*found.options, 'reduction'])}"
            )
        _check(name, option, value)
    return found


_CHECKS = {
    "function": ("a function that compile was given", lambda v: hasattr(v, "step")),
    "delta": ("a number above 0", lambda v: _is_number(v) and v > 0),
    "label_smoothing": ("a number from 0 to 1", lambda v: _is_number(v) and 0 <= v <= 1),
    "from_logits": ("true or false", lambda v: isinstance(v, bool)),
    "gamma": ("a number of at least 0", lambda v: _is_number(v) and v >= 0),
    "alpha": ("a number or null", lambda v: v is None or _is_number(v)),
    "reduction": (f"one of {', '.join(REDUCTIONS)}", lambda v: v in REDUCTIONS),
    "ignore_class": ("a whole number or null", lambda v: v is None or type(v) is int),
}


def _is_number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def _check(name: str, option: str, value) -> None:
    wanted, fits = _CHECKS[option]
    if not fits(value):
        raise SpecError(f"loss {name}: {option} must be {wanted}, got {value!r}")
