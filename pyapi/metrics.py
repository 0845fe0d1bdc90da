"""Metrics by the names of Keras: objects that add up batches, and give a number at the end.

``kernel`` tells what the engine can report itself, without the outputs ever reaching Python:
"correct" (accuracy of the loss's own kind) or "absolute" (mean absolute error).
"""

import numpy as np

from .arguments import REQUIRED, Configured, find


class Metric(Configured):
    """Base: ``update_state`` a batch at a time, then ``result()``."""

    arguments = {"name": None, "dtype": None}
    short = ""

    def __init__(self, *values, **options):
        super().__init__(*values, **options)
        self.name = getattr(self, "name", None) or self.short
        self.reset_state()

    def reset_state(self) -> None:
        raise NotImplementedError

    def update_state(self, y_true, y_pred, sample_weight=None) -> None:
        raise NotImplementedError

    def result(self) -> float:
        raise NotImplementedError

    def __call__(self, y_true, y_pred, sample_weight=None) -> float:
        """Of this batch and those before it."""
        self.update_state(np.asarray(y_true), np.asarray(y_pred), sample_weight)
        return self.result()


class Averaged(Metric):
    """Base of metrics that are a mean of ``rows(y_true, y_pred)`` over all places."""

    def reset_state(self):
        self._sum = self._weight = 0.0

    def rows(self, y_true, y_pred) -> np.ndarray:
        raise NotImplementedError

    def update_state(self, y_true, y_pred, sample_weight=None):
        values = np.asarray(self.rows(y_true, y_pred), np.float64)
        weight = np.ones(values.shape)
        if sample_weight is not None:
            shape = np.shape(sample_weight)
            weight *= np.reshape(sample_weight, (*shape, *(1,) * (values.ndim - len(shape))))
        self._sum += float((values * weight).sum())
        self._weight += float(weight.sum())

    def result(self):
        return self._sum / self._weight if self._weight else 0.0


class Mean(Averaged):
    """The mean of numbers: ``update_state(values)``."""

    short = "mean"

    def update_state(self, values, sample_weight=None):
        super().update_state(np.zeros_like(values), values, sample_weight)

    def rows(self, y_true, y_pred):
        return y_pred


class MeanMetricWrapper(Averaged):
    """The mean of a user's function (y_true, y_pred) -> a number for each place, or one for all."""

    arguments = {"fn": REQUIRED, "name": None, "dtype": None}

    def __init__(self, *values, **options):
        super().__init__(*values, **options)
        self.name = self.name or getattr(self.fn, "__name__", "metric")

    def rows(self, y_true, y_pred):
        values = np.asarray(self.fn(y_true, y_pred), np.float64)
        return values if values.ndim else np.full(len(y_pred), values)


def classes_of(y, outputs: int) -> np.ndarray:
    """Class numbers of one-hot rows, or the numbers themselves."""
    y = np.asarray(y)
    return y.argmax(-1) if outputs > 1 else y.reshape(y.shape[:-1])


class CategoricalAccuracy(Averaged):
    short = "categorical_accuracy"

    def rows(self, y_true, y_pred):
        return y_true.argmax(-1) == y_pred.argmax(-1)


class SparseCategoricalAccuracy(Averaged):
    short = "sparse_categorical_accuracy"

    def rows(self, y_true, y_pred):
        return np.reshape(y_true, y_pred.shape[:-1]) == y_pred.argmax(-1)


class BinaryAccuracy(Averaged):
    short = "binary_accuracy"
    arguments = {"name": None, "dtype": None, "threshold": 0.5}

    def rows(self, y_true, y_pred):
        return np.mean(y_true == (y_pred > self.threshold), axis=-1)


class TopKCategoricalAccuracy(Averaged):
    short = "top_k_categorical_accuracy"
    arguments = {"k": 5, "name": None, "dtype": None}

    def classes(self, y_true, y_pred):
        return y_true.argmax(-1)

    def rows(self, y_true, y_pred):
        classes = self.classes(y_true, y_pred)[..., None]
        own = np.take_along_axis(y_pred, classes.astype(np.int64), axis=-1)
        return (y_pred > own).sum(-1) < self.k


class SparseTopKCategoricalAccuracy(TopKCategoricalAccuracy):
    short = "sparse_top_k_categorical_accuracy"

    def classes(self, y_true, y_pred):
        return np.reshape(y_true, y_pred.shape[:-1])


class Accuracy(Averaged):
    """Of outputs that are labels already; the word "accuracy" chooses by shape (``resolve``)."""

    short = "accuracy"

    def rows(self, y_true, y_pred):
        return y_true == y_pred


NAMES: dict = {}  # short names of Keras; metrics_losses.py adds its own


def _classes() -> dict:
    """All metrics by class name and by short name."""
    from . import metrics_counts as counts
    from . import metrics_losses  # noqa: F401  (so that all of them are known)

    found, todo = dict(NAMES), [Metric]
    while todo:
        made = todo.pop()
        todo += made.__subclasses__()
        if made.short:
            found[made.__name__] = found[made.short] = made
    found["AUC"] = counts.AUC
    return found


def accuracy_for(outputs: int, columns: int) -> type[Averaged]:
    """What "accuracy" means, as in Keras: by the numbers of outputs and of targets."""
    if outputs == 1:
        return BinaryAccuracy
    return SparseCategoricalAccuracy if columns == 1 else CategoricalAccuracy


def get(identifier) -> Metric:
    """The metric of a name, description, object or function (y_true, y_pred)."""
    if callable(identifier) and not isinstance(identifier, (Metric, type)):
        return MeanMetricWrapper(identifier)
    return find("metric", identifier, _classes(), Metric)


def __getattr__(name: str):
    from . import metrics_counts, metrics_losses

    for page in (metrics_losses, metrics_counts):
        made = vars(page).get(name)
        if isinstance(made, type) and issubclass(made, Metric):
            return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
