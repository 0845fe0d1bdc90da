"""Callbacks that write files: checkpoints and tables."""

import csv
from collections import deque
from pathlib import Path

from ..arguments import REQUIRED, Configured
from .base import Callback
from .stopping import Monitor


class ModelCheckpoint(Monitor):
    """Save the model after epochs (save_freq="epoch") or every n batches (save_freq=n).

    filepath may hold {epoch}, {batch} and names of the logs: "rnn-{epoch:02d}-{val_loss:.3f}".
    max_to_keep: older files are deleted. save_best_only: only when ``monitor`` became better.
    """

    arguments = {
        "filepath": REQUIRED,
        "monitor": "val_loss",
        "verbose": 0,
        "save_best_only": False,
        "save_weights_only": False,
        "mode": "auto",
        "save_freq": "epoch",
        "initial_value_threshold": None,
        "max_to_keep": None,
    }

    def __init__(self, *values, **options):
        super().__init__(*values, **options)
        frequency = self.save_freq
        if frequency != "epoch":
            if not isinstance(frequency, int) or frequency < 1:
                raise ValueError(f'save_freq must be "epoch" or a number of batches: {frequency!r}')
            if self.save_best_only and self.monitor.startswith("val_"):
                raise ValueError(f"{self.monitor} is known after epochs only, not between batches")
            # only then the training stops at every batch
            self.on_train_batch_end = self._after_batch
        self.best = self.initial_value_threshold
        self._kept: deque[Path] = deque()
        self._batches, self._epoch = 0, 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def _after_batch(self, batch, logs=None):
        self._batches += 1
        if self._batches % self.save_freq == 0:
            self._save(batch, logs or {})

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch":
            self._save(0, logs or {})

    def _save(self, batch: int, logs: dict) -> None:
        if self.save_best_only:
            value = self.value(logs)
            if value is None or self.best is not None and not self.better(value, self.best, 0.0):
                return
            self.best = value
        path = Path(self._name(batch, logs))
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        if self.verbose:
            print(f"Epoch {self._epoch + 1}: saved {path}")
        self._forget_old(path)

    def _name(self, batch: int, logs: dict) -> str:
        words = {**logs, "epoch": self._epoch + 1, "batch": batch + 1, "step": self._batches}
        try:
            return str(self.filepath).format(**words)
        except KeyError as problem:
            known = ", ".join(words)
            raise ValueError(f"filepath asks for {problem}; there are {known}") from None

    def _forget_old(self, path: Path) -> None:
        if path in self._kept:
            self._kept.remove(path)
        self._kept.append(path)
        while self.max_to_keep and len(self._kept) > self.max_to_keep:
            self._kept.popleft().unlink(missing_ok=True)


class CSVLogger(Configured, Callback):
    """One line an epoch: the epoch and the logs, under a line of their names; NA: not this time."""

    arguments = {"filename": REQUIRED, "separator": ",", "append": False}
    _file = None

    def on_train_begin(self, logs=None):
        path = Path(self.filename)
        goes_on = self.append and path.exists() and path.stat().st_size > 0
        self._file = path.open("a" if self.append else "w", newline="")
        self._writer = csv.writer(self._file, delimiter=self.separator)
        self._names = None
        if goes_on:
            with path.open(newline="") as before:
                header = next(csv.reader(before, delimiter=self.separator))
            self._names = header[1:]

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        if self._names is None:
            self._names = list(logs)
            if self.params.get("do_validation") and not any(n.startswith("val_") for n in logs):
                self._names += [f"val_{name}" for name in logs]  # a later epoch brings them
            self._writer.writerow(["epoch", *self._names])
        self._writer.writerow([epoch, *(logs.get(name, "NA") for name in self._names)])
        self._file.flush()

    def on_train_end(self, logs=None):
        self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
