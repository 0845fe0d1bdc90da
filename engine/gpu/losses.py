"""Losses and metrics on the GPU. ``count``: on the device, how many places count in the term.

They give their value first (a mean over what counts), then what they write.
"""

from math import isnan

from respnet.engine.gpu.context import matrix
from respnet.engine.losses import POINTWISE, ROWWISE

__all__ = ["count_places", "metric", "pointwise_loss", "row_loss"]


def _share(c, count):
    """What one place weighs in the mean; 0 where none counts."""
    return c.cp.where(count > 0, 1 / c.cp.maximum(count, 1), 0).astype(c.dtype)


def _shares(c, reduction, count, places):
    """What one place weighs in the value, and in what is trained."""
    one = c.cp.ones((), c.dtype)
    if reduction == "mean":
        return (_share(c, count),) * 2
    return one if reduction == "sum" else one / places, one


def pointwise_loss(
    c, prediction, target, weight, *, loss, options, reduction, term, scale, count
):
    value, slope = c.cp.empty_like(prediction), c.cp.empty_like(prediction)
    int64, n, outputs = c.cp.int64, prediction.size, prediction.shape[-1]
    shares = _shares(c, reduction, count, n // outputs)
    c.launch("losses", "pointwise_loss", n, prediction, target, weight, *shares, value, slope,
             float(scale), *map(float, options), c.cp.int32(POINTWISE.index(loss)),
             int64(outputs), int64(n))
    return value.sum(), slope


def row_loss(c, prediction, target, weight, *, loss, options, reduction, term, scale, count):
    outputs, int64 = prediction.shape[-1], c.cp.int64
    rows = prediction.size // outputs
    value, slope = c.empty(rows), c.cp.empty_like(prediction)
    shares = _shares(c, reduction, count, rows)
    c.launch("losses", "row_loss", rows, prediction, target, weight, *shares, value, slope,
             float(scale), *map(float, options), c.cp.int32(ROWWISE.index(loss)),
             *map(int64, (outputs, target.size // rows, rows)))
    return value.sum(), slope


def count_places(c, mask, target, *, ignored, term):
    counts = True if mask is None else mask.ravel() != 0
    if target is not None and not isnan(ignored):
        counts = counts & (target.ravel() != ignored)
    return counts.sum()


def metric(c, prediction, target, mask, *, metric, ignored, term, count):
    """Wrong classes, wrong bits, or the absolute error."""
    prediction, target = matrix(prediction), matrix(target)
    if metric == "class_error":
        rows = prediction.argmax(axis=1) != target.argmax(axis=1)
    elif metric == "sparse_class_error":
        rows = prediction.argmax(axis=1) != target[:, 0]
        rows = rows if isnan(ignored) else rows & (target[:, 0] != ignored)
    elif metric == "absolute_error":
        rows = c.cp.abs(prediction - target).mean(axis=1)
    else:
        limit = 0 if metric == "logit_error" else 0.5
        rows = ((prediction > limit) != (target > 0.5)).mean(axis=1)
    rows = rows if mask is None else rows * (mask.ravel() != 0)
    return (rows.sum() * _share(c, count),)
