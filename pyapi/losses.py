"""Losses by the names of Keras: objects for ``compile``, functions for arrays.

Objects called on arrays give a reduced number, functions the loss of each place.
"""

import numpy as np

from .arguments import find
from .losses_base import (
    COMMON,
    EPSILON,
    OWN,
    REDUCTIONS,
    TRAINED,
    Loss,
    as_function,
    mean,
    paired,
)
from .losses_classes import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalHinge,
    Hinge,
    KLDivergence,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from .losses_own import FunctionLoss


class MeanSquaredError(Loss):
    engine = "mse"

    def rows(self, y_true, y_pred):
        return mean((y_pred - paired(y_true, y_pred)) ** 2)


class MeanAbsoluteError(Loss):
    engine = "mae"

    def rows(self, y_true, y_pred):
        return mean(np.abs(y_pred - paired(y_true, y_pred)))


class MeanAbsolutePercentageError(Loss):
    engine = "mape"

    def rows(self, y_true, y_pred):
        t = paired(y_true, y_pred)
        return 100 * mean(np.abs(y_pred - t) / np.maximum(np.abs(t), EPSILON))


class MeanSquaredLogarithmicError(Loss):
    engine = "msle"

    def rows(self, y_true, y_pred):
        t = paired(y_true, y_pred)
        return mean((_log_above(y_pred) - _log_above(t)) ** 2)


def _log_above(x):
    return np.log(np.maximum(x, EPSILON) + 1)


class Huber(Loss):
    """Squared up to ``delta``, then a line (Huber 1964)."""

    engine = "huber"
    options = ("delta",)
    arguments = {"delta": 1.0, **COMMON}

    def rows(self, y_true, y_pred):
        away = np.abs(y_pred - paired(y_true, y_pred))
        line = self.delta * (away - 0.5 * self.delta)
        return mean(np.where(away <= self.delta, 0.5 * away**2, line))


class LogCosh(Loss):
    """log cosh of the error: squared near 0, a line far from it."""

    engine = "log_cosh"

    def rows(self, y_true, y_pred):
        away = np.abs(y_pred - paired(y_true, y_pred))
        return mean(away + np.log1p(np.exp(-2 * away)) - np.log(2))


class Poisson(Loss):
    """y - t log y, of rates y and counts t."""

    engine = "poisson"

    def rows(self, y_true, y_pred):
        return mean(y_pred - paired(y_true, y_pred) * np.log(y_pred + EPSILON))


class CosineSimilarity(Loss):
    """Minus the cosine of the angle between outputs and targets."""

    engine = "cosine_similarity"
    arguments = {"axis": -1, **COMMON}

    def __init__(self, *values, **options):
        super().__init__(*values, **options)
        if self.axis != -1:
            raise ValueError(f"CosineSimilarity: axis must be -1, got {self.axis!r}")

    def rows(self, y_true, y_pred):
        return -np.sum(_unit(y_true) * _unit(y_pred), axis=-1)


def _unit(x):
    return x / np.maximum(np.sqrt((x * x).sum(-1, keepdims=True)), EPSILON)


# class -> the names Keras has for it, the first one that of its function
_NAMES = {
    MeanSquaredError: ("mean_squared_error", "mse"),
    MeanAbsoluteError: ("mean_absolute_error", "mae"),
    MeanAbsolutePercentageError: ("mean_absolute_percentage_error", "mape"),
    MeanSquaredLogarithmicError: ("mean_squared_logarithmic_error", "msle"),
    Huber: ("huber", "huber_loss"),
    LogCosh: ("log_cosh", "logcosh"),
    Poisson: ("poisson",),
    CosineSimilarity: ("cosine_similarity",),
    KLDivergence: ("kl_divergence", "kld", "kullback_leibler_divergence"),
    Hinge: ("hinge",),
    SquaredHinge: ("squared_hinge",),
    CategoricalHinge: ("categorical_hinge",),
    BinaryCrossentropy: ("binary_crossentropy", "bce"),
    BinaryFocalCrossentropy: ("binary_focal_crossentropy",),
    CategoricalCrossentropy: ("categorical_crossentropy",),
    CategoricalFocalCrossentropy: ("categorical_focal_crossentropy",),
    SparseCategoricalCrossentropy: ("sparse_categorical_crossentropy",),
}
CLASSES = {made.__name__: made for made in _NAMES}
NAMES = {name: made for made, names in _NAMES.items() for name in names} | CLASSES
_FUNCTIONS = {n: as_function(made, n) for made, names in _NAMES.items() for n in names}
globals().update(_FUNCTIONS)


def get(identifier) -> Loss:
    """The loss of a name, description, object or function of this page."""
    if callable(identifier) and not isinstance(identifier, (Loss, type)):
        if identifier not in _FUNCTIONS.values():
            return FunctionLoss(identifier)
        identifier = identifier.__name__
    return find("loss", identifier, {**NAMES, **OWN}, Loss)


def trained(identifier) -> Loss:
    """``get``, of what ``compile`` can train."""
    loss = get(identifier)
    if loss.reduction not in TRAINED:
        raise ValueError(
            f"{type(loss).__name__} has reduction={loss.reduction!r}, which is for calls on "
            f"arrays; compile trains {', '.join(map(str, TRAINED))}"
        )
    return loss


__all__ = ["CLASSES", "EPSILON", "NAMES", "REDUCTIONS", "Loss", "get", *CLASSES, *_FUNCTIONS]
