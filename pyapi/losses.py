"""Losses by the names of Keras: objects for ``compile``, functions for arrays.

In training the engine computes value and gradient in one step; ``spec`` names that step. Called on
arrays, a loss gives the mean in NumPy.
"""

import numpy as np

from .arguments import Configured, find

EPSILON = 1e-7  # probabilities are kept this far from 0 and 1, as in Keras


class Loss(Configured):
    """Base. ``spec``: the engine's loss; ``rows`` gives the loss of each place."""

    spec = ""
    name = ""
    arguments = {"reduction": "sum_over_batch_size", "name": None}

    def targets(self, y: np.ndarray, outputs: int) -> np.ndarray:
        """Targets as the engine's step wants them."""
        return y

    def rows(self, y_true, y_pred) -> np.ndarray:
        raise NotImplementedError

    def __call__(self, y_true, y_pred, sample_weight=None) -> float:
        values = self.rows(np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64))
        if sample_weight is not None:
            values = values * np.reshape(sample_weight, (-1, *(1,) * (values.ndim - 1)))
        return float(values.mean())


def _mean(values) -> np.ndarray:
    return np.mean(values, axis=-1)


class MeanSquaredError(Loss):
    spec = "mse"

    def rows(self, y_true, y_pred):
        return _mean((y_pred - y_true) ** 2)


class MeanAbsoluteError(Loss):
    spec = "mae"

    def rows(self, y_true, y_pred):
        return _mean(np.abs(y_pred - y_true))


class Huber(Loss):
    """Squared up to delta 1, then a line."""

    spec = "huber"

    def rows(self, y_true, y_pred):
        away = np.abs(y_pred - y_true)
        return _mean(np.where(away <= 1, 0.5 * away**2, away - 0.5))


class _Probabilities(Loss):
    """Base of the cross-entropies: ``from_logits`` for models without a last activation."""

    arguments = {"from_logits": False, "label_smoothing": 0.0, "axis": -1, **Loss.arguments}
    activated = ""

    @property
    def spec(self):
        return f"{self.activated}_logits" if self.from_logits else self.activated

    def targets(self, y, outputs):
        smoothing = getattr(self, "label_smoothing", 0.0)
        if not smoothing:
            return y
        return y * (1 - smoothing) + smoothing / max(2, outputs)


class BinaryCrossentropy(_Probabilities):
    activated = "binary_crossentropy"

    def rows(self, y_true, y_pred):
        y = self.targets(y_true, 2)
        if self.from_logits:
            y_pred = 0.5 * (1 + np.tanh(0.5 * y_pred))
        p = np.clip(y_pred, EPSILON, 1 - EPSILON)
        return -_mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def log_softmax(x) -> np.ndarray:
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


class CategoricalCrossentropy(_Probabilities):
    """Targets are one-hot rows."""

    activated = "categorical_crossentropy"

    def logs(self, y_pred):
        if self.from_logits:
            return log_softmax(y_pred)
        return np.log(np.clip(y_pred / y_pred.sum(-1, keepdims=True), EPSILON, 1 - EPSILON))

    def rows(self, y_true, y_pred):
        return -np.sum(self.targets(y_true, y_pred.shape[-1]) * self.logs(y_pred), axis=-1)


class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """Targets are the numbers of the classes."""

    activated = "sparse_crossentropy"
    arguments = {"from_logits": False, "ignore_class": None, "axis": -1, **Loss.arguments}

    def rows(self, y_true, y_pred):
        logs = self.logs(y_pred)
        classes = np.asarray(y_true, np.int64).reshape(logs.shape[:-1])
        return -np.take_along_axis(logs, classes[..., None], axis=-1)[..., 0]


CLASSES = {
    c.__name__: c
    for c in (
        MeanSquaredError,
        MeanAbsoluteError,
        Huber,
        BinaryCrossentropy,
        CategoricalCrossentropy,
        SparseCategoricalCrossentropy,
    )
}
NAMES = {
    "mse": MeanSquaredError,
    "mean_squared_error": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "mean_absolute_error": MeanAbsoluteError,
    "huber": Huber,
    "huber_loss": Huber,
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    **CLASSES,
}


def get(identifier) -> Loss:
    """The loss of a name, description, object or function of this page."""
    if callable(identifier) and not isinstance(identifier, (Loss, type)):
        identifier = getattr(identifier, "__name__", identifier)
    return find("loss", identifier, NAMES, Loss)


def _function(name: str):
    def loss(y_true, y_pred):
        y_true, y_pred = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
        return NAMES[name]().rows(y_true, y_pred)

    loss.__name__ = name
    loss.__doc__ = f"{NAMES[name].__name__} of each place, in NumPy."
    return loss


mse = mean_squared_error = _function("mean_squared_error")
mae = mean_absolute_error = _function("mean_absolute_error")
huber = _function("huber")
binary_crossentropy = _function("binary_crossentropy")
categorical_crossentropy = _function("categorical_crossentropy")
sparse_categorical_crossentropy = _function("sparse_categorical_crossentropy")

__all__ = ["Loss", "get", *CLASSES]
