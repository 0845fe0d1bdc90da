"""Operators along axes: sums, extremes, softmax, sorting."""

import numpy as np


def _reduce(function):
    def apply(call, x, axes=None):
        axes = call.axes(axes)
        if not axes:
            if call.get("noop_with_empty_axes", 0):
                return x
            axes = range(x.ndim)
        keep = bool(call.get("keepdims", 1))
        return np.asarray(function(x, axis=tuple(axes), keepdims=keep)).astype(x.dtype, copy=False)

    return apply


def _log_sum_exp(x, axis, keepdims):
    top = x.max(axis=axis, keepdims=True)
    total = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis)


def _arg(function):
    def apply(call, x):
        axis, last = call.get("axis", 0), call.get("select_last_index", 0)
        keep = bool(call.get("keepdims", 1))
        if not last:
            return np.asarray(function(x, axis=axis, keepdims=keep)).astype(np.int64)
        found = function(np.flip(x, axis), axis=axis, keepdims=keep)
        return np.asarray(x.shape[axis] - 1 - found).astype(np.int64)

    return apply


def _softmax(call, x):
    return _over_classes(call, x, lambda x, axis: probabilities(x, axis))


def _log_softmax(call, x):
    def logs(x, axis):
        x = x - x.max(axis=axis, keepdims=True)
        return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))

    return _over_classes(call, x, logs)


def probabilities(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _over_classes(call, x, function):
    """Up to opset 12 all axes from ``axis`` on are one; later it is that axis alone."""
    if call.opset >= 13:
        return function(x, call.get("axis", -1))
    axis = call.get("axis", 1)
    axis = axis + x.ndim if axis < 0 else axis
    rows = int(np.prod(x.shape[:axis]))
    return function(x.reshape(rows, -1), 1).reshape(x.shape)


def _cumsum(call, x, axis):
    axis, backwards = int(np.reshape(axis, ())), bool(call.get("reverse", 0))
    x = np.flip(x, axis) if backwards else x
    total = np.cumsum(x, axis=axis, dtype=x.dtype)
    if call.get("exclusive", 0):
        total = total - x
    return np.flip(total, axis) if backwards else total


def _top_k(call, x, k=None):
    axis = call.get("axis", -1)
    k = int(np.reshape(k, ())) if k is not None else call.get("k")
    if not 0 <= k <= x.shape[axis]:
        raise ValueError(f"the {k} largest of {x.shape[axis]}")
    keys = x
    if call.get("largest", 1):
        keys = -x if np.issubdtype(x.dtype, np.floating) else ~x  # ~: no number overflows
    order = np.take(np.argsort(keys, axis=axis, kind="stable"), np.arange(k), axis=axis)
    return np.take_along_axis(x, order, axis), order.astype(np.int64)


OPS = {
    "ReduceSum": _reduce(np.sum),
    "ReduceMean": _reduce(np.mean),
    "ReduceMax": _reduce(np.max),
    "ReduceMin": _reduce(np.min),
    "ReduceProd": _reduce(np.prod),
    "ReduceSumSquare": _reduce(lambda x, **over: np.sum(x * x, **over)),
    "ReduceL1": _reduce(lambda x, **over: np.sum(np.abs(x), **over)),
    "ReduceL2": _reduce(lambda x, **over: np.sqrt(np.sum(x * x, **over))),
    "ReduceLogSumExp": _reduce(_log_sum_exp),
    "ArgMax": _arg(np.argmax),
    "ArgMin": _arg(np.argmin),
    "Softmax": _softmax,
    "LogSoftmax": _log_softmax,
    "CumSum": _cumsum,
    "TopK": _top_k,
}
