"""Programs on a GPU: every step once from Python, then one launch of the captured CUDA graph.

``Executable`` holds an abstract program and no numbers; a `Runner` is that program for one number
of rows, with all its arrays. Steps of a runner write to the same addresses each time, so the second
run is recorded while it would be issued, and each run after it is a single launch.
"""

from collections import OrderedDict
from enum import IntEnum

import numpy as np

from respnet.engine.builder import EXTERNAL, GRADIENTS, PARAMETERS
from respnet.engine.errors import ShapeError
from respnet.engine.gpu import ops
from respnet.engine.gpu.context import Context
from respnet.engine.ops import OPS


class Term(IntEnum):
    """Columns of a runner's ``terms``: of each loss its mean, its metric's, and what counts."""

    LOSS, METRIC, COUNT = range(3)


RUNNERS = 8  # numbers of rows kept, with their arrays and graphs


class Executable:
    """A program for the device ``on``. update: the optimizer and rules of a training."""

    def __init__(self, on, dtype, program, update=None):
        missing = sorted({s.op for s in program.steps if not hasattr(ops, s.op)})
        if missing:
            raise NotImplementedError(f"the GPU executor has no op {missing[0]!r}")
        self.on, self.dtype, self.program = on, np.dtype(dtype), program
        self.update = update
        self.columns = [external.columns for external in program.externals]
        self.salted = any("salt" in step.attributes for step in program.steps)


class Runner:
    """A program for ``rows`` rows. parameters: the flat vector on the device."""

    def __init__(self, executable: Executable, rows: int, parameters):
        self.executable, self.rows, self.parameters = executable, rows, parameters
        on, program = executable.on, executable.program
        self.context = c = Context(on, executable.dtype)
        self.graph, self.runs = None, 0
        with on.cuda, on.stream:
            self.externals = [c.zeros(rows, *e.shape) for e in program.externals]
            self.gradient = c.zeros(program.layout.trainable)
            self.terms = c.zeros(max(1, len(program.terms)), len(Term))
            self.places = [rows * places for places, _ in program.terms]

    def run(self) -> None:
        """All steps; the externals that are inputs hold the batch."""
        on = self.executable.on
        self.runs += 1
        with on.cuda, on.stream:
            if self.graph is not None:
                self.graph.launch(on.stream)
            elif self.runs == 1:
                self._issue()
            else:
                on.stream.synchronize()
                on.stream.begin_capture()
                try:
                    self._issue()
                finally:
                    self.graph = on.stream.end_capture()
                self.graph.launch(on.stream)

    def _issue(self) -> None:
        cupy = self.executable.on.cupy
        with cupy.cuda.using_allocator(self.context.pool.malloc):
            self.gradient.fill(0)
            self.terms.fill(0)
            for i, count in enumerate(self.places):
                self.terms[i, Term.COUNT] = count
            self.values = dict(zip(self.executable.program.externals, self.externals, strict=True))
            for step in self.executable.program.steps:
                self._step(step)

    def _step(self, step) -> None:
        op = OPS[step.op]
        operands = list(zip(op.operands, step.operands, strict=True))
        reads = [self._read(b) for o, b in operands if not o.written]
        written = [(o, b) for o, b in operands if o.written]
        if "term" in step.attributes:
            values = self._scored(step, reads)
        else:
            values = getattr(ops, step.op)(self.context, *reads, **step.attributes)
        values = values if isinstance(values, tuple) else (values,)
        for (operand, buffer), value in zip(written, values, strict=len(written) > 0):
            self._write(operand, buffer, value)

    def _scored(self, step, reads):
        """A step of a loss: its first value goes into the term; the others are written."""
        term, op = self.terms[step.attributes["term"]], getattr(ops, step.op)
        if step.op == "count_places":
            term[Term.COUNT] = op(self.context, *reads, **step.attributes)
            return ()
        value, *others = op(self.context, *reads, **step.attributes, count=term[Term.COUNT])
        term[Term.METRIC if step.op == "metric" else Term.LOSS] += value
        return tuple(others)

    def _read(self, buffer):
        if buffer is None:
            return None
        if buffer.space == PARAMETERS:
            part = self.parameters[buffer.offset : buffer.offset + buffer.columns]
            return part.reshape(buffer.shape)
        return self.values[buffer]

    def _write(self, operand, buffer, value) -> None:
        if buffer is None or value is None:
            return
        if buffer.space == GRADIENTS:
            self.gradient[buffer.offset : buffer.offset + buffer.columns] += value.ravel()
            return
        if buffer.space == PARAMETERS:  # moving averages
            self.parameters[buffer.offset : buffer.offset + buffer.columns] += value.ravel()
            return
        rows = [self.rows * buffer.times] if buffer.rows else []
        value = value.reshape(*rows, *buffer.shape).astype(self.executable.dtype, copy=False)
        if operand.added and buffer in self.values:  # not a gradient nobody wants
            self.values[buffer] = self.values[buffer] + value
        elif buffer.space == EXTERNAL:
            self.values[buffer][...] = value
        else:
            self.values[buffer] = self.executable.on.cupy.ascontiguousarray(value)

    def check(self) -> None:
        """Raise what a step has refused."""
        fault = self.context.fault.get()
        if fault[0]:
            self.context.fault.fill(0)
            raise ShapeError(
                f"an embedding wants whole numbers from 0 to {fault[2]:.0f}, got {fault[1]:g}"
            )


class Runners:
    """The runners of an executable, by rows; the least lately used one goes first."""

    def __init__(self, executable: Executable, parameters):
        self.executable, self.parameters = executable, parameters
        self._of: OrderedDict[int, Runner] = OrderedDict()

    def all(self):
        return list(self._of.values())

    def of(self, rows: int) -> Runner:
        if rows not in self._of:
            self._of[rows] = Runner(self.executable, rows, self.parameters)
            if len(self._of) > RUNNERS:
                self._of.popitem(last=False)
        self._of.move_to_end(rows)
        return self._of[rows]


class Bound:
    """An executable and one version of the weights: what answers."""

    def __init__(self, executable: Executable, vector):
        self.executable, on = executable, executable.on
        with on.cuda, on.stream:
            self.runners = Runners(executable, on.cupy.asarray(vector))

    def run_arrays(self, inputs: list, threads: int = 1) -> list:
        """Any number of inputs, each (B, columns) -> the outputs, each (B, columns)."""
        rows, on, columns = len(inputs[0]), self.executable.on, self.executable.columns
        for i, x in enumerate(inputs):
            if x.ndim != 2 or x.shape != (rows, columns[i]):
                raise ShapeError(
                    f"input {i} must have shape ({rows}, {columns[i]}), got {x.shape}"
                )
        runner = self.runners.of(rows)
        with on.cuda, on.stream:
            for external, x in zip(runner.externals, inputs, strict=False):
                x = np.ascontiguousarray(x, self.executable.dtype)
                external.set(x.reshape(external.shape), stream=on.stream)
            runner.run()
            runner.check()
            outputs = [e.get(stream=on.stream) for e in runner.externals[len(inputs) :]]
        return [output.reshape(rows, -1) for output in outputs]
