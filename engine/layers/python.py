"""A layer written in Python: one step that calls it with arrays and takes arrays back.

Its class must be known to this process: `REGISTERED` names them. A spec holds a name and plain
configuration, never code, so one from a file or the wire can only ask for what is there.
"""

from collections.abc import Mapping

import numpy as np

from respnet.engine.builder import Buffer
from respnet.engine.errors import GradientError, ShapeError, SpecError, unknown
from respnet.engine.layers.base import Layer
from respnet.engine.ops_python import INPUTS, OUTPUTS

# name of a class -> function(configuration) that makes an object with the methods of `Own`
REGISTERED: dict = {}


class Described(dict):
    """{"class": name, "config": plain data} of a layer that is there: ``own`` is it."""

    def __init__(self, name: str, config: Mapping, own):
        super().__init__({"class": name, "config": dict(config)})
        self.own = own

    def __reduce__(self):
        return dict, (dict(self),)


class Own:
    """What the engine asks of a layer in Python. Shapes are those of one row."""

    name = ""
    keeps_time = False

    def parameters(self, shapes) -> list:
        """The Parameters for inputs of these shapes."""
        raise NotImplementedError

    def output_shapes(self, shapes) -> list[tuple]:
        raise NotImplementedError

    def forward(self, inputs, weights: Mapping, training: bool):
        """(outputs, what ``backward`` needs; None if not training), for arrays (B,...)."""
        raise NotImplementedError

    def backward(self, saved, doutputs):
        """(gradients of the inputs, {name: gradient of a weight}); None stands for zeros."""
        raise NotImplementedError


class Python(Layer):
    """x_1 (B,...), ... -> y_1 (B,...), ... as a class of Python says"""

    kind = "python"
    inputs = None
    defaults = {"layer": None}

    def check(self):
        about = self.config["layer"]
        if isinstance(about, Described):
            self.own = about.own
            return
        if not isinstance(about, Mapping) or set(about) != {"class", "config"}:
            raise SpecError(f"a python layer must be its class and config, got {about!r}")
        if about["class"] not in REGISTERED:
            problem = unknown("layer class", about["class"], REGISTERED)
            raise SpecError(f"{problem}; a layer in Python must be defined before it is loaded")
        self.own = REGISTERED[about["class"]](about["config"])

    @property
    def keeps_time(self):
        return self.own.keeps_time

    def parameters(self, *shapes):
        return self.own.parameters(shapes)

    def output_shape(self, *shapes):
        if len(shapes) > INPUTS:
            raise SpecError(f"a python layer has 1 to {INPUTS} inputs, got {len(shapes)}")
        results = self.own.output_shapes(shapes)
        if not 0 < len(results) <= OUTPUTS:
            raise SpecError(f"a python layer has 1 to {OUTPUTS} outputs, got {len(results)}")
        return results if len(results) > 1 else results[0]

    def forward(self, b, p, *xs):
        ys = [b.buffer(shape) for shape in self.own.output_shapes([x.shape for x in xs])]
        trained = {q.name: q.trainable for q in self.own.parameters([x.shape for x in xs])}
        parts = [{n: q for n, q in p.items() if trained[n] is want} for want in (True, False)]
        reads = (*_filled(xs, INPUTS), *map(_stretch, parts))
        run = Run(self.own, parts, [y.shape for y in ys], b.training)
        b.step("python_forward", *reads, *_filled(ys, OUTPUTS), function=run)
        return tuple(ys) if len(ys) > 1 else ys[0], (xs, reads, run)

    def backward(self, b, p, saved, dy, wanted):
        xs, reads, run = saved
        dys = dy if isinstance(dy, list) else [dy]
        dxs = [b.buffer(x.shape) if want else None for x, want in zip(xs, wanted, strict=True)]
        dweights = b.gradient(reads[INPUTS])
        operands = (*_filled(dys, OUTPUTS), *_filled(dxs, INPUTS), dweights)
        b.step("python_backward", *reads, *operands, function=run)
        return dxs


def _filled(buffers, count: int) -> list:
    return [*buffers, *[None] * (count - len(buffers))]


def _stretch(parameters: Mapping) -> Buffer | None:
    """The parameters, which lie one behind the other, as one operand."""
    if not parameters:
        return None
    first = min(parameters.values(), key=lambda p: p.offset)
    return Buffer(first.space, (sum(p.columns for p in parameters.values()),), False, first.offset)


class Run:
    """One node of one program: what the steps python_forward and python_backward call.

    key: of the rows in work; what forward saves under it is taken by the backward step after it.
    """

    reads = {"forward": INPUTS + 2, "backward": INPUTS + 2 + OUTPUTS}  # operands, from the first on

    def __init__(self, own: Own, parts, output_shapes, training: bool):
        self.own, self.training, self.saved = own, training, {}
        self.places = [_places(part) for part in parts]
        self.output_shapes = output_shapes

    def forward(self, key: int, operands) -> list:
        inputs = [x for x in operands[:INPUTS] if x is not None]
        weights: dict = {}
        for places, vector in zip(self.places, operands[INPUTS:], strict=True):
            for name, (shape, first, last) in places.items():
                weights[name] = vector[first:last].reshape(shape)
        outputs, saved = self.own.forward(inputs, weights, self.training)
        self._check(outputs, len(inputs[0]))
        if self.training:
            self.saved[key] = saved
        return _filled(outputs, OUTPUTS)

    def _check(self, outputs, rows: int) -> None:
        got = [np.shape(y) for y in outputs]
        wanted = [(rows, *shape) for shape in self.output_shapes]
        if got != wanted:
            raise ShapeError(f"layer {self.own.name} gave {got} for {rows} rows, wanted {wanted}")

    def backward(self, key: int, operands) -> list:
        x = [x for x in operands[:INPUTS] if x is not None]
        dys = operands[INPUTS + 2 :][: len(self.output_shapes)]
        dxs, gradients = self.own.backward(self.saved.pop(key), dys)
        dxs = [_fitting(self.own, dx, like.shape, like) for dx, like in zip(dxs, x, strict=True)]
        if not self.places[0]:
            return [*_filled(dxs, INPUTS), None]
        if all(gradients.get(name) is None for name in self.places[0]):
            raise GradientError(
                f"layer {self.own.name}: no weight has a gradient; its call works on the weights "
                "with the ops of respnet.ops"
            )
        parts = [
            _fitting(self.own, gradients.get(name), shape, x[0]).ravel()
            for name, (shape, _, _) in self.places[0].items()
        ]
        return [*_filled(dxs, INPUTS), np.concatenate(parts)]


def _places(parameters: Mapping) -> dict:
    """name -> (shape, first, last) within the operand, in the order of the numbers."""
    begin = min((p.offset for p in parameters.values()), default=0)
    ordered = sorted(parameters.items(), key=lambda item: item[1].offset)
    return {n: (p.shape, p.offset - begin, p.offset - begin + p.columns) for n, p in ordered}


def _fitting(own: Own, gradient, shape, like) -> np.ndarray:
    """A gradient of the shape it belongs to; None is zeros."""
    if gradient is None:
        return np.zeros(shape, like.dtype)
    if np.shape(gradient) != tuple(shape):
        raise ShapeError(f"layer {own.name}: gradient of shape {np.shape(gradient)} for {shape}")
    return np.asarray(gradient, like.dtype)
