"""Training on the GPU: twins of ``kernels/trainer.pyx``, called alike.

Rows, weights and the optimizer's state stay on the device during a call; vector and state of the
host are brought up to date at its end.
"""

from math import inf

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.gpu import optimizers
from respnet.engine.gpu.executor import Executable, Runners, Term
from respnet.engine.optimizers import step_constants
from respnet.engine.reference_noise import next_seed


class Staged:
    """Rows on the device: one (N, columns) array an external, None for those that are written."""

    def __init__(self, executable: Executable, arrays: list):
        columns, on = executable.columns, executable.on
        if len(arrays) != len(columns):
            raise ShapeError(f"the program reads {len(columns)} arrays, got {len(arrays)}")
        self.rows = len(arrays[0])
        for i, array in enumerate(arrays):
            if array is not None and array.shape != (self.rows, columns[i]):
                raise ShapeError(
                    f"array {i} must have shape ({self.rows}, {columns[i]}), got {array.shape}"
                )
        with on.cuda, on.stream:
            self.arrays = [None if a is None else on.cupy.asarray(a) for a in arrays]


class Core:
    """Weights in training; vector (host) and state (slots, trainable) are changed in place."""

    def __init__(self, executable: Executable, vector, state=None, threads: int = 1, seed: int = 0):
        self.executable, self.vector, self.state = executable, vector, state
        self.on, self.cp = executable.on, executable.on.cupy
        self.trainable = executable.program.layout.trainable
        self.weights = np.array([weight for _, weight in executable.program.terms], np.float64)
        self.seed, self.t, self.cancelled = seed, 0, False
        if executable.update is not None:
            self.constants = step_constants(dict(executable.update.constants))
        with self.on.cuda, self.on.stream:
            self._vector = self.cp.asarray(vector)
            self._state = None if state is None else self.cp.asarray(state)
            self._losses = self.cp.asarray([0.0, inf])  # of the batch, of the one before
            self._weights = self.cp.asarray(self.weights)
        self.runners, self._last = Runners(executable, self._vector), None

    # --- the host's side ----------------------------------------------------------------------

    def pack(self) -> None:
        """Take over vector and state of the host."""
        with self.on.cuda, self.on.stream:
            self._vector.set(self.vector)
            if self.state is not None:
                self._state.set(self.state)

    def _bring_back(self) -> None:
        self.vector[...] = self._vector.get()
        if self.state is not None:
            self.state[...] = self._state.get()

    def set_constants(self, constants: list) -> None:
        self.constants = list(constants)

    def cancel(self) -> None:
        self.cancelled = True

    @property
    def clock(self):
        """(optimizer steps done, loss of the last batch)"""
        with self.on.cuda, self.on.stream:
            return self.t, float(self._losses[1].get())

    @clock.setter
    def clock(self, value):
        self.t = value[0]
        with self.on.cuda, self.on.stream:
            self._losses[1] = value[1]

    def seed_of_batch(self) -> int:
        """Of the noise of the next batch."""
        return next_seed(self.seed + self.t)

    # --- batches ------------------------------------------------------------------------------

    def _run(self, data: Staged, order) -> object:
        """The runner after the rows ``order`` (on the device; None: all) have gone through it."""
        runner = self.runners.of(data.rows if order is None else len(order))
        if self.executable.salted:
            runner.context.batch.set(np.array([self.seed_of_batch(), self.t], np.uint64))
        for external, array in zip(runner.externals, data.arrays, strict=True):
            if array is None:
                continue
            flat = external.reshape(len(external), -1)
            if order is None:
                flat[...] = array
            else:
                self.cp.take(array, order, axis=0, out=flat)
        runner.run()
        self._last = runner
        return runner

    def _total(self, runner) -> None:
        """The weighted sum of the terms."""
        self._losses[0] = (self._weights * runner.terms[:, Term.LOSS]).sum()

    def _update(self, runner, rules) -> None:
        """Rules and the optimizer's step on the gradient of the runner."""
        c, op = runner.context, self.executable.update.optimizer.op
        for rule in rules:
            self._rule(rule, c, runner.gradient)
        self.t += 1
        w = self._vector[: self.trainable]
        given = (runner.gradient, w, self._state, self._losses)
        optimizers.step(c, op, self.constants, self.t, *given)
        self._losses[1] = self._losses[0]

    def _rule(self, rule, c, gradient) -> None:
        part = slice(0, self.trainable)
        if rule.place is not None:
            place = self.executable.program.layout.places[rule.place]
            part = slice(place.offset, place.offset + place.size)
        g = gradient[part] if part.start < self.trainable else None  # frozen: no gradient
        if rule.op == "penalty_step":
            self._losses[0] += optimizers.penalty(c, self._vector[part], g, *rule.constants)
        elif rule.op == "clip_value_step":
            optimizers.clip_value(c, g, *rule.constants)
        else:
            optimizers.clip_norm(c, g, *rule.constants)

    def epoch(self, data: Staged, order: np.ndarray, size: int):
        """One pass over the rows ``order`` in batches of ``size``: (mean loss, terms)."""
        inside = not len(order) or 0 <= order.min() <= order.max() < data.rows
        if order.dtype != np.int64 or not inside:
            raise ShapeError(f"order must be int64 row numbers below {data.rows}")
        with self.on.cuda, self.on.stream:
            order = self.cp.asarray(order)
            parts = (order[first : first + size] for first in range(0, len(order), size))
            return self._steps(data, parts)

    def full_epochs(self, data: Staged, count: int) -> float:
        """``count`` optimizer steps, each on all rows; the loss before the last of them."""
        with self.on.cuda, self.on.stream:
            self._steps(data, (None for _ in range(count)))
            return float(self._losses[1].get())

    def _steps(self, data: Staged, parts):
        """Means over all rows seen, before each update."""
        terms = len(self.weights)
        seen, total, rows = self.cp.zeros((terms, 3)), self.cp.zeros(1), 0
        for part in parts:
            if self.cancelled:
                break
            runner = self._run(data, part)
            self._total(runner)
            self._update(runner, self.executable.update.rules)
            n = runner.rows
            rows, total = rows + n, total + self._losses[0] * n
            loss, metric, count = runner.terms.T.astype(np.float64)
            seen += self.cp.stack([loss * n, metric * count, count], axis=1)
        self._check()
        self._bring_back()
        return float(total.get()[0]) / max(1, rows), _means(seen.get(), rows)

    def _check(self) -> None:
        for runner in self.runners.all():
            runner.check()

    def evaluate(self, data: Staged):
        """(loss, terms) over all rows: means."""
        with self.on.cuda, self.on.stream:
            runner = self._run(data, None)
            runner.check()
            found = runner.terms.get().astype(np.float64)
        return float(self.weights @ found[:, Term.LOSS]), found

    def gradient(self, data: Staged):
        """(loss, gradient vector) over all rows as one batch; the weights stay."""
        loss = self.evaluate(data)[0]
        with self.on.cuda, self.on.stream:
            return loss, self._last.gradient.get()

    def step_gradient(self, data: Staged, penalties: int = 0):
        """(loss, gradient vector) as the next step would take them; nothing is trained."""
        with self.on.cuda, self.on.stream:
            runner = self._run(data, None)
            runner.check()
            self._total(runner)
            for rule in self.executable.update.rules[:penalties]:
                self._rule(rule, runner.context, runner.gradient)
            return float(self._losses[0].get()), runner.gradient.get()

    def apply(self, gradient: np.ndarray, loss: float, penalties: int = 0) -> None:
        """The update after the first ``penalties`` rules, on a gradient vector (trainable)."""
        with self.on.cuda, self.on.stream:
            runner = self._last
            runner.gradient.set(gradient)
            self._losses[0] = loss
            self._update(runner, self.executable.update.rules[penalties:])
            self._bring_back()

    def takes(self, rows: int) -> bool:
        """Any batch goes through as a whole."""
        return True

    def output(self, i: int) -> np.ndarray:
        """External ``i``, which the program writes, of the last batch: (B, columns)."""
        with self.on.cuda, self.on.stream:
            return self._last.externals[i].get().reshape(self._last.rows, -1)


def _means(seen: np.ndarray, rows: int) -> np.ndarray:
    counts = np.maximum(seen[:, Term.COUNT], 1)
    seen[:, Term.LOSS] /= max(1, rows)
    seen[:, Term.METRIC] /= counts
    return seen
