"""The value behind a key of type neural-NN: options, model, data sets, statistics, a training.

Everything here belongs to the loop's thread. A training works on copies (``jobs.py``); the loop
alone puts its result into the value.
"""

from dataclasses import dataclass, replace
from math import isfinite

from respnet.engine.dataset import DataSplit
from respnet.engine.model import Model

from . import network_io
from .network_io import FLOAT
from .network_options import row_numbers
from .nr_fast import Hot
from .values import Value

FIXED_BYTES = 4096  # objects of a network besides its arrays, measured


@dataclass(frozen=True)
class Statistics:
    """Sums over all trainings, and what the last one measured. Errors as NR.INFO reports them."""

    steps: int = 0  # row presentations
    cycles: int = 0  # epochs
    seconds: float = 0.0
    dataset_error: float = 0.0
    test_error: float = 0.0
    class_errors: float = 0.0  # part of the test rows in the wrong class
    overfitting: bool = False

    def after(self, outcome):
        """The statistics with one more training in them."""
        last = outcome.progress
        return Statistics(
            self.steps + last.steps, self.cycles + last.epoch, self.seconds + last.seconds,
            measured(outcome.error), measured(outcome.test_error), measured(outcome.class_errors),
            last.overfitting)


def measured(number):
    """0 for what was not measured or is no number."""
    return float(number) if number is not None and isfinite(number) else 0.0


class NetworkValue(Value):
    """A network under a key; ``place`` is (db, key), kept up while a training needs it."""

    __slots__ = ("options", "model", "data", "stats", "resume", "job", "last", "place", "hot",
                 "work", "_awaited", "__weakref__")

    kind = 2
    type_name = "neural-NN"
    copyable = True
    hooked = True

    def __init__(self, options, train_maxlen, test_maxlen, seed=None):
        """``seed`` of the initial weights; None: as the options say."""
        super().__init__()
        self.options = options
        columns = 1 if options.role == "classifier" else options.outputs
        self.data = DataSplit(options.inputs, columns, train_maxlen, test_maxlen)
        self.job = self.last = self.place = self._awaited = self.hot = None
        self.initialise(seed)

    def initialise(self, seed=None):
        """New weights; everything learned and counted is gone, the data sets stay."""
        seed = self.options.draw_seed() if seed is None else seed
        self._use(Model(self.options.spec(seed)))
        self.stats, self.resume, self.last = Statistics(), None, None

    def _use(self, model):
        self.model = model
        if self.hot is None:
            self.hot = Hot(self.data, model, self.options)
        self.hot.use(model)
        recurrent = self.options.recurrent
        self.work = FLOAT.itemsize * row_numbers(model.program("predict")) if recurrent else 0

    @property
    def is_classifier(self):
        return self.options.role == "classifier"

    @property
    def stepper(self):
        """The present weights for one step of time after another (``engine/stepping.py``)."""
        return self.hot.make_stepper()

    # -- configuration

    def configure(self, options):
        """Take over other options; True if the weights had to be made anew."""
        kept = self.options.keeps_weights(options)
        self.options, self.resume = options, None
        if not kept:
            self.initialise()
        else:
            spec = options.spec(self.model.spec.seed)
            self._use(Model(spec, vector=self.model.weights.vector))
        return not kept

    # -- training

    @property
    def training(self):
        """Whether a training runs, or its result is not yet as durable as the store promises."""
        if self._awaited is not None:
            store, ticket = self._awaited
            if store.committed >= ticket:
                self._awaited = None
        return self.job is not None or self._awaited is not None

    def adopt(self, outcome):
        """The weights, scaling and figures of a finished training."""
        self.model.swap(outcome.weights)
        self.hot.use(self.model)
        self.resume = outcome.snapshot
        self.stats = self.stats.after(outcome)

    def await_commit(self, store):
        """``training`` stays true until the store's present group is committed."""
        self._awaited = (store, store.ticket)

    def cancel(self):
        """Drop a training that runs; its result is not wanted any more."""
        if self.job is not None:
            self.job.cancel()
            self.job = None

    # -- a value of the keyspace

    def memory_usage(self):
        weights = self.model.weights.vector.nbytes
        state = 0 if self.resume is None else self.resume.state.nbytes + weights
        rows = self.data.train.nbytes + self.data.test.nbytes
        return FIXED_BYTES + 2 * weights + self.work + state + rows

    def dump(self):
        return network_io.dump(self)

    @classmethod
    def load(cls, head, parts):
        return network_io.load(cls, head, parts)

    def apply(self, frame_type, payload):
        network_io.apply(self, frame_type, payload)

    def copy(self):
        """The same network without the training that may run."""
        train, test = self.data.train, self.data.test
        other = NetworkValue(self.options, train.maxlen, test.maxlen, self.model.spec.seed)
        other.model.swap(self.model.weights)
        other.data.train.extend(train.rows)
        other.data.test.extend(test.rows)
        other.stats, other.resume = replace(self.stats), self.resume
        return other

    def on_removed(self):
        self.cancel()
        self.hot.remove()

    def on_moved(self, db, key):
        self.place = (db, key)
        self.hot.forget()
