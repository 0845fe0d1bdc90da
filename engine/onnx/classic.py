"""Operators of ``ai.onnx.ml``: linear models, scalers, and what scikit-learn puts around them.

Maps from class to probability (ZipMap) stay what they are made of: a row of probabilities.
"""

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.kernels.binding import LinearRow
from respnet.engine.onnx.elementwise import sigmoid
from respnet.engine.onnx.reductions import probabilities

DOMAIN = "ai.onnx.ml"
FEW = 16


def _scores(call, x, rows):
    """x (B,I) -> B scores a row of coefficients, before anything is done to them."""
    weights = np.array(call.get("coefficients"), np.float32)
    if x.ndim == 1:
        x = x[np.newaxis]
    if x.ndim != 2 or rows < 1 or len(weights) != rows * x.shape[1]:
        raise ShapeError(f"{len(weights)} coefficients for {rows} results of {x.shape} numbers")
    scores = _product(x.astype(np.float32), weights.reshape(rows, -1))
    offsets = call.get("intercepts")
    return scores if offsets is None else scores + np.array(offsets, np.float32)


def _product(x, weights):
    """x (B,I), weights (O,I) -> (B,O). Few numbers are added one after the other, which gives
    onnxruntime's very digits: tests of clients compare them."""
    if x.shape[1] > FEW:
        return x @ weights.T
    total = np.zeros((len(x), len(weights)), np.float32)
    for column, weight in zip(x.T, weights.T, strict=True):
        total += np.outer(column, weight)
    return total


def linear_row(nodes):
    """(inputs, outputs, LinearRow) of a graph that is nothing but a linear model of few numbers, to
    the bits of its node; or None."""
    if len(nodes) != 1 or nodes[0].kind != "LinearRegressor":
        return None
    get = nodes[0].attributes.get
    weights, outputs = np.array(get("coefficients", []), np.float32), get("targets", 1)
    if get("post_transform", b"NONE") != b"NONE" or outputs < 1 or weights.size % outputs:
        return None
    weights, offsets = weights.reshape(outputs, -1), get("intercepts") or [0.0] * outputs
    if not 0 < weights.shape[1] <= FEW or len(offsets) != outputs:
        return None
    return weights.shape[1], outputs, LinearRow(weights, offsets)


def _transformed(call, scores):
    call.only("post_transform", "NONE", "LOGISTIC", "SOFTMAX")
    kind = call.text("post_transform", "NONE")
    if kind == "LOGISTIC":
        return sigmoid(scores)
    return probabilities(scores, 1) if kind == "SOFTMAX" else scores


def _linear_regressor(call, x):
    return _transformed(call, _scores(call, x, call.get("targets", 1)))


def _labels(call):
    words = call.get("classlabels_strings")
    if not words:
        return np.array(call.get("classlabels_ints", []), np.int64)
    labels = np.empty(len(words), object)
    labels[:] = words
    return labels


def _linear_classifier(call, x):
    """Labels (B,) and scores (B,O); every label has a row of coefficients."""
    labels = _labels(call)
    scores = _scores(call, x, len(labels))
    return labels[scores.argmax(1)], _transformed(call, scores)


def _normalizer(call, x):
    norms = {
        "MAX": lambda x: x.max(axis=-1, keepdims=True),
        "L1": lambda x: np.abs(x).sum(axis=-1, keepdims=True),
        "L2": lambda x: np.sqrt((x * x).sum(axis=-1, keepdims=True)),
    }
    call.only("norm", *norms)
    x = x.astype(np.float32)
    size = norms[call.text("norm", "MAX")](x)
    return x / np.where(size == 0, np.float32(1), size)


def _scaler(call, x):
    offset = np.array(call.get("offset", [0.0]), np.float32)
    return (x.astype(np.float32) - offset) * np.array(call.get("scale", [1.0]), np.float32)


def _feature_extractor(call, x, index):
    index = index.ravel()
    if index.size and (index.min() < 0 or index.max() >= x.shape[-1]):
        raise ShapeError(f"columns {index.min()} to {index.max()} of {x.shape[-1]}")
    return np.atleast_2d(np.take(x, index, -1))


OPS = {
    "LinearRegressor": _linear_regressor,
    "LinearClassifier": _linear_classifier,
    "Normalizer": _normalizer,
    "Scaler": _scaler,
    "ArrayFeatureExtractor": _feature_extractor,
    "ZipMap": lambda call, x: x,
}
