"""Losses of classes and probabilities, by the names and definitions of Keras 3."""

import numpy as np

from .losses_base import COMMON, EPSILON, Loss, mean, paired
from .rows import check_classes


def log_softmax(x) -> np.ndarray:
    x = x - x.max(axis=-1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


def _sigmoid(x) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))


class _Probabilities(Loss):
    """Base of the cross-entropies: ``from_logits`` for models without a last activation."""

    options: tuple[str, ...] = ("from_logits", "label_smoothing")
    arguments = {"from_logits": False, "label_smoothing": 0.0, "axis": -1, **COMMON}

    def __init__(self, *values, **options):
        super().__init__(*values, **options)
        if self.axis != -1:
            raise ValueError(f"{type(self).__name__}: axis must be -1, got {self.axis!r}")

    def smoothed(self, y, classes: int):
        return y * (1 - self.label_smoothing) + self.label_smoothing / classes


class BinaryCrossentropy(_Probabilities):
    engine = "binary_crossentropy"

    def rows(self, y_true, y_pred):
        y = self.smoothed(paired(y_true, y_pred), 2)
        if self.from_logits:
            return mean(np.maximum(y_pred, 0) - y_pred * y + np.log1p(np.exp(-np.abs(y_pred))))
        p = np.clip(y_pred, EPSILON, 1 - EPSILON)
        return -mean(y * np.log(p) + (1 - y) * np.log(1 - p))


class CategoricalCrossentropy(_Probabilities):
    """Targets are one-hot rows."""

    engine = "categorical_crossentropy"

    def logs(self, y_pred):
        if self.from_logits:
            return log_softmax(y_pred)
        return np.log(np.clip(y_pred / y_pred.sum(-1, keepdims=True), EPSILON, 1 - EPSILON))

    def rows(self, y_true, y_pred):
        return -np.sum(self.smoothed(y_true, y_pred.shape[-1]) * self.logs(y_pred), axis=-1)


class SparseCategoricalCrossentropy(CategoricalCrossentropy):
    """Targets are the numbers of the classes; those of ``ignore_class`` do not count."""

    engine = "sparse_crossentropy"
    options = ("from_logits", "ignore_class")
    arguments = {"from_logits": False, "ignore_class": None, "axis": -1, **COMMON}

    def check(self, y, outputs):
        check_classes(y, outputs, self.ignore_class)

    def mask(self, y_true):
        return None if self.ignore_class is None else y_true != self.ignore_class

    def rows(self, y_true, y_pred):
        logs = self.logs(y_pred)
        self.check(y_true, logs.shape[-1])
        classes = np.asarray(y_true, np.int64).reshape(logs.shape[:-1])
        counts = np.full(classes.shape, True)
        if self.ignore_class is not None:
            counts = classes != self.ignore_class
        classes = np.where(counts, classes, 0)
        return -np.take_along_axis(logs, classes[..., None], axis=-1)[..., 0] * counts


class BinaryFocalCrossentropy(BinaryCrossentropy):
    """Cross-entropy times (1 - p)^gamma of the probability p of what is right (Lin et al. 2017)."""

    engine = "binary_focal_crossentropy"
    arguments = {
        "apply_class_balancing": False,
        "alpha": 0.25,
        "gamma": 2.0,
        "from_logits": False,
        "label_smoothing": 0.0,
        "axis": -1,
        **COMMON,
    }
    options = ("gamma", "from_logits", "label_smoothing")

    def term_options(self):
        alpha = self.alpha if self.apply_class_balancing else None
        return super().term_options() | {"alpha": alpha}

    def rows(self, y_true, y_pred):
        y = self.smoothed(paired(y_true, y_pred), 2)
        p = _sigmoid(y_pred) if self.from_logits else y_pred
        q = np.clip(p, EPSILON, 1 - EPSILON)
        entropy = -(y * np.log(q) + (1 - y) * np.log(1 - q))
        focal = (1 - (y * p + (1 - y) * (1 - p))) ** self.gamma * entropy
        if self.apply_class_balancing:
            focal = focal * (y * self.alpha + (1 - y) * (1 - self.alpha))
        return mean(focal)


class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    """alpha (1 - p)^gamma times the cross-entropy of each class; targets are one-hot rows."""

    engine = "categorical_focal_crossentropy"
    options = ("alpha", "gamma", "from_logits", "label_smoothing")
    arguments = {
        "alpha": 0.25,
        "gamma": 2.0,
        "from_logits": False,
        "label_smoothing": 0.0,
        "axis": -1,
        **COMMON,
    }

    def rows(self, y_true, y_pred):
        y, logs = self.smoothed(y_true, y_pred.shape[-1]), self.logs(y_pred)
        p = np.clip(np.exp(logs), EPSILON, 1 - EPSILON)
        return -np.sum(self.alpha * (1 - p) ** self.gamma * y * np.log(p), axis=-1)


class KLDivergence(Loss):
    """sum t log(t / y) of distributions (Kullback and Leibler 1951)."""

    engine = "kl_divergence"

    def rows(self, y_true, y_pred):
        t, p = np.clip(y_true, EPSILON, 1), np.clip(y_pred, EPSILON, 1)
        return np.sum(t * np.log(t / p), axis=-1)


class _Hinge(Loss):
    """Base: targets are -1 and 1; 0 and 1 are taken for these if there are no others."""

    def targets(self, y):
        y = np.asarray(y)
        return 2.0 * y - 1.0 if np.all((y == 0) | (y == 1)) else y

    def margin(self, y_true, y_pred):
        return np.maximum(1 - self.targets(paired(y_true, y_pred)) * y_pred, 0)


class Hinge(_Hinge):
    engine = "hinge"

    def rows(self, y_true, y_pred):
        return mean(self.margin(y_true, y_pred))


class SquaredHinge(_Hinge):
    engine = "squared_hinge"

    def rows(self, y_true, y_pred):
        return mean(self.margin(y_true, y_pred) ** 2)


class CategoricalHinge(Loss):
    """Targets are one-hot rows."""

    engine = "categorical_hinge"

    def rows(self, y_true, y_pred):
        own = np.sum(y_true * y_pred, axis=-1)
        return np.maximum(np.max((1 - y_true) * y_pred, axis=-1) - own + 1, 0)
