"""TFLITE models by LiteRT, inside a child."""

import ai_edge_litert
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from .ai_tensor import NAMES

VERSION = ai_edge_litert.__version__
NO_REASON = "the runtime gave no reason; it says nothing when memory is short"


class Model:
    """One interpreter, on one thread. inputs, outputs: (name, type, shape).

    Its inputs take the shapes of the tensors they are given. What it keeps between two runs
    (variables) begins anew with each, so equal inputs give equal outputs.
    """

    def __init__(self, blob, *_):
        self.blob = bytes(blob)
        self.begin()
        self.inputs = [described(one) for one in self.interpreter.get_input_details()]
        self.outputs = [described(one) for one in self.interpreter.get_output_details()]

    def begin(self):
        self.interpreter = Interpreter(model_content=self.blob, num_threads=1)
        self.interpreter.allocate_tensors()
        details = self.interpreter.get_input_details()
        self.feeds = [one["index"] for one in details]
        self.shapes = [tuple(one["shape"]) for one in details]
        self.fetches = [one["index"] for one in self.interpreter.get_output_details()]

    def run(self, arrays):
        try:
            return self.results(arrays)
        except Exception as error:
            self.begin()  # a run that failed leaves an interpreter that is not to be trusted
            if not str(error):
                raise ValueError(NO_REASON) from None
            raise

    def results(self, arrays):
        interpreter, shapes = self.interpreter, [array.shape for array in arrays]
        if shapes != self.shapes:
            for index, shape in zip(self.feeds, shapes, strict=True):
                interpreter.resize_tensor_input(index, shape)
            interpreter.allocate_tensors()
            self.shapes = shapes
        interpreter.reset_all_variables()
        for index, array in zip(self.feeds, arrays, strict=True):
            interpreter.set_tensor(index, array)
        interpreter.invoke()
        return [interpreter.get_tensor(index) for index in self.fetches]


def described(one):
    dtype = np.dtype(one["dtype"])
    kind = "STRING" if dtype.kind in "SO" else NAMES.get(dtype, "")
    return one["name"], kind, [int(n) if n >= 0 else None for n in one["shape_signature"]]
