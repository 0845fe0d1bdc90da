"""The value behind a key of type AI__MODEL, and networks of NR.* seen as models.

A model never changes: another MODELSTORE puts a new one, and runs that began hold the old one.
After a restart a model is loaded by its first run.
"""

import json
import logging
import threading
from dataclasses import asdict, dataclass
from functools import cached_property

from respnet.engine import storage

from . import ai_backends
from .access import database
from .ai_backends import Network, Runnable, Slot
from .ai_stats import RunStats
from .errors import CommandError
from .network import NetworkValue
from .values import WRONG_TYPE, Value, split
from .version import RESPNET_VERSION

log = logging.getLogger("respnet.ai")

FORMAT = 1
ALIAS = 13  # kind of an AliasValue, which is made of runs of models
NO_MODEL = "ERR model key is empty"
OBJECT_BYTES = 2000  # of a model besides blob and weights, measured


def text(word):
    """A client's word in a dataclass: any bytes come back by ``raw``."""
    return word.decode("utf-8", "surrogateescape")


def raw(name):
    return name.encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Options:
    """What MODELSTORE was told. batch: rows that are run together, 0 for none; the time limit in
    milliseconds; inputs and outputs: names of graph nodes (TF)."""

    backend: str
    device: str
    tag: str = ""
    batch: int = 0
    min_batch: int = 0
    min_timeout: int = 0
    inputs: tuple = ()
    outputs: tuple = ()

    @cached_property
    def queue(self):
        """The name of its device's queue."""
        return self.device.upper()


class ModelValue(Value):
    """options: Options; blob: bytes; inputs, outputs: Slots."""

    __slots__ = ("options", "blob", "inputs", "outputs", "stats", "_runnable", "_lock")

    kind = 11
    type_name = "AI__MODEL"
    hooked = True

    def __init__(self, options, blob, inputs, outputs, runnable=None):
        self.id = self.generation = 0
        self.options, self.blob = options, blob
        self.inputs, self.outputs = inputs, outputs
        self.stats, self._runnable, self._lock = None, runnable, threading.Lock()

    @classmethod
    def build(cls, options, words, seconds):
        """A model of a blob in any number of words; long work, not for the loop. CommandError."""
        blob = words[0] if len(words) == 1 else b"".join(words)
        runnable = ai_backends.load(options, blob, seconds)
        return cls(options, blob, runnable.inputs, runnable.outputs, runnable)

    @property
    def loaded(self):
        """The Runnable, or None while it has not been loaded since the start."""
        return self._runnable

    def ready(self, seconds) -> Runnable:
        """The Runnable, loaded now if need be; not for the loop. CommandError if it is broken."""
        if self._runnable is None:
            with self._lock:
                if self._runnable is None:
                    self._runnable = self._load(seconds)
        return self._runnable

    def _load(self, seconds):
        try:
            return ai_backends.load(self.options, self.blob, seconds)
        except CommandError as error:
            log.error("a stored %s model cannot be loaded: %s", self.options.backend, error.text)
            raise

    # -- a value of the keyspace

    def memory_usage(self):
        # The weights of one that is not loaded yet are counted as those of its blob.
        held = len(self.blob) if self._runnable is None else self._runnable.nbytes
        return OBJECT_BYTES + len(self.blob) + held

    def dump(self):
        head = {"format": FORMAT, "options": asdict(self.options),
                "inputs": [[s.name, s.dtype, s.shape] for s in self.inputs],
                "outputs": [[s.name, s.dtype, s.shape] for s in self.outputs]}
        return json.dumps(head).encode(), split(self.blob)

    @classmethod
    def load(cls, head, parts):
        try:
            head = json.loads(head)
            if head["format"] != FORMAT:
                raise ValueError(f"models of format {head['format']!r} are unknown")
            options = head["options"]
            options = Options(**{name: tuple(value) if isinstance(value, list) else value
                                 for name, value in options.items()})
            return cls(options, b"".join(parts), read_slots(head["inputs"]),
                       read_slots(head["outputs"]))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"a stored model cannot be read: {error!r}") from None

    def count_runs(self, book, place):
        """The figures of AI.INFO, begun now at ``place`` (db, key) if there are none."""
        if self.stats is None:
            options = self.options
            self.stats = RunStats(book, place, "MODEL", options.backend, options.device,
                                  raw(options.tag))
        return self.stats

    def on_removed(self):
        if self.stats is not None:
            self.stats.drop()


def read_slots(rows):
    return tuple(Slot(name, dtype, shape and tuple(shape)) for name, dtype, shape in rows)


class NetworkModel:
    """A network of NR.* with the face of a ModelValue; made by ``model_at``."""

    def __init__(self, value):
        self.model, self.stats = value.model, None
        self.loaded = Network(value.model)
        self.inputs, self.outputs = self.loaded.inputs, self.loaded.outputs
        self.options = Options("RESPNET", "CPU")

    def ready(self, seconds):
        return self.loaded

    def count_runs(self, book, place):
        """As of a ModelValue, but in no book: nobody tells when the network goes."""
        if self.stats is None:
            self.stats = RunStats({}, place, "MODEL", "RESPNET", "CPU", b"")
        return self.stats

    @property
    def blob(self):
        weights = {"weights": self.model.weights.vector}
        return storage.to_bytes(storage.Saved(self.model.spec, weights, {}, RESPNET_VERSION))


def model_at(executor, db, key):
    """The ModelValue of a key of a Database or of an alias there, or a NetworkModel; CommandError
    if it is none of them. Its runs are counted from now on."""
    value = db.get(key)
    if value is not None and value.kind == ALIAS:
        key = value.target
        value = db.get(key)
    if isinstance(value, NetworkValue):
        value = executor.network(value)
    elif not isinstance(value, ModelValue):
        raise CommandError(NO_MODEL if value is None else WRONG_TYPE)
    if value.stats is None:
        value.count_runs(executor.stats, (db.index, key))
    return value


def stored_model(session, key):
    """The ModelValue of a key in the client's database; networks of NR.* are none."""
    value = database(session).get(key)
    if isinstance(value, ModelValue):
        return value
    raise CommandError(NO_MODEL if value is None else WRONG_TYPE)
