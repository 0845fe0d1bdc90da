"""Callbacks that end a training, or change its learning rate, by what they see."""

from math import isfinite

from ..arguments import Configured
from .base import Callback

# how the names of numbers end that are better when they are larger, or smaller
RISING = ("acc", "accuracy", "auc", "precision", "recall", "f1_score", "similarity", "r2_score")
FALLING = ("loss", "error", "mse", "mae", "mape", "msle", "entropy", "hinge", "divergence",
           "poisson", "logcosh", "perplexity")  # fmt: skip


def _better(mode: str, monitor: str):
    """A function (value, best, min_delta) -> whether value is better."""
    if mode not in ("auto", "min", "max"):
        raise ValueError(f"mode must be auto, min or max, got {mode!r}")
    if mode == "auto":
        if not monitor.endswith(RISING + FALLING):
            raise ValueError(f"is {monitor} better when larger or smaller? Give mode max or min")
        mode = "max" if monitor.endswith(RISING) else "min"
    if mode == "max":
        return lambda value, best, delta: value > best + delta
    return lambda value, best, delta: value < best - delta


class Monitor(Configured, Callback):
    """Base of callbacks that follow one number of the logs."""

    def __init__(self, *values, **options):
        super().__init__(*values, **options)
        self.better = _better(self.mode, self.monitor)

    def value(self, logs) -> float | None:
        """The number; an error that names what there is if it is missing."""
        if self.monitor in (logs or {}):
            return logs[self.monitor]
        validates = self.params.get("do_validation", True)
        if validates and self.monitor.startswith("val_") and not any(map(_of_validation, logs)):
            return None  # an epoch without validation
        raise ValueError(
            f"{type(self).__name__} watches {self.monitor!r}; the logs have {', '.join(logs)}"
        )


def _of_validation(name: str) -> bool:
    return name.startswith("val_")


class EarlyStopping(Monitor):
    """End when the number has not become better by ``min_delta`` for ``patience`` epochs."""

    arguments = {
        "monitor": "val_loss",
        "min_delta": 0.0,
        "patience": 0,
        "verbose": 0,
        "mode": "auto",
        "baseline": None,
        "restore_best_weights": False,
        "start_from_epoch": 0,
    }

    def on_train_begin(self, logs=None):
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best, self.best_weights = None, None

    def on_epoch_end(self, epoch, logs=None):
        value = self.value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.best is None or self.better(value, self.best, abs(self.min_delta)):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.current_vector()
            if self.baseline is None or self.better(value, self.baseline, abs(self.min_delta)):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch, self.model.stop_training = epoch, True

    def on_train_end(self, logs=None):
        if self.best_weights is not None:
            self.model.put_vector(self.best_weights)
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")


class ReduceLROnPlateau(Monitor):
    """Multiply the learning rate by ``factor`` after ``patience`` epochs that were not better."""

    arguments = {
        "monitor": "val_loss",
        "factor": 0.1,
        "patience": 10,
        "verbose": 0,
        "mode": "auto",
        "min_delta": 1e-4,
        "cooldown": 0,
        "min_lr": 0.0,
    }

    def __init__(self, *values, **options):
        super().__init__(*values, **options)
        if not 0 < self.factor < 1:
            raise ValueError(f"factor must be between 0 and 1, got {self.factor}")

    def on_train_begin(self, logs=None):
        self.best, self.wait, self.rest = None, 0, 0

    def on_epoch_end(self, epoch, logs=None):
        value = self.value(logs)
        logs["learning_rate"] = rate = current_rate(self)
        if value is None:
            return
        if self.rest:
            self.rest -= 1
            self.wait = 0
        if self.best is None or self.better(value, self.best, self.min_delta):
            self.best, self.wait = value, 0
        elif not self.rest:
            self.wait += 1
            if self.wait >= self.patience and rate > self.min_lr:
                self._reduce(epoch, rate)

    def _reduce(self, epoch: int, rate: float) -> None:
        rate = max(rate * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = rate
        self.rest, self.wait = self.cooldown, 0
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate {rate:.3g}")


def current_rate(callback: Callback) -> float:
    """The learning rate now; an error for what has none, or follows a schedule."""
    optimizer = callback.model.optimizer
    rate = optimizer.rate(optimizer.iterations)
    if rate is None or optimizer.scheduled:
        why = "has no learning rate" if rate is None else "follows a schedule"
        raise ValueError(f"{type(callback).__name__}: the optimizer {optimizer.name} {why}")
    return rate


class LearningRateScheduler(Callback):
    """Before each epoch: learning rate = schedule(epoch, learning rate) or schedule(epoch)."""

    def __init__(self, schedule, verbose: int = 0):
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch, logs=None):
        before = current_rate(self)
        try:
            rate = self.schedule(epoch, before)
        except TypeError:
            rate = self.schedule(epoch)
        self.model.optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"Epoch {epoch + 1}: learning rate {float(rate):.3g}")

    def on_epoch_end(self, epoch, logs=None):
        logs["learning_rate"] = current_rate(self)


class TerminateOnNaN(Configured, Callback):
    """End as soon as the loss is no finite number, with an error if ``raise_error``."""

    arguments = {"raise_error": False}

    def on_progress(self, done, rows, scores):
        self._look(scores.logs())

    def on_epoch_end(self, epoch, logs=None):
        self._look(logs or {})

    def _look(self, logs: dict) -> None:
        loss = logs.get("loss")
        if loss is not None and not isfinite(loss) and not self.model.stop_training:
            if self.raise_error:
                raise RuntimeError(f"loss is {loss}")
            print(f"loss is {loss}: training stopped")
            self.model.stop_training = True


class LambdaCallback(Callback):
    """Hooks as functions: ``LambdaCallback(on_epoch_end=lambda epoch, logs: ...)``."""

    def __init__(self, **hooks):
        wrong = [name for name in hooks if not hasattr(Callback, name)]
        if wrong:
            known = ", ".join(n for n in dir(Callback) if n.startswith("on_"))
            raise TypeError(f"LambdaCallback has no hook {wrong[0]!r}; hooks are {known}")
        self.__dict__.update({name: hook for name, hook in hooks.items() if hook is not None})
