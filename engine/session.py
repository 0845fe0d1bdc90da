"""Training and judging by batches of any shape: what ``fit`` and ``train_on_batch`` stand on.

A `Trainer` is bound to rows of one shape. A `Session` compiles a program for each set of shapes it
meets; all of them work on one vector, one optimizer state and one clock. Constants of the optimizer
may change between batches.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.losses import loss_named
from respnet.engine.masking import masked_spec
from respnet.engine.model import Weights
from respnet.engine.optimizers import step_constants
from respnet.engine.trainer import Snapshot, Update

CORES = 16  # sets of shapes whose memory is kept


@dataclass(frozen=True, eq=False)
class Feed:
    """Rows as programs read them: flat arrays (N, columns), the row shapes of the inputs."""

    arrays: tuple[np.ndarray, ...]
    shapes: tuple[tuple[int, ...], ...]
    weighted: bool

    @property
    def rows(self) -> int:
        return len(self.arrays[0])


class Term(NamedTuple):
    """One loss: its mean, the mean of its metric, and the places both are means over."""

    loss: float
    metric: float
    count: float


class Report(NamedTuple):
    """loss: of rows, the weighted sum of the terms and, when training, penalties."""

    loss: float
    terms: tuple[Term, ...]

    @classmethod
    def of(cls, result) -> "Report":
        return cls(result[0], tuple(Term(*term) for term in result[1]))


class Session:
    """A copy of a model's weights in training.

    watch: "metric" (of the losses, by the kernels) and "outputs" (those with a loss) to compute
    while training. Equal seeds, batches and threads give equal bits.
    """

    def __init__(self, model, update: Update, *, threads=None, seed: int = 0, watch=()):
        self.model, self.update, self.watch = model, update, tuple(watch)
        self.threads = model.threads if threads is None else threads
        self.vector = np.array(model.weights.vector)
        self.state = update.state(model.layout.trainable, model.dtype)
        self.constants = dict(update.constants)
        self._seed = seed & (2**64 - 1)
        self._clock, self._cores, self._active = (0, inf), OrderedDict(), None
        self._loss = 0.0  # of the last step_gradient
        self._last: tuple | None = None  # core, feed and the rows as staged for them
        self._masked = None

    # --- rows -------------------------------------------------------------------------------

    def _model(self, shapes):
        """The model for inputs of so many row shapes: one more is that of a mask."""
        if len(shapes) <= len(self.model.spec.inputs):
            return self.model
        if self._masked is None:
            options = {"device": self.model.device, "threads": self.model.threads}
            spec = masked_spec(self.model.spec)
            self._masked = type(self.model)(spec, vector=self.model.weights, **options)
        return self._masked

    def feed(self, inputs, targets, weights=None, mask=None) -> Feed:
        """inputs: arrays (N,...), one an input; targets (N,...) or class numbers (N,...).

        weights: of each row (N,), or of each place of it (N,T). A list of targets and of weights
        (None: all 1) where the model has several losses. mask (N,T): 0 where steps of the first
        input do not count.
        """
        inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        inputs = [*inputs] if mask is None else [*inputs, mask]
        inputs = [np.asarray(array, self.model.dtype) for array in inputs]
        shapes = self._model(inputs).row_shapes(inputs, "the model")
        arrays = [*inputs, *self._judged(shapes, targets, weights)]
        if len({len(array) for array in arrays}) != 1:
            raise ShapeError(
                f"inputs and targets must have as many rows, got {[len(array) for array in arrays]}"
            )
        flat = tuple(np.ascontiguousarray(a.reshape(len(a), -1)) for a in arrays)
        return Feed(flat, shapes, weights is not None)

    def _judged(self, shapes, targets, weights) -> Iterator[np.ndarray]:
        """Of each loss its targets and, if there are any, weights."""
        terms = self.model.spec.terms
        if len(terms) == 1 and not isinstance(targets, (list, tuple)):
            targets, weights = [targets], weights if weights is None else [weights]
        if len(targets) != len(terms):
            raise ShapeError(f"the model has {len(terms)} losses, got {len(targets)} targets")
        shapes = self._model(shapes).output_shapes(shapes)
        outputs = dict(zip(self.model.spec.outputs, shapes, strict=True))
        for i, term in enumerate(terms):
            yield self._targets(targets[i], term, outputs[term.output])
            if weights is not None:
                yield self._weights(weights[i], len(targets[i]), outputs[term.output][:-1])

    def _targets(self, targets, term, output) -> np.ndarray:
        """(N,...) with as many numbers a row as the loss compares."""
        targets = np.asarray(targets, self.model.dtype)
        columns = loss_named(term.loss).columns
        wanted = (*output[:-1], columns) if columns else output
        if targets.size == len(targets) * int(np.prod(wanted)):
            return targets
        loss, numbers = term.loss, targets.size == len(targets)
        hint = (
            "; class numbers go with the sparse loss" if "categorical" in loss and numbers else ""
        )
        raise ShapeError(
            f"targets of loss {loss} must have rows of shape {wanted} for outputs of shape "
            f"{output}, got {targets.shape[1:]}{hint}"
        )

    def _weights(self, weights, rows: int, places) -> np.ndarray:
        weights = np.asarray(np.ones(rows) if weights is None else weights, self.model.dtype)
        if weights.ndim == 1 and places:
            weights = weights.reshape(-1, *(1 for _ in places))
        return np.broadcast_to(weights, (len(weights), *places)) if places else weights

    # --- batches ----------------------------------------------------------------------------

    def train(self, feed: Feed, order: np.ndarray, batch_size: int) -> Report:
        """Rows ``order`` (int64) in batches; means over rows, each before its update."""
        core = self._enter("train", feed, batch_size)
        result = core.epoch(self._staged(core, feed), order, batch_size)
        self._clock = core.clock
        return Report.of(result)

    def evaluate(self, feed: Feed) -> Report:
        """Of the present weights, all rows as one batch."""
        core = self._enter("evaluate", feed)
        return Report.of(core.evaluate(self._staged(core, feed)))

    def counts(self, inputs) -> bool:
        """Whether places of outputs may not count: then a loss depends on the batch it is of.

        inputs: as in a feed, a mask the last of them.
        """
        shapes = tuple(np.shape(array)[1:] for array in inputs)
        return bool(self._model(shapes).program("evaluate", shapes=shapes).counting)

    def outputs(self) -> dict[str, np.ndarray]:
        """What the last batch wrote: outputs without a loss, the watched ones and their masks."""
        _, core, results, first = self._active
        return {
            name: core.output(first + i).reshape(-1, *shape)
            for i, (name, shape) in enumerate(results)
        }

    def gradient(self, feed: Feed) -> tuple[float, np.ndarray]:
        """(loss, gradient vector) of all rows as one batch; the trainable weights stay."""
        core = self._enter("train", feed, feed.rows)
        return core.gradient(self._staged(core, feed))

    @property
    def _penalties(self) -> int:
        """Rules that add to the loss; they come first."""
        return sum(rule.op == "penalty_step" for rule in self.update.rules)

    def step_gradient(self, feed: Feed) -> tuple[float, np.ndarray]:
        """(loss, gradient vector) as the next step would take them, penalties included."""
        core = self._enter("train", feed, feed.rows)
        self._loss, gradient = core.step_gradient(self._staged(core, feed), self._penalties)
        return self._loss, gradient

    def apply(self, gradient: np.ndarray) -> None:
        """One step of the optimizer on a gradient vector; RPROP takes the last loss with it."""
        keys = [key for key in self._cores if key[0] == "train"]
        if not keys:
            raise ShapeError("gradients are applied after step_gradient, got none of it yet")
        core = self._enter_key(keys[-1])
        core.apply(gradient, self._loss, self._penalties)
        self._clock = core.clock

    def set_constants(self, **constants: float) -> None:
        """Change constants of the optimizer (learning_rate, say) from the next batch on."""
        self.constants.update(constants)
        if self._active and self._active[0][0] == "train":
            self._active[1].set_constants(step_constants(self.constants))

    def _staged(self, core, feed: Feed):
        if self._last is None or self._last[:2] != (core, feed):
            missing = len(self._active[2])
            staged = self.model.device.Staged(core.executable, [*feed.arrays, *[None] * missing])
            self._last = (core, feed, staged)
        return self._last[2]

    def _enter(self, mode: str, feed: Feed, batch: int = 1):
        """The core for these shapes and batches, with the present clock, constants and packs."""
        return self._enter_key((mode, feed.shapes, feed.weighted), batch)

    def _enter_key(self, key, batch: int = 1):
        if self._active and self._active[0] == key and self._active[1].takes(batch):
            return self._active[1]
        if key not in self._cores or not self._cores[key][0].takes(batch):
            self._cores[key] = self._core(*key, batch)
            if len(self._cores) > CORES:
                self._cores.popitem(last=False)
        self._cores.move_to_end(key)
        self._active = (key, *self._cores[key])
        core = self._active[1]
        if key[0] == "train":
            core.clock = self._clock
            core.set_constants(step_constants(self.constants))
        core.pack()
        return core

    def _core(self, mode: str, shapes, weighted: bool, batch: int):
        """(core, names and row shapes of what the program writes, number of the first of them)."""
        update = self.update if mode == "train" else None
        watch = tuple(w for w in self.watch if mode == "train" or w == "outputs")
        model = self._model(shapes)
        layout = model.batch_layout("train", shapes)
        program = model.program(mode, weighted, shapes, watch)
        whole = batch if program.whole_batches else None
        executable = model.executable(mode, layout, weighted, update, shapes, watch, whole)
        state = self.state if mode == "train" else None
        core = self.model.device.Core(executable, self.vector, state, self.threads, self._seed)
        first = len(program.externals) - len(program.results)
        written = [external.shape for external in program.externals[first:]]
        return core, list(zip(program.results, written, strict=True)), first

    # --- weights ----------------------------------------------------------------------------

    def changed(self) -> None:
        """The vector was changed from outside."""
        self._active = None

    def weights(self) -> Weights:
        """The weights as they are now, immutable."""
        return Weights.of(self.vector)

    def snapshot(self) -> Snapshot:
        return Snapshot(self.vector.copy(), self.state.copy(), self._clock)

    def restore(self, snapshot: Snapshot) -> None:
        self.vector[:], self.state[:] = snapshot.vector, snapshot.state
        self._clock, self._active = snapshot.clock, None
