"""One training in a thread of its own: it computes without Python's lock."""

import threading


class TrainingError(RuntimeError):
    """A training that cannot begin now."""


class Background:
    """Runs a ``respnet.engine.training.Training`` to its end; ``merge`` takes its result, in the
    training's thread, unless it was cancelled. ``progress`` is the last report, None at first."""

    def __init__(self, training, merge):
        self.progress = None
        self._training, self._merge = training, merge
        self._cancelled = False
        self._error: Exception | None = None
        self._lock = threading.Lock()  # cancelled or merged, never both
        self._thread = threading.Thread(target=self._run, name="respnet-training", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            for progress in self._training:
                self.progress = progress
            result = self._training.result()
            with self._lock:
                if not self._cancelled:
                    self._merge(result)
        except Exception as problem:
            self._error = problem

    def join(self, timeout: float | None = None) -> bool:
        """True when it has ended; what went wrong in it is raised here."""
        self._thread.join(timeout)
        if self._error is not None:
            problem, self._error = self._error, None
            raise problem
        return not self.running

    def stop(self) -> None:
        """End after the present batch and merge what has been learned."""
        self._training.cancel()
        self.join()

    def cancel(self) -> None:
        """End and forget."""
        with self._lock:
            self._cancelled = True
        self._training.cancel()
        self._thread.join()
