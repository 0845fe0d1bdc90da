"""What ``fit`` shows: a bar that is redrawn five times a second, or one line an epoch."""

import sys
from time import perf_counter

from .base import Callback

REDRAW = 0.2  # seconds between two pictures of the bar, of some 2 ms each


def shown(verbose) -> Callback | None:
    """The callback for ``verbose``: 0, 1 (bar), 2 or "log" (lines), "auto" (by the terminal)."""
    if verbose in (0, False, "silent", None):
        return None
    if verbose == "auto":
        verbose = 1 if sys.stdout.isatty() else "log"
    if verbose in (2, "log"):
        return ProgressLines()
    if verbose in (1, True, "bar"):
        return ProgressBar()
    raise ValueError(f'verbose must be 0, 1, 2, "auto", "log", "bar" or "silent", got {verbose!r}')


def numbers(logs: dict) -> str:
    """loss: 0.1234 - accuracy: 0.9876"""
    return " - ".join(
        f"{name}: {value:.4f}" if abs(value) >= 1e-3 or value == 0 else f"{name}: {value:.4e}"
        for name, value in logs.items()
    )


class ProgressLines(Callback):
    """One line an epoch: number, seconds, rows a second, scores."""

    def __init__(self, stream=None):
        self.stream = stream

    def on_epoch_begin(self, epoch, logs=None):
        self._begin, self._rows = perf_counter(), 0

    def on_progress(self, done, rows, scores):
        self._rows = done

    def on_epoch_end(self, epoch, logs=None):
        seconds = perf_counter() - self._begin
        speed = self._rows / seconds if seconds else 0.0
        print(
            f"Epoch {epoch + 1}/{self.params.get('epochs', '?')} - {seconds:.2f}s - "
            f"{speed:,.0f} samples/s - {numbers(logs or {})}",
            file=self.stream or sys.stdout,
            flush=True,
        )


class ProgressBar(Callback):
    """A bar with rich: rows done, rows a second, scores so far; each epoch leaves its last line."""

    def __init__(self, console=None, clock=perf_counter):
        self.console, self.clock = console, clock
        self.redraws = 0
        self._bar = None

    def on_train_begin(self, logs=None):
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:,}/{task.fields[rows]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[speed]} samples/s  {task.fields[scores]}"),
            console=self.console,
            auto_refresh=False,
        )
        self._bar.start()
        self._printed = self.clock() - REDRAW

    def on_epoch_begin(self, epoch, logs=None):
        name = f"Epoch {epoch + 1}/{self.params.get('epochs', '?')}"
        rows = self.params.get("samples")
        text = f"{rows:,}" if rows else "?"
        self._task = self._bar.add_task(name, total=rows, rows=text, speed="-", scores="")
        self._begin = self._drawn = self.clock()
        self._done = 0

    def on_progress(self, done, rows, scores):
        self._done = done
        now = self.clock()
        if now - self._drawn >= REDRAW:
            self._drawn = now
            self._draw(numbers(scores.logs()), rows)

    def _draw(self, text: str, rows) -> None:
        seconds = max(self.clock() - self._begin, 1e-9)
        shown = {"speed": f"{self._done / seconds:,.0f}", "scores": text}
        self._bar.update(self._task, completed=self._done, total=rows, **shown)
        self._bar.refresh()
        self.redraws += 1

    def on_epoch_end(self, epoch, logs=None):
        """The epoch's line stays; of epochs shorter than the time between pictures only some."""
        now = self.clock()
        seconds = max(now - self._begin, 1e-9)
        self._bar.remove_task(self._task)
        if now - self._printed < REDRAW and epoch + 1 < self.params.get("epochs", 0):
            return
        self._printed = now
        self._bar.console.print(
            f"Epoch {epoch + 1}/{self.params.get('epochs', '?')} - {seconds:.2f}s - "
            f"{self._done / seconds:,.0f} samples/s - {numbers(logs or {})}",
            highlight=False,
        )

    def on_train_end(self, logs=None):
        self.close()

    def close(self) -> None:
        """Gives the terminal its cursor back."""
        if self._bar is not None:
            self._bar.stop()
