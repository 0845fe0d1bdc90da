"""Spec -> Program: the flat list of what is to be done, forward and under it backward.

A program is abstract. It names ops of the contract (``ops.py``) and buffers, not kernels and
addresses: each executor plans and runs it in its own way. Three modes: ``predict``, ``evaluate``
(loss and metric) and ``train`` (loss and gradients). Training and evaluation read rows that are
already scaled, so only ``predict`` contains the scaling steps.
"""

from dataclasses import dataclass, replace

from respnet.engine.builder import EXTERNAL, PARAMETERS, WORK, Buffer, Builder, Step
from respnet.engine.errors import SpecError
from respnet.engine.ops_norm import WHOLE_BATCH
from respnet.engine.params import Layout
from respnet.engine.spec import ModelSpec, node_of, output_names


@dataclass(frozen=True)
class Program:
    """Mode, steps, and externals in order: inputs; of each loss its target and, if weighted, the
    weights of its places; then what is written, which ``results`` name.

    terms: of each loss the places in a row (0: they are counted while running) and its weight.
    counting: the steps that count them, and those that make what these read.
    """

    spec: ModelSpec
    layout: Layout
    mode: str
    steps: tuple[Step, ...]
    externals: tuple[Buffer, ...]
    results: tuple[str, ...]
    terms: tuple[tuple[int, float], ...] = ()
    counting: tuple[Step, ...] = ()

    @property
    def whole_batches(self) -> bool:
        """Whether all rows of a batch must go through it as one unit: it takes their statistics."""
        return any(step.op in WHOLE_BATCH for step in self.steps)


class Compiler:
    """What one program is made with; ``program_losses.py`` adds the losses."""

    def __init__(self, spec: ModelSpec, mode: str, layout: Layout, shapes, watch=()):
        self.spec, self.mode, self.layout, self.watch = spec, mode, layout, watch
        self.b = Builder(mode == "train", layout.trainable)
        self.values: dict[str, Buffer] = {}
        self.saved: dict[str, object] = {}
        self.results: list[str] = []
        self.externals = [Buffer(EXTERNAL, shape, True, i) for i, shape in enumerate(shapes)]

    def external(self, shape) -> Buffer:
        self.externals.append(Buffer(EXTERNAL, shape, True, len(self.externals)))
        return self.externals[-1]

    def parameters(self, node: str) -> dict[str, Buffer]:
        return {
            name: Buffer(PARAMETERS, place.shape, False, place.offset)
            for name, place in self.layout.of(node).items()
        }

    def scaled(self, name: str, x: Buffer) -> Buffer:
        """x standardised (inputs) or brought back to the user's units (outputs)."""
        p = self.parameters(name)
        if self.mode != "predict" or "scale" not in p:
            return x
        y = self.b.buffer(x.shape)
        self.b.step("scale_forward", x, p["scale"], p["offset"], y)
        return y

    def forward(self, on_logits=()) -> None:
        """Emit all nodes; those ``on_logits`` without their last activation."""
        for (name, _), buffer in zip(self.spec.inputs, self.externals, strict=False):
            self.values[name] = self.scaled(name, buffer)
        for node in self.spec.nodes:
            layer = self.layout.layers[node.name]
            if node.name in on_logits:
                layer = _on_logits(layer)
            inputs = [self.values[name] for name in node.inputs]
            results, saved = layer.forward(self.b, self.parameters(node.name), *inputs)
            outputs = listed(results)
            self.values.update(zip(output_names(node.name, len(outputs)), outputs, strict=True))
            self.b.pass_mask(layer, inputs[0], outputs[0])
            self.saved[node.name] = (layer, results, saved)

    def predict(self) -> None:
        self.forward()
        for name in self.spec.outputs:
            self.write(name, self.scaled(name, self.values[name]))

    def write(self, name: str, result: Buffer) -> None:
        """Make ``result`` an external; a step that makes a work buffer may write it in place."""
        external = self.external(result.shape)
        self.results.append(name)
        if result.space != WORK or self.mode != "predict":
            self.b.step("copy", result, external)
            return
        self.b.steps = [
            replace(s, operands=tuple(external if o is result else o for o in s.operands))
            for s in self.b.steps
        ]
        self.values = {n: external if v is result else v for n, v in self.values.items()}

    def backward(self, gradients: dict[str, Buffer]) -> None:
        """Emit the way back from the gradients of outputs."""
        needed = self._needed()
        for node in reversed(self.spec.nodes):
            if node.name not in needed:
                continue
            layer, results, saved = self.saved[node.name]
            names = output_names(node.name, len(listed(results)))
            dys = [gradients.pop(name, None) for name in names]
            if all(dy is None for dy in dys):
                continue
            dy = dys if isinstance(results, tuple) else dys[0]
            wanted = [node_of(name) in needed for name in node.inputs]
            dxs = layer.backward(self.b, self.parameters(node.name), saved, dy, wanted)
            for name, dx in zip(node.inputs, dxs, strict=True):
                self._collect(gradients, name, dx)

    def _collect(self, gradients: dict, name: str, dx: Buffer | None) -> None:
        if dx is not None and name in gradients:
            self.b.step("accumulate", dx, gradients[name])
        elif dx is not None:
            gradients[name] = dx

    def _needed(self) -> set[str]:
        """Nodes with a parameter to train at or before them: only their outputs need gradients."""
        needed: set[str] = set()
        for node in self.spec.nodes:
            places = self.layout.of(node.name).values()
            learns = any(place.offset < self.layout.trainable for place in places)
            if learns or any(node_of(n) in needed for n in node.inputs):
                needed.add(node.name)
        return needed


def listed(results) -> list:
    """The outputs of a layer, one or a tuple of several."""
    return list(results) if isinstance(results, tuple) else [results]


def _on_logits(layer):
    """The same layer without its last activation, which the loss contains."""
    plain = type(layer)({**layer.config, "activation": "linear"}, layer.name)
    plain.trainable = layer.trainable
    return plain


def compile_program(
    spec: ModelSpec,
    mode: str,
    layout: Layout | None = None,
    weighted: bool = False,
    shapes=None,
    watch=(),
) -> Program:
    """The program of ``spec`` in ``mode`` (predict, evaluate, train).

    weighted: whether all losses get weights of their places. shapes: of one row of each input,
    where the spec leaves a length open (None). watch: what is computed besides, "metric" (always
    when evaluating), or "outputs": those with a loss, and their masks (``name/mask``).
    """
    shapes = shapes or [shape for _, shape in spec.inputs]
    if any(None in shape for shape in shapes):
        raise SpecError(f"a program wants whole shapes, got {shapes}")
    compiler = Compiler(spec, mode, layout or Layout(spec), shapes, watch)
    terms, counting = (), ()
    if mode == "predict":
        compiler.predict()
    else:
        from respnet.engine.program_losses import Losses  # it builds on this module

        losses = Losses(compiler, weighted)
        gradients = losses.emit()
        if mode == "train":
            compiler.backward(gradients)
        terms, counting = losses.places(), losses.counting()
    return Program(
        spec,
        compiler.layout,
        mode,
        tuple(compiler.b.steps),
        tuple(compiler.externals),
        tuple(compiler.results),
        terms,
        counting,
    )
