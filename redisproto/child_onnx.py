"""ONNX models by onnxruntime, inside a child."""

import numpy as np
import onnxruntime

from .ai_tensor import DTYPES

VERSION = onnxruntime.__version__
# onnxruntime's words for types -> ours
TYPES = {"float": "FLOAT", "double": "DOUBLE", "string": "STRING",
         **{name.lower(): name for name in DTYPES}}


class Model:
    """One session, on one thread. inputs, outputs: (name, type, shape)."""

    def __init__(self, blob, *_):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(
            blob, options, providers=["CPUExecutionProvider"])
        self.inputs = [described(one) for one in self.session.get_inputs()]
        self.outputs = [described(one) for one in self.session.get_outputs()]

    def run(self, arrays):
        feed = {name: text(array) if array.dtype == object else array
                for (name, _, _), array in zip(self.inputs, arrays, strict=True)}
        return self.session.run(None, feed)


def described(one):
    kind = TYPES.get(one.type.removeprefix("tensor(").removesuffix(")"), "")
    shape = [n if isinstance(n, int) and n >= 0 else None for n in one.shape]
    return one.name, kind, shape


def text(array):
    words = [word.decode("utf-8", "replace") for word in array.ravel()]
    return np.array(words, object).reshape(array.shape)
