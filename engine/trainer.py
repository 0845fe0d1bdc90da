"""Trainer: a copy of a model's weights in training, with its optimizer's state."""

from dataclasses import dataclass
from itertools import chain
from math import inf

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.kernels.lowering import Kernel
from respnet.engine.model import Weights
from respnet.engine.optimizers import optimizer_named, step_constants

_W, _G, _STATE = 0, 2, 3  # spaces of abi.h


@dataclass(frozen=True)
class Rule:
    """What is done to gradients before a step: ``op`` is penalty_step, clip_value_step or
    clip_norm_step. place: the name of a parameter, or None for all as one vector.
    """

    op: str
    constants: tuple[float, ...]
    place: str | None = None

    def kernel(self, layout) -> Kernel:
        offset, size = 0, layout.trainable
        if self.place is not None:
            offset, size = layout.places[self.place].offset, layout.places[self.place].size
        weights = [(_W, offset)] if self.op == "penalty_step" else []
        gradient = (_G, offset) if offset < layout.trainable else None
        return Kernel(self.op, (*weights, gradient), (size,), self.constants)


@dataclass(frozen=True)
class Update:
    """An optimizer with its constants, as the key and the kernels of a training program."""

    name: str
    constants: tuple[tuple[str, float], ...]
    rules: tuple[Rule, ...] = ()

    @classmethod
    def of(cls, name: str, constants=None, rules=()) -> "Update":
        return cls(name, tuple(optimizer_named(name, constants)[1].items()), tuple(rules))

    @property
    def optimizer(self):
        return optimizer_named(self.name)[0]

    def kernels(self, layout) -> list[Kernel]:
        """The rules, then the step: gradient, weights, then the state's slots."""
        n = layout.trainable
        slots = [(_STATE, i * n) for i in range(len(self.optimizer.slots))]
        step = Kernel(
            self.optimizer.op,
            ((_G, 0), (_W, 0), *slots),
            (n,),
            tuple(step_constants(dict(self.constants))),
        )
        return [*(rule.kernel(layout) for rule in self.rules), step]

    def state(self, n: int, dtype) -> np.ndarray:
        """(slots, n), each slot at its start."""
        constants = dict(self.constants)
        state = np.zeros((len(self.optimizer.slots), n), dtype)
        for slot, constant in self.optimizer.start.items():
            state[self.optimizer.slots.index(slot)] = constants[constant]
        return state


@dataclass(frozen=True)
class Snapshot:
    """Everything a trainer needs to go on to the same bits."""

    vector: np.ndarray
    state: np.ndarray
    clock: tuple[int, float]


class Trainer:
    """Trains a copy; the model itself keeps answering with its present weights.

    Rows are bound already scaled. Without ``batch_size`` an epoch is one step over all rows.
    Equal seeds and threads give equal bits. shapes: of one row of each input, where the spec leaves
    a length open.
    """

    def __init__(
        self,
        model,
        optimizer: str = "rprop",
        constants=None,
        *,
        batch_size=None,
        seed: int | None = None,
        threads: int | None = None,
        weighted: bool = False,
        shapes=None,
    ):
        self.model, self.batch_size = model, batch_size
        self.update = Update.of(optimizer, constants)
        self.threads = model.threads if threads is None else threads
        self.vector = np.array(model.weights.vector)
        self.state = self.update.state(model.layout.trainable, model.dtype)
        seed = model.spec.seed if seed is None else seed
        self._rng = np.random.default_rng(seed)
        shapes = None if shapes is None else tuple(map(tuple, shapes))
        layout = model.batch_layout("train", shapes)
        self._seed, self._form = seed & (2**64 - 1), (layout, weighted, self.update, shapes)
        self._whole = model.program("train", weighted, shapes).whole_batches
        self._core = self._new_core(batch_size or 1)
        self._evaluate = model.executable("evaluate", layout, weighted, None, shapes)
        self._judge = model.device.Core(self._evaluate, self.vector, None, self.threads)
        self._data=None

    def _new_core(self, batch: int):
        """For batches of so many rows, if the program wants them as a whole; else of any size."""
        whole = {"batch": batch} if self._whole else {}
        self._train = self.model.executable("train", *self._form, **whole)
        core = self.model.device.Core
        return core(self._train, self.vector, self.state, self.threads, self._seed)

    def _take(self, rows: int) -> None:
        """Make room for a batch of so many rows."""
        if not self._core.takes(rows):
            clock, self._core = self._core.clock, self._new_core(rows)
            self._core.clock = clock

    def stage(self, inputs, targets, weights=None):
        """Rows (N,...) and targets (N,...), or (N,) class numbers, as the programs want them.

        inputs, targets, weights: one array, or a list where the model has several (of losses).
        """
        inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        if len(self.model.spec.terms) == 1:
            targets, weights = [targets], weights if weights is None else [weights]
        judged = [*targets] if weights is None else chain(*zip(targets, weights, strict=True))
        arrays = [self._array(array) for array in (*inputs, *judged)]
        if len({len(array) for array in arrays}) != 1:
            raise ShapeError(
                f"inputs and targets must have as many rows, got {[len(array) for array in arrays]}"
            )
        return self.model.device.Staged(self._train, arrays)

    def _array(self, values) -> np.ndarray:
        array = np.ascontiguousarray(values, self.model.dtype)
        return array.reshape(len(array), -1)

    def bind(self, inputs, targets, weights=None):
        """Stage these rows and train on them from now on."""
        self._data = self.stage(inputs, targets, weights)
        if self._one_batch:
            self._take(self._data.rows)
        return self._data

    @property
    def _one_batch(self) -> bool:
        """Whether the bound rows are one batch: then their order says nothing."""
        return self.batch_size is None or self.batch_size >= self._data.rows

    def epochs(self, count: int) -> float:
        """``count`` epochs in one call without the GIL; the loss before the last update(s)."""
        if self._data is None:
            raise ShapeError("bind rows before training on them")
        if self._one_batch:
            return self._core.full_epochs(self._data, count)
        loss = inf
        for _ in range(count):
            order = self._rng.permutation(self._data.rows)
            loss, _ = self._core.epoch(self._data, order, self.batch_size)
        return loss

    def epoch(self) -> float:
        """One epoch; the mean loss over its rows, each before the update it led to."""
        return self.epochs(1)

    def gradient(self, data=None) -> tuple[float, np.ndarray]:
        """(loss, gradient vector) on ``data`` or the bound rows; the trainable weights stay."""
        data = data or self._data
        self._take(data.rows)
        return self._core.gradient(data)

    def evaluate(self, data=None) -> tuple[float, float]:
        """(loss, metric of the first loss) on ``data`` or the bound rows."""
        self._judge.pack()
        loss, terms = self._judge.evaluate(data or self._data)
        return loss, terms[0][1]

    def cancel(self) -> None:
        """End a running ``epochs`` after its present batch; from any thread."""
        self._core.cancel()

    def snapshot(self) -> Snapshot:
        return Snapshot(self.vector.copy(), self.state.copy(), self._core.clock)

    def restore(self, snapshot: Snapshot) -> None:
        self.vector[:] = snapshot.vector
        self.state[:] = snapshot.state
        self._core.clock = snapshot.clock
        self._core.pack()

    def weights(self) -> Weights:
        """The weights as they are now, immutable."""
        return Weights.of(self.vector)
