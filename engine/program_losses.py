"""The losses of a program: targets and weights in, values and gradients out.

Where an output ends in the activation its loss contains, and nobody else reads it, the layer gives
logits instead and the loss works on them.
"""

from math import isnan, prod

from respnet.engine import activations
from respnet.engine.builder import Buffer, Step
from respnet.engine.losses import loss_named
from respnet.engine.ops import OPS
from respnet.engine.program import Compiler
from respnet.engine.spec import LossTerm, node_of


class Losses:
    """The terms of one program being compiled."""

    def __init__(self, compiler: Compiler, weighted: bool):
        self.c, self.b, self.weighted = compiler, compiler.b, weighted
        self.terms: tuple[LossTerm, ...] = compiler.spec.terms
        self.losses = [loss_named(term.loss, term.options) for term in self.terms]
        self.fused = [self._fuses(*pair) for pair in zip(self.terms, self.losses, strict=True)]
        self._places: list[int] = []

    def _fuses(self, term: LossTerm, loss) -> bool:
        spec, layer = self.c.spec, self.c.layout.layers.get(term.output)
        if not loss.fuses or layer is None or term.options.get("from_logits"):
            return False
        read = any(term.output in node.inputs for node in spec.nodes)
        ends = layer.ends_in_activation and layer.config["activation"] == loss.fuses
        return ends and not read and spec.outputs.count(term.output) == 1

    def emit(self) -> dict[str, Buffer]:
        """Forward steps, what is written, metrics and losses; output -> gradient."""
        pairs = zip(self.terms, self.fused, strict=True)
        self.c.forward([node_of(term.output) for term, fused in pairs if fused])
        read = [self._externals(i) for i in range(len(self.terms))]
        lossless = set(self.c.spec.outputs) - {term.output for term in self.terms}
        for name in self.c.spec.outputs:
            if name in lossless:
                self.c.write(name, self.c.values[name])
        if "outputs" in self.c.watch:
            for i in range(len(self.terms)):
                self._write(i)
        return {term.output: self._term(i, *read[i]) for i, term in enumerate(self.terms)}

    def _externals(self, i: int) -> tuple[Buffer, Buffer | None]:
        """(target, weight) of a term"""
        columns = self.losses[i].columns
        *places, units = self.c.values[self.terms[i].output].shape
        target = self.c.external((*places, columns or units))
        return target, self.c.external((*places, 1)) if self.weighted else None

    def _write(self, i: int) -> None:
        """The output as predictions have it, and its mask."""
        name = self.terms[i].output
        y = self.c.values[name]
        mask = self.b.masks.get(y)
        if self.fused[i]:
            y = activations.forward(self.b, self.losses[i].fuses, y)
        self.c.write(name, y)
        if mask is not None:
            self.c.write(f"{name}/mask", mask)

    def _term(self, i: int, target: Buffer, weight: Buffer | None) -> Buffer:
        """Metric and loss of a term; the gradient of its output."""
        term, loss = self.terms[i], self.losses[i]
        prediction = self.c.values[term.output]
        mask, ignored = self.b.masks.get(prediction), loss.ignored(term.options)
        self._count(i, prediction, mask, target, ignored)
        if self.c.mode == "evaluate" or "metric" in self.c.watch:
            name = self._metric(i)
            self.b.step("metric", prediction, target, mask, metric=name, ignored=ignored, term=i)
        op, attributes = loss.step(term.options, self.fused[i])
        dprediction = self.b.buffer(prediction.shape)
        weight = self._with_mask(weight, mask)
        operands = (prediction, target, weight, dprediction)
        self.b.step(op, *operands, term=i, scale=term.weight, **attributes)
        return dprediction

    def _metric(self, i: int) -> str:
        """The binary error of logits is judged at 0, of probabilities at 0.5."""
        logits = self.fused[i] or self.terms[i].options.get("from_logits")
        metric = self.losses[i].metric
        return "logit_error" if logits and metric == "binary_error" else metric

    def _count(self, i: int, prediction, mask, target, ignored: float) -> None:
        if mask is None and isnan(ignored):
            self._places.append(prod(prediction.shape[:-1]))
            return
        self._places.append(0)
        classes = None if isnan(ignored) else target
        self.b.step("count_places", mask, classes, ignored=ignored, term=i)

    def _with_mask(self, weight: Buffer | None, mask: Buffer | None) -> Buffer | None:
        """Masked steps weigh nothing."""
        if mask is None or weight is None:
            return weight or mask
        both = self.b.buffer(weight.shape)
        self.b.step("multiply", weight, mask, both)
        return both

    def places(self) -> tuple[tuple[int, float], ...]:
        """Of each term: places in a row, 0 where they are counted; its weight."""
        weights = [term.weight for term in self.terms]
        return tuple(zip(self._places, weights, strict=True))

    def counting(self) -> tuple[Step, ...]:
        """The steps that count, and those that make what they read, in order."""
        chosen: list[Step] = []
        wanted: set[Buffer] = set()
        for step in reversed(self.b.steps):
            pairs = list(zip(OPS[step.op].operands, step.operands, strict=True))
            makes = any(o.written and buffer in wanted for o, buffer in pairs)
            if step.op == "count_places" or makes:
                chosen.append(step)
                wanted.update(b for o, b in pairs if b is not None and not o.written)
        return tuple(reversed(chosen))

