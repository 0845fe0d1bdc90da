"""The reference executor: runs a program step by step in NumPy float64, as an oracle."""

from dataclasses import dataclass

import numpy as np

from respnet.engine import reference_ops
from respnet.engine.builder import EXTERNAL, GRADIENTS, PARAMETERS
from respnet.engine.ops import OPS
from respnet.engine.program import Program
from respnet.engine.reference_noise import next_seed

# Ops over the last axis: the axes before it count as rows.
_LAST_AXIS = ("dense", "softmax", "pointwise", "row_loss", "metric")


@dataclass
class Result:
    """outputs: the externals after the inputs, as far as they were written. loss: the weighted sum
    of ``losses``, those of the terms; metric: of the first term, of ``metrics``.

    vector: the parameters, with moving averages as the run left them.
    """

    outputs: list
    losses: list
    metrics: list
    loss: float = 0.0
    metric: float = 0.0
    gradient: np.ndarray | None = None
    vector: np.ndarray | None = None


class _Run:
    def __init__(self, program: Program, vector, arrays, seed: int):
        self.vector = np.array(vector, np.float64)
        self.gradient = np.zeros(program.layout.trainable)
        self.values = {
            e: np.asarray(a, np.float64).reshape(len(a), *e.shape)
            for e, a in zip(program.externals, arrays, strict=False)
        }
        self.rows, terms = len(arrays[0]), len(program.terms)
        self.seed, self.result = seed, Result([], [0.0] * terms, [0.0] * terms)
        self.counts = [self.rows * places for places, _ in program.terms]

    def read(self, buffer):
        if buffer is None:
            return None
        if buffer.space == PARAMETERS:
            return self.vector[buffer.offset : buffer.offset + buffer.columns].reshape(buffer.shape)
        return self.values[buffer]

    def write(self, operand, buffer, value):
        if buffer is None:
            return
        if buffer.space == PARAMETERS:  # moving averages
            self.vector[buffer.offset : buffer.offset + buffer.columns] += value.ravel()
            return
        if buffer.space == GRADIENTS:
            self.gradient[buffer.offset : buffer.offset + buffer.columns] += value.ravel()
            return
        rows = [self.rows * buffer.times] if buffer.rows else []
        value = value.reshape(*rows, *buffer.shape)
        added = operand.added and buffer in self.values  # not a gradient nobody wants
        self.values[buffer] = self.values[buffer] + value if added else value

    def step(self, step):
        op = OPS[step.op]
        reads = [
            self.read(b) for o, b in zip(op.operands, step.operands, strict=True) if not o.written
        ]
        if step.op.startswith(_LAST_AXIS):
            reads = [r if r is None or r.ndim < 2 else r.reshape(-1, r.shape[-1]) for r in reads]
        attributes = dict(step.attributes)
        if "salt" in attributes:
            own = attributes["seed"]
            attributes["seed"] = self.seed if own is None else next_seed(own)
        if step.op in ("pointwise_loss", "row_loss", "python_loss", "metric"):
            attributes["count"] = self.counts[attributes["term"]]
        values = getattr(reference_ops, step.op)(*reads, **attributes)
        if "term" in attributes:
            values = self.term(step.op, attributes["term"], values)
        values = values if isinstance(values, tuple) else (values,)
        written = [(o, b) for o, b in zip(op.operands, step.operands, strict=True) if o.written]
        for (operand, buffer), value in zip(written, values, strict=True):
            self.write(operand, buffer, value)

    def term(self, op: str, number: int, values) -> tuple:
        """Note what a step says of a loss; what it writes."""
        if op == "count_places":
            self.counts[number] += values
        elif op == "metric":
            self.result.metrics[number] += values
        else:
            self.result.losses[number] += values[0]
            return values[1:]
        return ()


def run(program: Program, vector, arrays, seed: int = 0) -> Result:
    """Run ``program`` on the flat ``vector`` and the arrays of its inputs (and targets, weights).

    seed: of the batch's noise; layers with one of their own are at their first batch. All rows are
    one batch.
    """
    state = _Run(program, vector, arrays, seed)
    for step in program.steps:
        state.step(step)
    state.result.outputs = [
        state.values[e]
        for e in program.externals[len(program.spec.inputs) :]
        if e.space == EXTERNAL and e in state.values
    ]
    result = state.result
    result.gradient, result.vector = state.gradient, state.vector
    result.loss = sum(w * v for (_, w), v in zip(program.terms, result.losses, strict=True))
    result.metric = result.metrics[0] if result.metrics else 0.0
    return state.result
