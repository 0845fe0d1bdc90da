"""Metrics over counts of hits and misses: precision, recall, F1, area under the curve."""

import numpy as np

from .metrics import Metric


class Counted(Metric):
    """Base: true and false positives and negatives at a threshold."""

    arguments = {"thresholds": 0.5, "name": None, "dtype": None}

    def reset_state(self):
        self._hits = self._false = self._missed = 0.0

    def update_state(self, y_true, y_pred, sample_weight=None):
        positive = np.asarray(y_true).reshape(y_pred.shape) > 0.5
        said = y_pred > self.thresholds
        weight = np.ones(said.shape)
        if sample_weight is not None:
            shape = np.shape(sample_weight)
            weight = weight * np.reshape(sample_weight, (*shape, *(1,) * (said.ndim - len(shape))))
        self._hits += float((weight * (positive & said)).sum())
        self._false += float((weight * (~positive & said)).sum())
        self._missed += float((weight * (positive & ~said)).sum())


def _part(a: float, whole: float) -> float:
    return a / whole if whole else 0.0


class Precision(Counted):
    """Part of what was said that is right."""

    short = "precision"

    def result(self):
        return _part(self._hits, self._hits + self._false)


class Recall(Counted):
    """Part of what is right that was said."""

    short = "recall"

    def result(self):
        return _part(self._hits, self._hits + self._missed)


class F1Score(Counted):
    """Harmonic mean of precision and recall, of all outputs together."""

    short = "f1_score"

    def result(self):
        return _part(2 * self._hits, 2 * self._hits + self._false + self._missed)


class AUC(Metric):
    """Area under the ROC curve, from ``num_thresholds`` equal steps, trapezoids between them."""

    short = "auc"
    arguments = {"num_thresholds": 200, "name": None, "dtype": None}

    def reset_state(self):
        self._positive = np.zeros(self.num_thresholds)
        self._negative = np.zeros(self.num_thresholds)

    def update_state(self, y_true, y_pred, sample_weight=None):
        positive = np.asarray(y_true).reshape(-1) > 0.5
        scores = np.clip(np.asarray(y_pred, np.float64).reshape(-1), 0, 1)
        weight = (
            np.ones(scores.shape)
            if sample_weight is None
            else np.repeat(
                np.asarray(sample_weight, np.float64), scores.size // np.size(sample_weight)
            )
        )
        bins = np.ceil(scores * (self.num_thresholds - 1)).astype(np.int64)
        for counts, which in ((self._positive, positive), (self._negative, ~positive)):
            counts += np.bincount(bins[which], weight[which], minlength=self.num_thresholds)

    def result(self):
        """Positives and negatives above each threshold are points of the curve."""
        hits = np.append(np.cumsum(self._positive[::-1]), self._positive.sum())
        false = np.append(np.cumsum(self._negative[::-1]), self._negative.sum())
        if not hits[-1] or not false[-1]:
            return 0.0
        hits, false = np.insert(hits, 0, 0) / hits[-1], np.insert(false, 0, 0) / false[-1]
        return float(np.sum(np.diff(false) * (hits[1:] + hits[:-1]) / 2))
