"""Metrics that are means of a loss, or made of such means."""

import numpy as np

from . import losses
from .metrics import NAMES, Averaged


class OfLoss(Averaged):
    """The mean of the loss ``of``; takes the arguments of the loss."""

    of: type[losses.Loss] = losses.MeanSquaredError
    short = ""

    def rows(self, y_true, y_pred):
        own = [name for name in self.of.arguments if name in self.arguments and name != "name"]
        loss = self.of(**{name: getattr(self, name) for name in own})
        return loss.rows(np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64))


class MeanSquaredError(OfLoss):
    short = "mean_squared_error"


class MeanAbsoluteError(OfLoss):
    short, of = "mean_absolute_error", losses.MeanAbsoluteError


class MeanAbsolutePercentageError(OfLoss):
    short, of = "mean_absolute_percentage_error", losses.MeanAbsolutePercentageError


class MeanSquaredLogarithmicError(OfLoss):
    short, of = "mean_squared_logarithmic_error", losses.MeanSquaredLogarithmicError


class LogCoshError(OfLoss):
    short, of = "logcosh", losses.LogCosh


class Poisson(OfLoss):
    short, of = "poisson", losses.Poisson


class KLDivergence(OfLoss):
    short, of = "kl_divergence", losses.KLDivergence


class Hinge(OfLoss):
    short, of = "hinge", losses.Hinge


class SquaredHinge(OfLoss):
    short, of = "squared_hinge", losses.SquaredHinge


class CategoricalHinge(OfLoss):
    short, of = "categorical_hinge", losses.CategoricalHinge


class CosineSimilarity(OfLoss):
    """The cosine itself: the loss is minus that."""

    short, of = "cosine_similarity", losses.CosineSimilarity

    def rows(self, y_true, y_pred):
        return -super().rows(y_true, y_pred)


_SMOOTHED = {"name": None, "dtype": None, "from_logits": False, "label_smoothing": 0.0}


class BinaryCrossentropy(OfLoss):
    short, of, arguments = "binary_crossentropy", losses.BinaryCrossentropy, _SMOOTHED


class CategoricalCrossentropy(OfLoss):
    short, of, arguments = "categorical_crossentropy", losses.CategoricalCrossentropy, _SMOOTHED


class SparseCategoricalCrossentropy(OfLoss):
    short, of = "sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy
    arguments = {"name": None, "dtype": None, "from_logits": False}


class RootMeanSquaredError(OfLoss):
    short = "root_mean_squared_error"

    def result(self):
        return float(np.sqrt(super().result()))


class Perplexity(SparseCategoricalCrossentropy):
    """exp of the cross-entropy; targets are class numbers."""

    short = "perplexity"

    def result(self):
        return float(np.exp(super().result()))


class R2Score(Averaged):
    """1 - squares of errors / squares around the mean, averaged over the outputs."""

    short = "r2_score"

    def reset_state(self):
        self._weight = self._errors = self._sum = self._squares = 0.0

    def update_state(self, y_true, y_pred, sample_weight=None):
        t = np.asarray(y_true, np.float64).reshape(-1, np.shape(y_pred)[-1])
        error = t - np.asarray(y_pred, np.float64).reshape(t.shape)
        weight = np.ones((len(t), 1))
        if sample_weight is not None:
            places = np.shape(y_pred)[:-1]
            given = np.asarray(sample_weight, np.float64)
            given = given.reshape(*given.shape, *(1,) * (len(places) - given.ndim))
            weight = np.broadcast_to(given, places).reshape(-1, 1)
        self._weight += weight.sum()
        self._errors = self._errors + (weight * error**2).sum(0)
        self._sum = self._sum + (weight * t).sum(0)
        self._squares = self._squares + (weight * t**2).sum(0)

    def result(self):
        if not self._weight:
            return 0.0
        around = self._squares - self._sum**2 / self._weight
        score = 1 - np.divide(self._errors, around, where=around > 0, out=np.ones_like(around))
        return float(np.mean(score))


NAMES |= {
    "mse": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "msle": MeanSquaredLogarithmicError,
    "rmse": RootMeanSquaredError,
    "bce": BinaryCrossentropy,
    "kld": KLDivergence,
}
