"""The loop of ``fit``: epochs of batches, callbacks, validation.

Rows in arrays go to the engine many batches a call, as long as no callback wants to see each one;
where the cuts fall changes no number.
"""

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from .feeding import Arrays, Stream

SLICE = 0.05  # seconds of training in one call, at most about


@dataclass
class Pass:
    """How a training runs: rows or a stream, in batches; from epoch to epoch."""

    batch_size: int
    epochs: int
    initial_epoch: int
    shuffle: bool
    steps: int | None
    validation: object = None
    validation_batch_size: int | None = None
    validation_steps: int | None = None
    validation_freq: object = 1
    class_weight: object = None

    def validates(self, epoch: int) -> bool:
        if self.validation is None:
            return False
        frequency = self.validation_freq
        if isinstance(frequency, int):
            return (epoch + 1) % frequency == 0
        return epoch + 1 in frequency


class Fitting:
    """One call of ``fit``."""

    def __init__(self, model, data: Arrays | Stream, plan: Pass, callbacks):
        self.model, self.data, self.plan, self.callbacks = model, data, plan, callbacks
        self.session, self.scores = model.session, model.scores
        self.single = (
            callbacks.wants_batches
            or self.scores.watch == ("outputs",)
            or model.optimizer.scheduled
            or bool(model.states)
        )
        self._feed = None
        if isinstance(data, Arrays) and not model.states:
            self._feed = model.feed(data)
        self._count = 1  # batches a call

    def run(self) -> None:
        self.model.stop_training = False
        logs: dict = {}
        try:
            self.callbacks.on_train_begin()
            for epoch in range(self.plan.initial_epoch, self.plan.epochs):
                self.callbacks.on_epoch_begin(epoch)
                logs = self._epoch(epoch)
                self.callbacks.on_epoch_end(epoch, logs)
                if self.model.stop_training:
                    break
            self.model.sync()
            self.callbacks.on_train_end(logs)
        finally:
            self.model.sync()
            self.callbacks.close()

    def _epoch(self, epoch: int) -> dict:
        self.scores.reset()
        if isinstance(self.data, Arrays):
            self._rows()
        else:
            self._stream()
        logs = self.scores.logs()
        if self.plan.validates(epoch) and not self.model.stop_training:
            logs |= {f"val_{name}": value for name, value in self._validate().items()}
        return logs

    def _validate(self) -> dict:
        size = self.plan.validation_batch_size
        with self.model.states.aside():
            return self.model.judge(self.plan.validation, size, self.callbacks)

    # --- rows in arrays ---------------------------------------------------------------------

    def _rows(self) -> None:
        n, size = self.data.rows, self.plan.batch_size
        order = self.model.rng.permutation(n) if self.plan.shuffle else np.arange(n)
        if self.plan.steps is not None:
            order = order[: self.plan.steps * size]
        first = 0
        while first < len(order) and not self.model.stop_training:
            count = size if self.single else size * self._count
            part = order[first : first + count]
            if self.single:
                self._batch(first // size, part)
            else:
                self._slice(part, size)
            first += len(part)
            self.callbacks.progress(first, len(order), self.scores)

    def _slice(self, part: np.ndarray, size: int) -> None:
        """Several batches in one call; as many more or fewer next time as fill the slice."""
        self.model.set_rate()
        before = perf_counter()
        report = self.session.train(self._feed, part, size)
        seconds = (perf_counter() - before) * size / len(part)
        self._count = max(1, min(int(SLICE / max(seconds, 1e-9)), 4 * self._count))
        self.model.trained(-(-len(part) // size))
        self.scores.add(report, len(part))

    def _batch(self, number: int, part: np.ndarray) -> None:
        if self.callbacks.wants_batches:
            self.callbacks.on_train_batch_begin(number)
        if self._feed is None:
            self.model.train_rows(self.data.part(part))
        else:
            self._step(part)
        if self.callbacks.wants_batches:
            self.callbacks.on_train_batch_end(number, self.scores.logs())

    def _step(self, part: np.ndarray) -> None:
        self.model.set_rate()
        report = self.session.train(self._feed, part, len(part))
        self.model.trained(1)
        self.scores.add(report, len(part))
        if self.scores.watch == ("outputs",):
            self.model.note_written(self.scores, self.data.part(part))

    # --- batches from a stream --------------------------------------------------------------

    def _stream(self) -> None:
        steps, done = self.data.steps, 0
        for number, (x, y, weights) in enumerate(self.data.epoch(self.model.rng)):
            rows = self.model.arrays(x, y, weights, self.plan.class_weight)
            self.callbacks.on_train_batch_begin(number)
            self.model.train_rows(rows)
            self.callbacks.on_train_batch_end(number, self.scores.logs())
            done += rows.rows
            left = steps and max(0, steps - number - 1) * rows.rows  # if they are as large as this
            self.callbacks.progress(done, steps and done + left, self.scores)
            if self.model.stop_training:
                break


FIT = {
    "batch_size": None,
    "epochs": 1,
    "verbose": "auto",
    "callbacks": None,
    "validation_split": 0.0,
    "validation_data": None,
    "shuffle": True,
    "class_weight": None,
    "sample_weight": None,
    "initial_epoch": 0,
    "steps_per_epoch": None,
    "validation_steps": None,
    "validation_batch_size": None,
    "validation_freq": 1,
    "lengths": None,
}
EVALUATE = {
    "batch_size": None,
    "verbose": "auto",
    "sample_weight": None,
    "steps": None,
    "callbacks": None,
    "return_dict": False,
    "lengths": None,
}
COMPILE = {
    "optimizer": "rmsprop",
    "loss": None,
    "loss_weights": None,
    "metrics": None,
    "weighted_metrics": None,
    # accepted, and of no meaning here
    "run_eagerly": False,
    "steps_per_execution": 1,
    "jit_compile": "auto",
    "auto_scale_loss": True,
}
