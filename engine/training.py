"""The one training loop, of ``fit`` as of NR.TRAIN: a generator over `Progress`.

    for progress in train(model, train_rows, test_rows, TrainOptions(autostop=True)): ...

The model itself is not touched; the result has the weights to swap in. Closing the generator
cancels. What is random follows the seed and what is decided follows the count of epochs, so equal
calls give equal bits unless a time limit ends them; only the moments of progress follow the clock.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from time import monotonic

from respnet.engine.errors import SpecError
from respnet.engine.staging import Staging
from respnet.engine.stopping import stop_rule

SLICE = 0.02  # seconds between two reports, if an epoch is shorter


@dataclass(frozen=True)
class TrainOptions:
    """How to train.

    max_epochs, max_seconds: 0 means no limit. autostop: end by the test rows and keep what was
    best on them (`stopping.py`). weight_decay: the loss grows by half of it times the sum of
    squares of the parameters; None chooses it (`staging.rprop_constants`).
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
    """reason: epochs, time, plateau, overfitting, learned, diverged or cancelled.

    weights: with the scaling constants of these training rows. snapshot: for ``resume``. progress:
    the last one; its losses and metric are those of the weights kept.
    """

    weights: object
    snapshot: object
    progress: Progress
    reason: str


class Training:
    """One training: iterate over it for `Progress`, then take ``result()``.

    train_rows, test_rows: (inputs (N,I), targets (N,O) or class numbers (N,) or (N,1)), in the
    user's units. resume: the snapshot of an earlier result, to go on with.
    """

    def __init__(
        self, model, train_rows, test_rows=None, options: TrainOptions | None = None, resume=None
    ):
        self.options = options or TrainOptions()
        staged = Staging(model, train_rows, test_rows, self.options, resume)
        self.trainer, self.rows = staged.trainer, staged.train.rows
        self.train_data, self.test_data = staged.train, staged.test
        self.rule = stop_rule(self.options, model.spec.role, staged.test)
        self.reason: str | None = None
        self._kept = self.trainer.snapshot()
        self._epoch, self._look_at, self._seconds, self._pace = 0, 1, 0.0, inf
        self._loss, self._test_loss, self._metric = inf, None, None
        self._started = monotonic()

    def __iter__(self) -> Iterator[Progress]:
        while self.reason is None:
            self._advance(monotonic() + SLICE)
            yield self.progress()

    def cancel(self) -> None:
        """End after the present batch; from any thread."""
        self.reason = "cancelled"
        self.trainer.cancel()

    def _advance(self, until: float) -> None:
        """Epochs until the clock is there or the training ends, at least one."""
        now = monotonic()
        while self.reason is None:
            before, count = now, self._count(until - now)
            self._loss = self.trainer.epochs(count)
            self._epoch += count
            now = monotonic()
            self._pace, self._seconds = (now - before) / count, now - self._started
            reason = self._limit()
            if self.rule and (self._epoch >= self._look_at or reason):
                reason = self._look() or reason
            self.reason = self.reason or reason  # cancelled in between stays so
            if now >= until:
                return

    def _count(self, left: float) -> int:
        """Epochs to do in one call: up to the next look, the limit, and the end of the slice."""
        count = int(left / self._pace) if self._pace else 1
        if self.options.max_epochs > 0:
            count = min(count, self.options.max_epochs - self._epoch)
        if self.rule:
            count = min(count, self._look_at - self._epoch)
        return max(1, count)

    def _limit(self) -> str | None:
        if not isfinite(self._loss):
            return "diverged"
        if 0 < self.options.max_epochs <= self._epoch:
            return "epochs"
        if self.options.max_seconds and self._seconds >= self.options.max_seconds:
            return "time"
        return None

    def _look(self) -> str | None:
        self._test_loss, self._metric = self.trainer.evaluate(self.test_data)
        verdict = self.rule.see(self._epoch, self._loss, self._test_loss)
        if verdict.keep:
            self._kept = self.trainer.snapshot()
        self._look_at = self.rule.next_look(self._epoch)
        return verdict.stop

    def progress(self) -> Progress:
        best = self.rule.best_epoch if self.rule else self._epoch
        return Progress(
            epoch=self._epoch,
            steps=self._epoch * self.rows,
            loss=self._loss,
            test_loss=self._test_loss,
            metric=self._metric,
            seconds=self._seconds,
            best_epoch=best,
            overfitting=bool(self.rule) and self.rule.overfitting,
        )

    def result(self) -> TrainResult:
        """What came out, as if the training had ended here; with autostop the weights kept."""
        if self.rule or self.reason == "diverged":
            self.trainer.restore(self._kept)
        self._loss, _ = self.trainer.evaluate(self.train_data)
        if self.test_data is not None:
            self._test_loss, self._metric = self.trainer.evaluate(self.test_data)
        weights, snapshot = self.trainer.weights(), self.trainer.snapshot()
        return TrainResult(weights, snapshot, self.progress(), self.reason or "cancelled")


def train(
    model, train_rows, test_rows=None, options: TrainOptions | None = None, resume=None
) -> Generator[Progress, None, TrainResult]:
    """`Training` as a generator; its return value is the result."""
    training = Training(model, train_rows, test_rows, options, resume)
    yield from training
    return training.result()


def run(
    model, train_rows, test_rows=None, options: TrainOptions | None = None, resume=None
) -> TrainResult:
    """A `Training` to its end."""
    training = Training(model, train_rows, test_rows, options, resume)
    for _ in training:
        pass
    return training.result()
