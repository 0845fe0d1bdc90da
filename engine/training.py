"""The one training loop, of ``fit`` as of NR.TRAIN: a generator over `Progress`.

    for progress in train(model, train_rows, test_rows, TrainOptions(autostop=True)): ...

The model itself is not touched; the result has the weights to swap in. Closing the generator
cancels. What is random follows the seed and what is decided follows the count of epochs, so equal
calls give equal bits unless a time limit ends them; only the moments of progress follow the clock.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite, prod
from time import monotonic

import numpy as np

from respnet.engine.dataset import Rows
from respnet.engine.errors import ShapeError, SpecError
from respnet.engine.losses import loss_named
from respnet.engine.scaling import Scaling
from respnet.engine.stopping import AutoStop, OriginalStop

SLICE = 0.02  # seconds between two reports, if an epoch is shorter
FLOOR = {"regressor": 1e-6, "classifier": 1e-3}  # of the loss: an error of 1/1000 of the spread


@dataclass(frozen=True)
class TrainOptions:
    """How to train.

    max_epochs, max_seconds: 0 means no limit. autostop: end by the test rows and keep what was
    best on them (`stopping.py`). weight_decay: the loss grows by half of it times the sum of
    squares of the parameters; None chooses it from the sizes of net and data (`rprop_constants`).
    exact_original: the algorithm of the original Neural Redis; then ``backtrack`` matters.
    """

    optimizer: str = "rprop"
    constants: Mapping[str, float] = field(default_factory=dict)
    max_epochs: int = 0
    max_seconds: float = 10.0
    autostop: bool = False
    backtrack: bool = False
    batch_size: int | None = None
    seed: int | None = None
    threads: int | None = None
    weight_decay: float | None = None
    exact_original: bool = False

    def __post_init__(self):
        if self.exact_original and self.batch_size:
            raise SpecError("the original algorithm works on full batches; leave out batch_size")


@dataclass(frozen=True)
class Progress:
    """steps: row presentations. loss: of the training rows, before the last update.

    test_loss and metric (part of rows in the wrong class, or mean absolute error in scaled units)
    are of the last look at the test rows; None before it.
    """

    epoch: int
    steps: int
    loss: float
    test_loss: float | None
    metric: float | None
    seconds: float
    best_epoch: int
    overfitting: bool


@dataclass(frozen=True)
class TrainResult:
    """reason: epochs, time, plateau, overfitting, learned or diverged.

    weights: with the scaling constants of these training rows. snapshot: for ``resume``. progress:
    the last one; its losses and metric are those of the weights kept.
    """

    weights: object
    snapshot: object
    progress: Progress
    reason: str


def rprop_constants(role: str, inputs: int, parameters: int, rows: int) -> dict[str, float]:
    """Constants of RPROP for classifiers and regressors of the NR commands.

    Weight decay, of classifiers: 1 / rows up to two rows per parameter, soon next to none beyond.
    1 / rows is a Gaussian prior of variance 1 on the parameters (MacKay 1992); where there are
    rows enough it would only keep the weights from the size they need. First step: from ten
    inputs on so small that a unit's sum, in which all weights move at once, is not saturated; from
    a hundred on the prior narrows for the same reason.
    """
    if role == "model":
        return {}
    scarce = min(1.0, (2.0 * parameters / rows) ** 3) * max(1.0, inputs / 100)
    return {"step_start": 0.1 * min(1.0, 10 / inputs),
            "weight_decay": scarce / rows if role == "classifier" else 0.0}


def train(model, train_rows, test_rows=None, options: TrainOptions | None = None,
          resume=None) -> Generator[Progress, None, TrainResult]:
    """Train a copy of ``model`` on rows in the user's units; the generator's value is the result.

    train_rows, test_rows: (inputs (N,I), targets (N,O) or class numbers (N,) or (N,1)).
    resume: the snapshot of an earlier result, to go on with its weights and optimizer state.
    """
    run = _Run(model, train_rows, test_rows, options or TrainOptions(), resume)
    while run.reason is None:
        run.advance(monotonic() + SLICE)
        yield run.progress()
    return run.result()


def run(model, train_rows, test_rows=None, options: TrainOptions | None = None,
        resume=None) -> TrainResult:
    """`train` to its end."""
    steps = train(model, train_rows, test_rows, options, resume)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


class _Run:
    """The state of one training."""

    def __init__(self, model, train_rows, test_rows, options, resume):
        self.options, self.role = options, model.spec.role
        train_rows, test_rows = _checked(train_rows, test_rows, options)
        self.trainer = _trainer(model, options, len(train_rows.inputs))
        if resume is not None:
            self.trainer.restore(resume)
        self.scalings = _scalings(model, train_rows, options)
        self.rows = len(train_rows.inputs)
        self.train_data = self.trainer.bind(*self._scaled(model, train_rows))
        self.test_data = test_rows and self.trainer.stage(*self._scaled(model, test_rows))
        _store(model, self.trainer.vector, self.scalings)
        self.rule = _rule(options, self.role, test_rows)
        self.kept = self.trainer.snapshot()
        self.epoch, self.loss, self.test_loss, self.metric = 0, inf, None, None
        self.reason, self.look, self.started = None, 1, monotonic()
        self.seconds, self.pace = 0.0, inf

    def _scaled(self, model, rows: Rows):
        inputs, outputs = self.scalings
        x = inputs.apply(rows.inputs) if inputs else rows.inputs
        if self.role == "classifier":
            return x, _class_targets(model, rows.targets)
        return x, outputs.apply(rows.targets) if outputs else rows.targets

    def advance(self, until: float) -> None:
        """Epochs until the clock is there or the training ends, at least one."""
        while self.reason is None:
            before = monotonic()
            count = self._count(until - before)
            self.loss = self.trainer.epochs(count)
            self.epoch += count
            now = monotonic()
            self.pace, self.seconds = (now - before) / count, now - self.started
            self.reason = self._limit()
            if self.rule and (self.epoch >= self.look or self.reason):
                self._look()
            if now >= until:
                return

    def _count(self, left: float) -> int:
        """Epochs to do in one call: up to the next look, the limit, and the end of the slice."""
        count = max(1, int(left / self.pace)) if self.pace else 1
        if self.options.max_epochs > 0:
            count = min(count, self.options.max_epochs - self.epoch)
        if self.rule:
            count = min(count, self.look - self.epoch)
        return max(1, count)

    def _limit(self) -> str | None:
        if not isfinite(self.loss):
            return "diverged"
        if 0 < self.options.max_epochs <= self.epoch:
            return "epochs"
        if self.options.max_seconds and self.seconds >= self.options.max_seconds:
            return "time"
        return None

    def _look(self) -> None:
        self.test_loss, self.metric = self.trainer.evaluate(self.test_data)
        verdict = self.rule.see(self.epoch, self.loss, self.test_loss)
        if verdict.keep:
            self.kept = self.trainer.snapshot()
        self.reason = verdict.stop or self.reason
        self.look = self.rule.next_look(self.epoch)

    def progress(self) -> Progress:
        best, overfitting = (self.rule.best_epoch, self.rule.overfitting) if self.rule else (0, False)
        return Progress(self.epoch, self.epoch * self.rows, self.loss, self.test_loss, self.metric,
                        self.seconds, best, overfitting)

    def result(self) -> TrainResult:
        if self.rule or self.reason == "diverged":
            self.trainer.restore(self.kept)
        self.loss, _ = self.trainer.evaluate(self.train_data)
        if self.test_data is not None:
            self.test_loss, self.metric = self.trainer.evaluate(self.test_data)
        return TrainResult(self.trainer.weights(), self.trainer.snapshot(), self.progress(), self.reason)


def _checked(train_rows, test_rows, options):
    train_rows = Rows(*train_rows)
    if not len(train_rows.inputs):
        raise ShapeError("training needs at least one row, got 0")
    if test_rows is not None and not len(test_rows[0]):
        test_rows = None
    if options.autostop and test_rows is None:
        raise ShapeError("autostop needs at least one test row, got 0")
    return train_rows, test_rows and Rows(*test_rows)


def _trainer(model, options, rows):
    common = {"seed": options.seed, "threads": options.threads}
    if options.exact_original:
        return model.trainer("rprop+", dict(options.constants), **common)
    constants = {}
    if options.optimizer == "rprop":
        inputs = prod(model.spec.inputs[0][1])
        constants = rprop_constants(model.spec.role, inputs, model.parameter_count, rows)
    constants.update(options.constants)
    if options.weight_decay is not None:
        constants["weight_decay"] = options.weight_decay
    return model.trainer(options.optimizer, constants, batch_size=options.batch_size, **common)


def _rule(options, role, test_rows):
    if not options.autostop:
        return None
    if options.exact_original:
        return OriginalStop(options.backtrack)
    return AutoStop(AutoStop.tolerance_of(len(test_rows.inputs)), FLOOR.get(role, 0.0))


def _scalings(model, rows, options):
    """(of inputs, of the targets of regressors); None where the model does not scale."""
    if not model.spec.scaling:
        return None, None
    make = Scaling.largest if options.exact_original else Scaling.standard
    return make(rows.inputs), make(rows.targets) if model.spec.role == "regressor" else None


def _store(model, vector, scalings) -> None:
    """Put the scaling constants into their places in the flat vector."""
    inputs, outputs = scalings
    constants = {}
    if inputs:
        constants[model.spec.inputs[0][0]] = inputs.apply_constants()
    if outputs:
        constants[model.spec.outputs[0]] = outputs.invert_constants()
    for name, (scale, offset) in constants.items():
        model.layout.view(vector, f"{name}/scale")[...] = scale
        model.layout.view(vector, f"{name}/offset")[...] = offset


def _class_targets(model, targets) -> np.ndarray:
    """Class numbers as the model's loss wants them: as they are, or one-hot rows (N,O)."""
    classes = np.asarray(targets).reshape(len(targets), -1)
    if loss_named(model.spec.loss).columns == 1 or classes.shape[1] != 1:
        return classes
    units = model.layout.shapes[model.spec.outputs[0]][-1]
    return np.eye(units, dtype=np.float32)[classes[:, 0].astype(np.int64)]
