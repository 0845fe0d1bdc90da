"""Backends: the bytes of a model become something that runs.

A backend is a row of ``BACKENDS``: ``load(blob, names, seconds) -> Runnable``; ``names`` are the
inputs and outputs the client gave (TF), ``seconds`` bounds one run. Loading and running happen
outside the loop's thread; what they raise becomes a reply by ``refusal``.
"""

import logging
from collections import OrderedDict
from copy import copy
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from respnet.engine import Model, storage, tf
from respnet.engine.errors import EngineError, FileError, LimitError, TimeError
from respnet.engine.kernels.binding import predict_row
from respnet.engine.onnx import Graph, Limits, read
from respnet.engine.onnx.classic import linear_row
from respnet.engine.onnx.graph import fitted
from respnet.engine.onnx.translate import NotPlain, to_spec
from respnet.engine.tf import allowed, translate

from .ai_tensor import MOST_BYTES, NAMES
from .errors import CommandError

log = logging.getLogger("respnet.ai")

NOT_LOADED = "ERR Could not load backend"
NO_GPU = "ERR GPU requested but the GPU executor is not available"
NO_GPU_ONNX = "ERR GPU requested but ONNX couldn't find CUDA"
BATCH = "ERR Model did not generate the expected batch size"
BATCH_TF = "ERR Tensorflow batching error: model did not generate the expected batch size"
TERMINATED = "ERR Exiting due to terminate flag being set to true"  # after the time limit
SMALL = Limits(bytes=4 << 20, seconds=0.005)  # of a run on the loop
ROW_BYTES = 128 << 20  # of all layers' outputs; the engine computes 16 rows at a time or more
SHOWN = 400  # letters of an engine's message that a reply repeats


@dataclass(frozen=True)
class Slot:
    """An input or output: dtype a type of tensors or "" (not known), shape a tuple with None for
    what may change, or None."""

    name: str
    dtype: str = ""
    shape: tuple | None = None

    def takes(self, dtype, shape):
        """Whether it is said to be of this type, and a tensor of this shape fits."""
        return self.dtype == dtype and (self.shape is None or fits(shape, self.shape))


class TooLong(Exception):
    """What took little time before would take more now: a worker has to do it."""


class Runnable:
    """A loaded model. ``run`` may be called by several threads at once."""

    inputs: tuple = ()  # of Slots
    outputs: tuple = ()
    nbytes = 0  # held besides the blob
    version = ""  # of what runs it
    batch_error = BATCH
    row = None  # (type, shape) of the one input that ``run_row`` takes

    def __init__(self):
        self.costs = OrderedDict()  # shapes of the inputs -> seconds of a processor a run took

    def run(self, arrays):
        """Arrays in the order of the inputs -> list of arrays in the order of the outputs."""
        raise NotImplementedError

    def run_small(self, arrays):
        """The same on the loop, for shapes that took little time before; TooLong where the numbers
        in the arrays, and not their shapes alone, decide how much work it is."""
        return self.run(arrays)

    def run_row(self, data):
        """The bytes of an input that is ``row`` -> (type, shape, bytes) of the one output."""
        raise NotImplementedError


class Network(Runnable):
    """A model of the engine. fit: makes the arrays of a run fit, or raises EngineError."""

    def __init__(self, model, inputs=None, outputs=None, fit=None):
        super().__init__()
        self.model = model
        check_sizes(model)
        self.nbytes = 2 * model.weights.vector.nbytes  # as they are, and packed
        name = NAMES[model.dtype.newbyteorder("<")]
        spec, shapes = model.spec, model.layout.shapes
        self.inputs = inputs or slots(name, spec.inputs)
        self.outputs = outputs or slots(name, [(one, shapes[one]) for one in spec.outputs])
        self.fit = fit or self.numbers
        if model.single and self.inputs[0].takes(name, (1, *spec.inputs[0][1])):
            self.row = name, (1, *spec.inputs[0][1])
            self.row_result = name, (1, *shapes[spec.outputs[0]])
        sizes = [prod(n for n in shapes[one] if n is not None) for one in spec.outputs]
        known = all(None not in shape for shape in shapes.values())
        self.safe_rows = MOST_BYTES // (max(*sizes, 1) * model.dtype.itemsize) if known else 0

    def numbers(self, arrays):
        for array, slot in zip(arrays, self.inputs, strict=True):
            if array.dtype.kind not in "fiub":
                raise FileError(f"input {slot.name!r} wants numbers, got STRING")
            if not fits(array.shape, slot.shape):
                raise FileError(f"input {slot.name!r} wants shape {shown(slot.shape)}, "
                                f"got {shown(array.shape)}")
        return arrays

    def run(self, arrays):
        arrays = [np.ascontiguousarray(one, self.model.dtype) for one in self.fit(arrays)]
        if len(arrays[0]) > self.safe_rows:
            check_bytes(self.model, arrays)
        result = self.model.predict(arrays if len(arrays) > 1 else arrays[0])
        return result if isinstance(result, list) else [result]

    def run_row(self, data):
        return *self.row_result, predict_row(self.model, data)


def fits(got, wanted):
    """Whether a shape is a wanted one, in which None is any length."""
    return len(got) == len(wanted) and (got[1:] == wanted[1:] or all(
        w is None or w == n for n, w in zip(got, wanted, strict=True)))


def slots(dtype, shapes):
    """Slots for rows of these shapes."""
    return tuple(Slot(name, dtype, (None, *shape)) for name, shape in shapes)


def shown(shape):
    """A shape as people write it: (?, 3)."""
    return "(" + ", ".join("?" if n is None else str(n) for n in shape) + ")"


def check_sizes(model):
    """A description may ask for huge rows without a single weight: refused before it runs."""
    shapes = model.layout.shapes.values()
    numbers = sum(prod(n for n in shape if n is not None) for shape in shapes)
    if numbers * model.dtype.itemsize > ROW_BYTES:
        raise FileError(f"the layers give {numbers * model.dtype.itemsize} bytes for one row, the "
                        f"limit is {ROW_BYTES}")


def check_bytes(model, arrays):
    """Outputs too large for tensors are refused before they are computed."""
    shapes = model.row_shapes(arrays)
    for shape in model.output_shapes(shapes):
        if len(arrays[0]) * prod(shape) * model.dtype.itemsize > MOST_BYTES:
            raise FileError(f"{len(arrays[0])} outputs of shape {shown(shape)} are larger than "
                            f"{MOST_BYTES} bytes")


class OnnxGraph(Runnable):
    """A graph of ONNX or TensorFlow, evaluated node by node."""

    def __init__(self, graph, inputs, outputs):
        super().__init__()
        self.graph, self.inputs, self.outputs = graph, inputs, outputs
        self.small = copy(graph)
        self.small.limits = SMALL
        self.nbytes = sum(array.nbytes for array in graph.constants.values())
        linear = linear_row(graph.nodes) if len(inputs) == len(outputs) == 1 else None
        if linear is not None and inputs[0].takes("FLOAT", (1, linear[0])):
            self.row, self.row_result = ("FLOAT", (1, linear[0])), ("FLOAT", (1, linear[1]))
            self.linear = linear[2]

    def run(self, arrays, graph=None):
        names = [slot.name for slot in self.inputs]
        results = (graph or self.graph).run(dict(zip(names, arrays, strict=True)))
        return [results[slot.name] for slot in self.outputs]

    def run_small(self, arrays):
        try:
            return self.run(arrays, self.small)
        except LimitError:
            raise TooLong from None

    def run_row(self, data):
        return *self.row_result, self.linear(data)


def load_respnet(blob, names, seconds):
    saved = storage.from_bytes(blob)
    if any(node.kind == "python" for node in saved.spec.nodes):
        raise FileError("a layer written in Python cannot run in the server")
    return Network(Model(saved.spec, vector=saved.tensors["weights"]))


def load_onnx(blob, names, seconds):
    """As a network of our layers where it is one, node by node where it is not."""
    net = read(blob, Limits(bytes=MOST_BYTES, seconds=seconds))
    try:
        graph = Graph(net, Limits(bytes=MOST_BYTES, seconds=seconds))
    except EngineError as error:
        return elsewhere("ONNX", f"that the engine does not run: {error}", blob, names, seconds)
    inputs, outputs = onnx_slots(graph.inputs), onnx_slots(graph.outputs)
    try:
        return layers(graph, *to_spec(graph), graph.inputs)
    except NotPlain:
        return OnnxGraph(graph, inputs, outputs)


def layers(graph, spec, vector, taken):
    """The Network of a graph; ``taken``: its inputs with the shapes that runs must have."""

    def fit(arrays):
        return [fitted(slot, one) for slot, one in zip(taken, arrays, strict=True)]

    model = Model(spec, vector=vector)
    return Network(model, onnx_slots(taken), onnx_slots(graph.outputs), fit)


def load_tf(blob, names, seconds):
    """A frozen GraphDef between the nodes the client named: as a network of our layers where it is
    one, node by node where it is not."""
    limits = Limits(bytes=MOST_BYTES, seconds=seconds)
    try:
        graph = tf.Graph.load(blob, *names, limits)
        runnable = layers(graph, *translate.to_spec(graph))
    except NotPlain:
        runnable = OnnxGraph(graph, onnx_slots(graph.inputs), onnx_slots(graph.outputs))
    except EngineError:
        if "TF" not in RUNTIMES:
            raise
        allowed.check_file(blob, limits)  # before TensorFlow is even started
        runnable = RUNTIMES["TF"].load(blob, names, seconds)
    runnable.batch_error = BATCH_TF
    return runnable


def onnx_slots(found):
    return tuple(Slot(one.name, NAMES.get(one.dtype, ""), one.shape) for one in found)


def elsewhere(backend, why, blob, names, seconds):
    """A model by the backend's own runtime in a child, if that is switched on."""
    if backend in RUNTIMES:
        return RUNTIMES[backend].load(blob, names, seconds)
    word = backend.lower()
    log.warning('a model of %s %s; --backends %s lets its runtime run it (pip install '
                '"respnet[%s]")', backend, why, word, word)
    raise CommandError(NOT_LOADED) from None


RUNTIMES = {}  # those switched on in this process: backend -> ai_child.Runtime
FOREIGN = "that the engine does not read"
BACKENDS = {"RESPNET": load_respnet, "ONNX": load_onnx, "TF": load_tf,
            "TFLITE": partial(elsewhere, "TFLITE", FOREIGN),
            "TORCH": partial(elsewhere, "TORCH", FOREIGN)}


def load(options, blob, seconds):
    """The Runnable of a blob for options (``ai_model.Options``), or CommandError."""
    if options.device.upper().startswith("GPU"):
        raise CommandError(NO_GPU_ONNX if options.backend == "ONNX" else NO_GPU)
    names = options.inputs, options.outputs
    try:
        return BACKENDS[options.backend](blob, names, seconds)
    except Exception as error:
        raise refusal(error) from None


def refusal(error):
    """What a client is told of an exception: the engine's words in one line, or nothing."""
    if isinstance(error, CommandError):
        return error
    if isinstance(error, TimeError):
        return CommandError(TERMINATED)
    if isinstance(error, EngineError):
        return CommandError("ERR " + " ".join(str(error).split())[:SHOWN])
    if isinstance(error, MemoryError):
        return CommandError("ERR the model needs more memory than there is")
    log.error("a model failed", exc_info=error)
    return CommandError("ERR the model cannot be run")
