"""A model on tensors, as a run of a queue: alone or joined with others to a batch.

    ModelRun(executor, model, tensors, done, deadline)

``done(result, seconds)`` gets a list of TensorValues, a CommandError or TIMED_OUT, on the loop;
the model's statistics are charged before.
"""

import time
from math import inf

import numpy as np

from .ai_queue import TIMED_OUT, Run
from .ai_tensor import TensorValue
from .errors import CommandError

AT_ONCE = 100e-6  # seconds; the way to a worker and back takes the loop about as long
COSTS = 64  # sets of shapes whose time is remembered, of a model


class Batching:
    """Whether runs may be joined: of one model, with equal types and dims 1.. of each input.

    rows: dim 0 of the inputs; alone: it differs, or is enough already.
    """

    __slots__ = ("model", "rows", "shapes", "most", "least", "timeout", "alone")

    def __init__(self, model, tensors):
        options = model.options
        self.model, self.most, self.least = model, options.batch, options.min_batch
        self.timeout = options.min_timeout / 1000
        firsts = {t.shape[0] if t.shape else None for t in tensors}
        self.rows = firsts.pop() if len(firsts) == 1 else None
        self.shapes = tuple([(t.dtype, t.shape[1:]) for t in tensors])
        self.alone = self.rows is None or self.rows >= self.most

    @property
    def group(self):
        """Equal for those that fit each other."""
        return id(self.model), self.shapes, self.rows is None

    def enough(self, rows, waited=0.0):
        """Whether so many rows may run after the first has waited for so many seconds."""
        return self.alone or rows >= self.least or 0 < self.timeout <= waited

    def limit(self, queued):
        """When it runs in any case, or None."""
        return queued + self.timeout if self.timeout else None

    def fits(self, other):
        return self.model is other.model and self.rows is not None and self.shapes == other.shapes


class ModelRun(Run):
    """tensors: TensorValues in the order of the model's inputs, as many as it has."""

    def __init__(self, executor, model, tensors, done, deadline=None):
        super().__init__(model.options.queue, deadline)
        self.model, self.tensors, self.seconds = model, tensors, executor.seconds
        self.then = done
        if model.options.batch:
            self.batch = Batching(model, tensors)

    def small(self):
        if self.model.loaded is None:
            return False
        self.shapes = tuple([tensor.shape for tensor in self.tensors])
        return self.model.loaded.costs.get(self.shapes, AT_ONCE) < AT_ONCE

    def work(self):
        runnable = self.model.ready(self.seconds)
        return tensors_of(compute(runnable, runnable.run, [t.array() for t in self.tensors]))

    def work_small(self):
        """The time that passes is noted: at least a processor's, and quicker to ask for."""
        runnable, start = self.model.loaded, time.perf_counter()
        try:
            if runnable.row is not None:  # there is one input
                x = self.tensors[0]
                if (x.dtype, x.shape) == runnable.row:
                    return [TensorValue(*runnable.run_row(x.data))]
            return tensors_of(runnable.run_small([t.array() for t in self.tensors]))
        finally:
            note(runnable.costs, self.shapes, time.perf_counter() - start)

    @staticmethod
    def join(runs):
        """Inputs one behind another along dim 0; outputs cut by the rows of each."""
        first = runs[0]
        runnable = first.model.ready(first.seconds)
        columns = zip(*([t.array() for t in run.tensors] for run in runs), strict=True)
        results = compute(runnable, runnable.run, [np.concatenate(column) for column in columns])
        ends = np.cumsum([run.batch.rows for run in runs])
        if any(one.ndim == 0 or len(one) != ends[-1] for one in results):
            raise CommandError(runnable.batch_error)
        pieces = [np.split(one, ends[:-1]) for one in results]
        return [tensors_of([one[i] for one in pieces]) for i in range(len(runs))]

    def done(self, result, seconds):
        if result is not TIMED_OUT and self.model.stats is not None:
            if isinstance(result, CommandError):
                self.model.stats.failed()
            else:
                shape = result[0].shape
                self.model.stats.succeeded(seconds, shape[0] if shape else 0)
        self.then(result, seconds)


def compute(runnable, run, arrays):
    """Run, and note how much time of a processor that took."""
    start = time.thread_time()
    try:
        return run(arrays)
    finally:
        shapes = tuple([array.shape for array in arrays])
        note(runnable.costs, shapes, time.thread_time() - start)


def note(costs, shapes, seconds):
    """What a run took. A model's first run prepares it: its time says little, and the next one is
    measured again. A single slow run among quick ones says little too: what is noted at most
    doubles."""
    costs[shapes] = min(seconds, 2 * costs.get(shapes, inf))
    if len(costs) > COSTS:
        costs.popitem(last=False)


def tensors_of(arrays):
    return [TensorValue.of(array) for array in arrays]
