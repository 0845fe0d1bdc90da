"""Spec -> Program: the flat list of what is to be done, forward and under it backward.

A program is abstract. It names ops of the contract (``ops.py``) and buffers, not kernels and
addresses: each executor plans and runs it in its own way. Three modes: ``predict``, ``evaluate``
(loss and metric) and ``train`` (loss and gradients). Training and evaluation read rows that are
already scaled, so only ``predict`` contains the scaling steps.
"""

from dataclasses import dataclass, replace

from respnet.engine.builder import EXTERNAL, GRADIENTS, PARAMETERS, WORK, Buffer, Builder, Step
from respnet.engine.errors import SpecError
from respnet.engine.losses import loss_named
from respnet.engine.ops_norm import WHOLE_BATCH
from respnet.engine.params import Layout
from respnet.engine.spec import ModelSpec, node_of, output_names


@dataclass(frozen=True)
class Program:
    """Mode, steps, and externals in order: inputs, then outputs, or targets and row weights."""

    spec: ModelSpec
    layout: Layout
    mode: str
    steps: tuple[Step, ...]
    externals: tuple[Buffer, ...]

    @property
    def whole_batches(self) -> bool:
        """Whether all rows of a batch must go through it as one unit: it takes their statistics."""
        return any(step.op in WHOLE_BATCH for step in self.steps)


class _Compiler:
    def __init__(self, spec: ModelSpec, mode: str, layout: Layout, shapes, watch=()):
        self.spec, self.mode, self.layout, self.watch = spec, mode, layout, watch
        self.b = Builder(training=mode == "train")
        self.values: dict[str, Buffer] = {}
        self.saved: dict[str, object] = {}
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

    def forward(self, fused: str | None = None) -> None:
        for (name, _), buffer in zip(self.spec.inputs, self.externals, strict=False):
            self.values[name] = self.scaled(name, buffer)
        for node in self.spec.nodes:
            layer = self.layout.layers[node.name]
            if fused and node.name in self.spec.outputs:
                layer = _on_logits(layer, fused)
            inputs = [self.values[name] for name in node.inputs]
            results, saved = layer.forward(self.b, self.parameters(node.name), *inputs)
            outputs = listed(results)
            self.values.update(zip(output_names(node.name, len(outputs)), outputs, strict=True))
            self.b.pass_mask(layer, inputs[0], outputs[0])
            self.saved[node.name] = (layer, results, saved)

    def predict(self) -> None:
        self.forward()
        self._write_outputs(self.spec.outputs)

    def _write_outputs(self, names) -> None:
        for name in names:
            result = self.scaled(name, self.values[name])
            self._write_to(self.external(result.shape), result)

    def _write_to(self, external: Buffer, result: Buffer) -> None:
        """Let the step that makes the result write it in place, if it is a work buffer."""
        if result.space != WORK or self.mode != "predict":
            self.b.step("copy", result, external)
            return
        self.b.steps = [
            replace(s, operands=tuple(external if o is result else o for o in s.operands))
            for s in self.b.steps
        ]
        self.values = {n: external if v is result else v for n, v in self.values.items()}

    def loss(self, weighted: bool) -> Buffer:
        """Emit the loss of the first output (and metric when evaluating); its gradient.

        Further outputs (states, say) are written as when predicting; the first one if it is
        watched, as it enters the loss: logits where the loss contains the activation.
        """
        loss = loss_named(self.spec.loss)
        name, *others = self.spec.outputs
        fused = loss.fuses if _ends_in(self.layout.layers[name], loss.fuses) else None
        if loss.fuses and not fused:
            raise SpecError(f"loss {self.spec.loss} wants an output activation {loss.fuses}")
        self.forward(fused)
        prediction = self.values[name]
        leading = prediction.shape[:-1]
        target = self.external((*leading, loss.columns) if loss.columns else prediction.shape)
        weight = self.external((*leading, 1)) if weighted else None
        weight = self._with_mask(prediction, weight)
        self._write_outputs(others)
        if "outputs" in self.watch:
            self._write_outputs([name])
        dprediction = self.b.buffer(prediction.shape)
        if self.mode == "evaluate" or "metric" in self.watch:
            self.b.step("metric", prediction, target, metric=_metric(loss, fused))
        self.b.step(loss.op, prediction, target, weight, dprediction, **dict(loss.attributes))
        return dprediction

    def _with_mask(self, prediction: Buffer, weight: Buffer | None) -> Buffer | None:
        """Masked steps weigh nothing."""
        mask = self.b.masks.get(prediction)
        if mask is None or weight is None:
            return weight or mask
        both = self.b.buffer(weight.shape)
        self.b.step("multiply", weight, mask, both)
        return both

    def backward(self, dprediction: Buffer) -> None:
        gradients = {self.spec.outputs[0]: dprediction}
        needed = self._needed()
        for node in reversed(self.spec.nodes):
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
        """Nodes with a parameter at or before them: only their outputs need gradients."""
        needed: set[str] = set()
        for node in self.spec.nodes:
            if self.layout.of(node.name) or any(node_of(n) in needed for n in node.inputs):
                needed.add(node.name)
        return needed


def listed(results) -> list:
    """The outputs of a layer, one or a tuple of several."""
    return list(results) if isinstance(results, tuple) else [results]


def _ends_in(layer, activation: str | None) -> bool:
    return activation is not None and layer.config.get("activation") == activation


def _on_logits(layer, activation: str):
    """The same layer without its last activation, which the loss contains."""
    return type(layer)({**layer.config, "activation": "linear"}, layer.name)


def _metric(loss, fused: str | None) -> str:
    """The binary error of logits is judged at 0, of probabilities at 0.5."""
    return "logit_error" if fused == "sigmoid" else loss.metric


def compile_program(
    spec: ModelSpec,
    mode: str,
    layout: Layout | None = None,
    weighted: bool = False,
    shapes=None,
    watch=(),
) -> Program:
    """The program of ``spec`` in ``mode`` (predict, evaluate, train).

    shapes: of one row of each input, where the spec leaves a length open (None). watch: what a
    training computes besides, "metric" or "outputs" (after the others).
    """
    shapes = shapes or [shape for _, shape in spec.inputs]
    if any(None in shape for shape in shapes):
        raise SpecError(f"a program wants whole shapes, got {shapes}")
    compiler = _Compiler(spec, mode, layout or Layout(spec), shapes, watch)
    if mode == "predict":
        compiler.predict()
    else:
        dprediction = compiler.loss(weighted)
        if mode == "train":
            compiler.backward(dprediction)
    return Program(spec, compiler.layout, mode, tuple(compiler.b.steps), tuple(compiler.externals))
