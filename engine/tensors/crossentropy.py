"""Losses of each row by the names and arguments of Keras; their gradients are those of the ops."""

from respnet.engine.tensors.elementwise import (
    abs,
    add,
    clip,
    divide,
    log,
    multiply,
    square,
    subtract,
)
from respnet.engine.tensors.indexing import take_along_axis
from respnet.engine.tensors.reductions import log_softmax, mean, sum
from respnet.engine.tensors.shaping import expand_dims, squeeze
from respnet.engine.tensors.table import OPS, composed

EPSILON = 1e-7  # probabilities are kept this far from 0 and 1, as in Keras


@composed
def mean_squared_error(y_true, y_pred):
    """The mean of (y_pred - y_true)^2 along the last axis."""
    return mean(square(subtract(y_pred, y_true)), axis=-1)


@composed
def mean_absolute_error(y_true, y_pred):
    """The mean of the distances along the last axis."""
    return mean(abs(subtract(y_pred, y_true)), axis=-1)


@composed
def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-sum target log output; target (...,O) one-hot, output probabilities or logits."""
    return -sum(multiply(target, _logs(output, from_logits, axis)), axis=axis)


def _logs(output, from_logits, axis):
    if from_logits:
        return log_softmax(output, axis)
    shares = divide(output, sum(output, axis=axis, keepdims=True))
    return log(clip(shares, EPSILON, 1 - EPSILON))


@composed
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log output[target]; target (...) numbers of classes, output (...,O)."""
    logs = _logs(output, from_logits, axis)
    return -squeeze(take_along_axis(logs, expand_dims(target, axis), axis), axis)


@composed
def binary_crossentropy(target, output, from_logits=False):
    """-(t log p + (1 - t) log(1 - p)) of each number."""
    if from_logits:
        return subtract(OPS["softplus"].call(output), multiply(target, output))
    p = clip(output, EPSILON, 1 - EPSILON)
    return -add(multiply(target, log(p)), multiply(subtract(1, target), log(subtract(1, p))))
