"""What all losses have in common: how a loss is trained, and how it is called on arrays.

In training the engine computes value and gradient in one step; ``engine`` names it. Called on
arrays, a loss works in NumPy (float64).
"""

import numpy as np

from .arguments import Configured

OWN: dict = {}  # losses in Python by the names of their classes
EPSILON = 1e-7  # probabilities are kept this far from 0 and 1, as in Keras
REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)
# Reductions that can be trained, and the engine's words for them
TRAINED = {
    "sum_over_batch_size": "mean",
    "mean": "mean",
    "sum": "sum",
    "none": "none",
    None: "none",
}
COMMON = {"reduction": "sum_over_batch_size", "name": None, "dtype": None}


class Loss(Configured):
    """Base. ``engine``: the engine's loss, with the ``options`` it takes of the arguments;
    ``rows`` gives the loss of each place. A user's own has ``call`` in their place.
    """

    engine = ""
    options: tuple[str, ...] = ()
    arguments = COMMON

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if "call" in vars(cls):
            cls.engine = "python"
            OWN[cls.__name__] = cls

    def __init__(self, *values, **options):
        super().__init__(*values, **options)
        if self.reduction not in REDUCTIONS:
            raise ValueError(
                f"reduction must be one of {', '.join(map(str, REDUCTIONS))}, "
                f"got {self.reduction!r}"
            )

    def targets(self, y: np.ndarray) -> np.ndarray:
        """Targets as the engine's step wants them."""
        return y

    def check(self, y: np.ndarray, outputs: int) -> None:
        """Refuse targets (B,...) that a row of so many outputs cannot be compared with."""

    def term_options(self) -> dict:
        """The options of the engine's loss."""
        reduction = TRAINED[self.reduction]
        reduced = {} if reduction == "mean" else {"reduction": reduction}
        if self.engine == "python":
            from respnet.engine.losses_python import OwnLoss

            return {"function": OwnLoss(self.name or type(self).__name__, self.call, **reduced)}
        return {**{name: getattr(self, name) for name in self.options}, **reduced}

    def call(self, y_true, y_pred):
        """What a user's own loss computes with respnet.ops: a number for each place (B,...), or
        for each number of the outputs, or one mean over the rows.
        """
        raise NotImplementedError

    def rows(self, y_true, y_pred) -> np.ndarray:
        """The loss of each place."""
        values = np.asarray(self.call(y_true, y_pred))
        return mean(values) if values.shape == y_pred.shape else values

    def mask(self, y_true):
        """Places that count, of targets that say so; None: all do."""
        return None

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The loss of arrays, reduced: a number, or an array of places for "none"."""
        y_true, y_pred = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
        values = self.rows(y_true, y_pred)
        weights = spread(sample_weight, values.shape)
        counts = self.mask(y_true)
        if counts is not None:
            counts = np.reshape(counts, values.shape)
        return reduced(values, weights, counts, self.reduction)


def spread(weights, shape) -> np.ndarray | None:
    """Weights of rows or of places, (B) or (B,T) or with a last axis of 1, as (B,T)."""
    if weights is None:
        return None
    weights = np.asarray(weights, np.float64)
    if weights.ndim > len(shape) and weights.shape[-1] == 1:
        weights = weights[..., 0]
    if weights.shape != shape[: weights.ndim]:
        raise ValueError(f"sample_weight has shape {weights.shape}, losses have {shape}")
    missing = (1,) * (len(shape) - weights.ndim)
    return np.broadcast_to(weights.reshape(*weights.shape, *missing), shape)


def reduced(values, weights, counts, reduction):
    """Weighted values as Keras 3 reduces them: means are over the places that count."""
    number = values.size
    if counts is not None:
        weights = counts * (1.0 if weights is None else weights)
        number = int(counts.sum())
    if reduction == "mean_with_sample_weight" and weights is not None:
        number = float(weights.sum())
    if weights is not None:
        values = values * weights
    if reduction in ("none", None):
        return values
    total = float(values.sum())
    if reduction == "sum":
        return total
    return total / number if number else 0.0


def mean(values) -> np.ndarray:
    return np.mean(values, axis=-1)


def paired(y_true, y_pred) -> np.ndarray:
    """Targets in the shape of the outputs: (B) or (B,1) for outputs (B,1)."""
    if y_true.shape != y_pred.shape and y_true.size == y_pred.size:
        return y_true.reshape(y_pred.shape)
    return y_true


def as_function(loss: type[Loss], name: str):
    """The loss of each place as a function (y_true, y_pred, ...)."""

    def function(y_true, y_pred, **options):
        made = loss(**options)
        return made.rows(np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The loss of each place, as ``{loss.__name__}`` reduces it."
    return function
