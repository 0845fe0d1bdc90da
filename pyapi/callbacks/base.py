"""The base of callbacks, the list that calls them, and History."""

from collections.abc import Iterable

from ..draw import sparkline

_WHEN = ("begin", "end")
_HOOKS = {
    "on_epoch_begin",
    "on_epoch_end",
    *(f"on_{what}_{when}" for what in ("train", "test", "predict") for when in _WHEN),
    *(f"on_{what}_batch_{when}" for what in ("train", "test", "predict") for when in _WHEN),
}


class Callback:
    """Overwrite the hooks you want. ``model`` and ``params`` are set before the first.

    Where no callback has a hook of batches, whole stretches of an epoch run in one call.
    """

    model = None
    params: dict = {}

    def set_model(self, model) -> None:
        self.model = model

    def set_params(self, params: dict) -> None:
        self.params = params

    def on_train_begin(self, logs=None):
        pass

    def on_train_end(self, logs=None):
        pass

    def on_epoch_begin(self, epoch, logs=None):
        pass

    def on_epoch_end(self, epoch, logs=None):
        pass

    def on_batch_begin(self, batch, logs=None):
        pass

    def on_batch_end(self, batch, logs=None):
        pass

    def on_train_batch_begin(self, batch, logs=None):
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs=None):
        pass

    def on_test_end(self, logs=None):
        pass

    def on_test_batch_begin(self, batch, logs=None):
        pass

    def on_test_batch_end(self, batch, logs=None):
        pass

    def on_predict_begin(self, logs=None):
        pass

    def on_predict_end(self, logs=None):
        pass

    def on_predict_batch_begin(self, batch, logs=None):
        pass

    def on_predict_batch_end(self, batch, logs=None):
        pass

    def on_progress(self, done: int, rows: int | None, scores) -> None:
        """Between two stretches of an epoch: rows done, rows in all if known, scores so far."""

    def close(self) -> None:
        """After ``fit`` in any case, also if an error or Ctrl-C ended it."""


class History(Callback):
    """What happened: ``history`` (name -> a value an epoch) and ``epoch`` (their numbers)."""

    def __init__(self):
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs=None):
        self.history, self.epoch = {}, []

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        if not self.epoch:
            return "<History: no epochs>"
        curves = [
            f"{name} {values[0]:.4g} {sparkline(values)} {values[-1]:.4g}"
            for name, values in self.history.items()
        ]
        return f"<History: {len(self.epoch)} epochs; {'; '.join(curves)}>"

    def plot(self, names: Iterable[str] | None = None, ax=None):
        """Draw the curves with matplotlib (extra ``plot``); returns the axes."""
        from ..extras import need

        pyplot = need("matplotlib.pyplot", "plot")
        ax = ax or pyplot.subplots()[1]
        for name in names or self.history:
            ax.plot(self.epoch, self.history[name], label=name)
        ax.set_xlabel("epoch")
        ax.legend()
        return ax


def overrides(callback: Callback, *names: str) -> bool:
    """Whether a callback has a hook of its own, of its class or set on it."""
    return any(
        n in vars(callback) or getattr(type(callback), n, None) is not getattr(Callback, n)
        for n in names
    )


class CallbackList:
    """All callbacks of one call; each hook reaches those that have it."""

    def __init__(self, model, callbacks, verbose, plan, data, fitting: bool = True):
        self.model = model
        self.callbacks = _flat(callbacks)
        if fitting:
            self._add_own(verbose)
        params = _params(plan, data, verbose)
        for callback in self.callbacks:
            callback.set_params(params)
            callback.set_model(model)
        self.wants_batches = self._wants("train") or self._wants(None)
        self.wants_test_batches = self._wants("test")
        self._watching = [c for c in self.callbacks if overrides(c, "on_progress")]

    def _wants(self, what: str | None) -> bool:
        """Whether a callback looks at each batch of a training, a test or (None) of any kind."""
        names = [f"on_{what}_batch_{when}" if what else f"on_batch_{when}" for when in _WHEN]
        return any(overrides(callback, *names) for callback in self.callbacks)

    def _add_own(self, verbose) -> None:
        """History always; a progress bar or lines if wanted and not among them already."""
        from .progress import ProgressBar, ProgressLines, shown

        history = next((c for c in self.callbacks if isinstance(c, History)), None)
        if history is None:
            history = History()
            self.callbacks.append(history)
        self.model.history = history
        bar = shown(verbose)
        given = any(isinstance(c, (ProgressBar, ProgressLines)) for c in self.callbacks)
        if bar is not None and not given:
            self.callbacks.append(bar)

    def progress(self, done: int, rows: int | None, scores) -> None:
        for callback in self._watching:
            callback.on_progress(done, rows, scores)

    def close(self) -> None:
        for callback in self.callbacks:
            callback.close()

    def __getattr__(self, name: str):
        if name not in _HOOKS:
            raise AttributeError(name)

        def call(*values):
            for callback in self.callbacks:
                getattr(callback, name)(*values)

        return call


def _flat(callbacks) -> list[Callback]:
    """One callback, None, or lists of them to any depth, as one list."""
    if callbacks is None:
        return []
    if isinstance(callbacks, (list, tuple)):
        return [callback for each in callbacks for callback in _flat(each)]
    if not isinstance(callbacks, Callback):
        raise TypeError(f"callbacks must be Callback objects, got {type(callbacks).__name__}")
    return [callbacks]


def _params(plan, data, verbose) -> dict:
    if plan is None:
        return {"verbose": verbose}
    rows = getattr(data, "rows", None)
    steps = plan.steps
    if steps is None:
        steps = -(-rows // plan.batch_size) if rows else getattr(data, "steps", None)
    return {
        "epochs": plan.epochs,
        "steps": steps,
        "verbose": verbose,
        "batch_size": plan.batch_size,
        "samples": rows,
        "do_validation": plan.validation is not None,
    }
