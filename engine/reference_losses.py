"""Losses and metrics in plain NumPy, as Keras 3 defines them: the oracle of steps_loss.hpp.

Predictions (B,O), targets (B,O) or class numbers (B,1); B counts all places of sequences. Each loss
is (value, derivative), of places or of whole rows; ``count`` is the number of places that count.
"""

import numpy as np
from numpy import abs, clip, cosh, exp, log, log1p, maximum, sign, sqrt, tanh, where

from respnet.engine.reference_activations import sigmoid

__all__ = ["LOSSES", "ROW_LOSSES", "count_places", "metric", "pointwise_loss", "row_loss"]
EPSILON = 1e-7


def smoothed(t, smoothing, classes=2):
    return t * (1 - smoothing) + smoothing / classes


def probability(p):
    return clip(p, EPSILON, 1 - EPSILON)


def inside(p, high=1 - EPSILON):
    return (p >= EPSILON) & (p <= high)


def _binary_probability(p, t, s):
    q, t = probability(p), smoothed(t, s)
    return -(t * log(q) + (1 - t) * log(1 - q))


def _log_error(p, t):
    return log(maximum(p, EPSILON) + 1) - log(maximum(t, EPSILON) + 1)


def _percent(t):
    return 100 / maximum(abs(t), EPSILON)


def _binary_slope(p, t, s):
    return inside(p) * (p - smoothed(t, s)) / (probability(p) * (1 - probability(p)))


def _binary_focal(p, t, smoothing, gamma, alpha):
    s = smoothed(t, smoothing)
    wrong = maximum(1 - (s * p + (1 - s) * (1 - p)), EPSILON)
    focus = wrong**gamma * (1 if np.isnan(alpha) else s * alpha + (1 - s) * (1 - alpha))
    entropy, slope = _binary_probability(p, t, smoothing), _binary_slope(p, t, smoothing)
    return focus * entropy, focus * (slope + gamma / wrong * (1 - 2 * s) * entropy)


def _binary_focal_logit(z, t, *options):
    p = sigmoid(z)
    value, slope = _binary_focal(p, t, *options)
    return value, slope * p * (1 - p)


def _part(function, i: int):
    """Value or derivative of a loss that reads all options."""
    return lambda p, t, options: function(p, t, *options)[i]


# name -> (value, derivative), pointwise in prediction p and target t; d is the option
LOSSES = {
    "mse": (lambda p, t, d: (p - t) ** 2, lambda p, t, d: 2 * (p - t)),
    "mae": (lambda p, t, d: abs(p - t), lambda p, t, d: sign(p - t)),
    "huber": (
        lambda p, t, d: where(abs(p - t) <= d, (p - t) ** 2 / 2, d * (abs(p - t) - d / 2)),
        lambda p, t, d: clip(p - t, -d, d),
    ),
    "binary_crossentropy": (
        lambda p, t, d: maximum(p, 0) - p * smoothed(t, d) + log1p(exp(-abs(p))),
        lambda p, t, d: sigmoid(p) - smoothed(t, d),
    ),
    "binary_probability": (_binary_probability, _binary_slope),
    "poisson": (
        lambda p, t, d: p - t * log(p + EPSILON),
        lambda p, t, d: 1 - t / (p + EPSILON),
    ),
    "hinge": (lambda p, t, d: maximum(1 - t * p, 0), lambda p, t, d: where(t * p < 1, -t, 0)),
    "squared_hinge": (
        lambda p, t, d: maximum(1 - t * p, 0) ** 2,
        lambda p, t, d: -2 * t * maximum(1 - t * p, 0),
    ),
    "mape": (lambda p, t, d: abs(p - t) * _percent(t), lambda p, t, d: sign(p - t) * _percent(t)),
    "msle": (
        lambda p, t, d: _log_error(p, t) ** 2,
        lambda p, t, d: where(p >= EPSILON, 2 * _log_error(p, t) / (maximum(p, EPSILON) + 1), 0),
    ),
    "log_cosh": (lambda p, t, d: log(cosh(p - t)), lambda p, t, d: tanh(p - t)),
    "binary_focal": tuple(_part(_binary_focal, i) for i in (0, 1)),
    "binary_focal_logit": tuple(_part(_binary_focal_logit, i) for i in (0, 1)),
}


def _softmax_crossentropy(z, t):
    top = z.max(axis=1, keepdims=True)
    e = exp(z - top)
    total = e.sum(axis=1, keepdims=True)
    value = (t * (log(total) + top - z)).sum(axis=1)
    return value, e / total * t.sum(axis=1, keepdims=True) - t


def _crossentropy(p, t):
    total = p.sum(axis=1, keepdims=True)
    q = p / total
    dq = where(inside(q), -t / probability(q), 0)
    value = -(t * log(probability(q))).sum(axis=1)
    return value, (dq - (dq * q).sum(axis=1, keepdims=True)) / total


def _one_hot(p, t, ignored):
    """Rows of ignored classes are all 0, and so is their loss."""
    classes = np.arange(p.shape[1])
    return (t == classes) * (t != ignored) * 1.0


def _kl_divergence(p, t, d):
    t, q = clip(t, EPSILON, 1), clip(p, EPSILON, 1)
    return (t * log(t / q)).sum(axis=1), inside(p, 1) * -t / q


def _categorical_hinge(p, t, d):
    others, own = (1 - t) * p, (t * p).sum(axis=1)
    value = maximum(others.max(axis=1) - own + 1, 0)
    largest = np.eye(p.shape[1])[others.argmax(axis=1)]
    return value, (value > 0)[:, None] * (largest * (1 - t) - t)


def _cosine_similarity(p, t, d):
    size_p, size_t = (sqrt((x * x).sum(axis=1, keepdims=True)) for x in (p, t))
    size, scaled = maximum(size_p, EPSILON), t / maximum(size_t, EPSILON)
    cosine = (p * scaled).sum(axis=1, keepdims=True) / size
    return -cosine[:, 0], where(size_p >= EPSILON, cosine * p / size**2, 0) - scaled / size


def _focal_shares(q, t, gamma, alpha):
    """Value of each row, and its derivative by the shares q of the outputs."""
    p = probability(q)
    focus = alpha * t * (1 - p) ** gamma
    slope = focus * (gamma * log(p) / (1 - p) - 1 / p)
    return -(focus * log(p)).sum(axis=1), where(inside(q), slope, 0)


def _categorical_focal(p, t, smoothing, gamma, alpha):
    total = p.sum(axis=1, keepdims=True)
    q, t = p / total, smoothed(t, smoothing, p.shape[1])
    value, dq = _focal_shares(q, t, gamma, alpha)
    return value, (dq - (dq * q).sum(axis=1, keepdims=True)) / total


def _categorical_focal_logits(z, t, smoothing, gamma, alpha):
    e = exp(z - z.max(axis=1, keepdims=True))
    q, t = e / e.sum(axis=1, keepdims=True), smoothed(t, smoothing, z.shape[1])
    value, dq = _focal_shares(q, t, gamma, alpha)
    return value, q * (dq - (dq * q).sum(axis=1, keepdims=True))


# name -> function(prediction, target, option) giving the value of each row and its derivative
ROW_LOSSES = {
    "categorical_crossentropy": lambda p, t, d: _softmax_crossentropy(
        p, smoothed(t, d, p.shape[1])
    ),
    "sparse_crossentropy": lambda p, t, d: _softmax_crossentropy(p, _one_hot(p, t, d)),
    "categorical_probability": lambda p, t, d: _crossentropy(p, smoothed(t, d, p.shape[1])),
    "sparse_probability": lambda p, t, d: _crossentropy(p, _one_hot(p, t, d)),
    "kl_divergence": _kl_divergence,
    "categorical_hinge": _categorical_hinge,
    "cosine_similarity": _cosine_similarity,
    "categorical_focal": lambda p, t, options: _categorical_focal(p, t, *options),
    "categorical_focal_logits": lambda p, t, options: _categorical_focal_logits(p, t, *options),
}


def _of(loss: str, options):
    """What the functions of a loss take: focal ones all options, others the first."""
    return options if "focal" in loss else options[0]


def pointwise_loss(
    prediction, target, weight, *, loss, options, reduction, term, scale, count
):
    value, slope = (f(prediction, target, _of(loss, options)) for f in LOSSES[loss])
    w = 1 if weight is None else weight.reshape(-1, 1)
    share, factor = _shares(reduction, count, len(value), prediction.shape[1])
    return (value * w).sum() * share, slope * w * factor * scale


def row_loss(prediction, target, weight, *, loss, options, reduction, term, scale, count):
    value, slope = ROW_LOSSES[loss](prediction, target, _of(loss, options))
    w = np.ones(len(value)) if weight is None else weight.ravel()
    share, factor = _shares(reduction, count, len(value))
    return (value * w).sum() * share, slope * w[:, None] * factor * scale


def _shares(reduction, count, places, numbers=1):
    """What each number is of the value, and of what is trained."""
    share = _share({"mean": count, "sum": 1, "none": places}[reduction] * numbers)
    return share, 1 / numbers if reduction == "none" else share


def _share(count) -> float:
    return 1 / count if count else 0.0


def count_places(mask, target, *, ignored, term):
    counts = True if mask is None else mask.ravel() != 0
    return np.sum(counts & (True if target is None else target.ravel() != ignored))


def metric(prediction, target, mask, *, metric, ignored, term, count):
    """Mean over what counts: wrong classes, wrong bits, or the absolute error."""
    if metric == "class_error":
        rows = prediction.argmax(axis=1) != target.argmax(axis=1)
    elif metric == "sparse_class_error":
        rows = (prediction.argmax(axis=1) != target.ravel()) & (target.ravel() != ignored)
    elif metric == "absolute_error":
        rows = abs(prediction - target).mean(axis=1)
    else:
        limit = 0 if metric == "logit_error" else 0.5
        rows = ((prediction > limit) != (target > 0.5)).mean(axis=1)
    counts = 1 if mask is None else mask.ravel() != 0
    return (rows * counts).sum() * _share(count)
