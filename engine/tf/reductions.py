"""Operators along axes. The axes are an input."""

import numpy as np

from respnet.engine.onnx import reductions as onnx
from respnet.engine.tf.tensors import dtype_of


def _reduce(function):
    def apply(call, x, axes):
        keep = bool(call.get("keep_dims", 0))
        axes = tuple(int(n) for n in np.atleast_1d(axes))
        return np.asarray(function(x, axis=axes, keepdims=keep)).astype(x.dtype, copy=False)

    return apply


def _arg(function):
    def apply(call, x, axis):
        found = function(x, axis=int(np.reshape(axis, ())))
        return np.asarray(found).astype(dtype_of(call.get("output_type", 0) or 9))

    return apply


OPS = {
    "Sum": _reduce(np.sum),
    "Mean": _reduce(np.mean),
    "Max": _reduce(np.max),
    "Min": _reduce(np.min),
    "Prod": _reduce(np.prod),
    "All": _reduce(np.all),
    "Any": _reduce(np.any),
    "ArgMax": _arg(np.argmax),
    "ArgMin": _arg(np.argmin),
    "Softmax": onnx.OPS["Softmax"],
    "LogSoftmax": onnx.OPS["LogSoftmax"],
}
