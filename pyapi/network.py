"""``respnet.Network``: the networks of the ``NR.*`` commands, in this process.

It keeps its own rows, in a training and a test set; trains on them in this thread or one of its
own; answers with the weights of the last finished training meanwhile. Methods, words and the
names of ``info`` are those of ``respnet.connect(url).create(...)``.
"""

import secrets
from math import prod

import numpy as np

from respnet.engine import Model, storage
from respnet.engine.dataset import DataSplit
from respnet.engine.errors import FileError, ShapeError, SpecError
from respnet.engine.layer_words import (
    network_spec,
    row_shape,
    step_shape,
    training_defaults,
    word_count,
    written,
)
from respnet.engine.params import Layout
from respnet.engine.stepping import make_stepper
from respnet.engine.trainer import Snapshot
from respnet.engine.training import Training, TrainOptions

from . import __version__
from .background import Background, TrainingError
from .deploying import Deployable
from .rows import class_rows, input_rows, target_rows
from .totals import Totals

__all__ = ["Network", "TrainingError"]


class Network(Deployable):
    """``Network(9, 15, 2, role="classifier")`` has 9 inputs, 15 hidden units and 2 outputs;
    ``Network((30, 4), "LSTM:50", 2, ...)`` reads 30 steps of 4 numbers (the words of layers are
    those of NR.CREATE, docs/nr.md).

    role: "classifier" (y are class numbers, softmax) or "regressor" (y are numbers, linear).
    train_rows, test_rows: how many rows each set may hold. normalize: standardise inputs, and the
    targets of regressors. seed: of the first weights and of all that is random; equal seeds, rows
    and threads give equal bits. hidden: activation of the hidden layers. threads: of a large batch.
    """

    def __init__(
        self,
        *units: int | str | tuple[int, int],
        role: str,
        train_rows: int = 0,
        test_rows: int = 0,
        normalize: bool = False,
        seed: int | None = None,
        hidden: str = "tanh",
        threads: int = 1,
    ):
        if role not in ("classifier", "regressor"):
            raise SpecError(f"role must be classifier or regressor, got {role!r}")
        seed = secrets.randbits(32) if seed is None else seed
        units = written(units)
        spec = network_spec(units, role=role, hidden=hidden, scaling=normalize, seed=seed)
        self._adopt(Model(spec, threads=threads), units, train_rows, test_rows)

    def _adopt(self, model: Model, units: tuple, train_rows: int, test_rows: int) -> None:
        self._model, self._units = model, units
        self._shape, self._words = row_shape(units[0]), word_count(units)
        columns = 1 if self.role == "classifier" else units[-1]
        self._rows = DataSplit(prod(self._shape), columns, train_rows, test_rows, model.spec.seed)
        self._states: dict[str, bytearray] = {}
        self._stepper = None  # made when needed, anew for new weights
        self._totals = Totals()
        self._training: Background | None = None
        self._resume: Snapshot | None = None  # weights and optimizer of the last training

    def __repr__(self) -> str:
        return f"<Network {'-'.join(map(str, self.units))} {self.role}>"

    @property
    def role(self) -> str:
        return self._model.spec.role

    @property
    def units(self) -> tuple[int | str, ...]:
        """Inputs, hidden layers, outputs, as NR.INFO writes its layout."""
        return self._units

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return self._model.parameter_count

    # --- rows -------------------------------------------------------------------------------

    def observe(self, x, y, where: str | None = None) -> tuple[int, int]:
        """Add rows x (B,I) or (I), sequences (B,T,I) or (T,I), with their y: classes (B) or
        targets (B,O).

        where: "train" or "test"; without it each row goes to the set that is emptier for its
        size. Full sets are refreshed: a row at random is replaced. Returns the rows now held.
        """
        rows, _ = input_rows(x, *self._shape, words=self._words)
        prepare = class_rows if self.role == "classifier" else target_rows
        wanted = prepare(y, len(rows), self._units[-1]).reshape(len(rows), -1)
        for row in np.concatenate([rows, wanted.astype(np.float32)], axis=1):
            self._rows.observe(row, where)
        return len(self._rows.train), len(self._rows.test)

    # --- answers ----------------------------------------------------------------------------

    def run(self, x) -> np.ndarray:
        """Outputs (O) for one row x (I) or (T,I), (B,O) for many (B,I) or (B,T,I), float32."""
        rows, single = input_rows(x, *self._shape, words=self._words)
        outputs = self._model.predict_rows(rows)
        return outputs[0] if single else outputs

    def classify(self, x):
        """Class of one row x as int, of many as int64 array (B)."""
        self._need_classes("classify", "run")
        return chosen(self.run(x))

    def _need_classes(self, method: str, instead: str) -> None:
        if self.role != "classifier":
            raise ShapeError(f"{method} needs a classifier, this is a regressor; use {instead}")

    # --- steps of time ----------------------------------------------------------------------

    def step(self, state: str, x) -> np.ndarray:
        """Outputs (O) for the next step x (I) of a sequence, (n,O) for n steps (n,I), float32.

        state: a name for where the sequence has come to; a new one begins with zeros. A training
        keeps it, ``reset`` does not; it is not saved.
        """
        if self._stepper is None:
            self._stepper = make_stepper(self._model)
        rows, single = input_rows(x, *step_shape(self._units[0]), words=self._words)
        numbers = self._states.setdefault(state, bytearray(self._stepper.state_bytes))
        outputs = self._stepper(rows, numbers)
        return outputs[0] if single else outputs

    def classify_step(self, state: str, x):
        """Class after the next step x (I) as int, of n steps (n,I) as int64 array (n)."""
        self._need_classes("classify_step", "step")
        return chosen(self.step(state, x))

    def forget(self, state: str) -> None:
        """Drop a state: its name begins anew."""
        self._states.pop(state, None)

    # --- training ---------------------------------------------------------------------------

    def train(
        self,
        *,
        autostop: bool = False,
        backtrack: bool = False,
        max_cycles: int = 0,
        max_time: float = 10.0,
        wait: bool = True,
    ) -> None:
        """Train on the rows held now, on from the present weights.

        At most ``max_cycles`` passes over the rows and ``max_time`` seconds (0: no limit).
        autostop: end when the test set gets no better; backtrack: keep the weights that were best
        on it. Without ``wait`` it runs in a thread of its own.
        """
        if self._training and self._training.running:
            raise TrainingError("a training is in progress; wait() for it or stop() it")
        options = TrainOptions(
            autostop=autostop, backtrack=backtrack, max_epochs=max_cycles, max_seconds=max_time,
            **training_defaults(self._units),
        )
        sets = self._rows.train.snapshot(), self._rows.test.snapshot()
        training = Training(self._model, *sets, options, self._resume)
        self._training = Background(training, self._merge)
        if wait:
            self.wait()

    def _merge(self, result) -> None:
        self._model.swap(result.weights)
        self._resume, self._stepper = result.snapshot, None
        unit = self._units[-1] / 2 if self._model.spec.loss == "mse" else 1.0
        self._totals = self._totals.after(result, unit)

    def wait(self, timeout: float | None = None) -> bool:
        """Until no training runs; False if ``timeout`` seconds were not enough.

        Interrupted (Ctrl-C), the training stops and what it has learned is kept.
        """
        if self._training is None:
            return True
        try:
            return self._training.join(timeout)
        except KeyboardInterrupt:
            self.stop()
            raise

    def stop(self) -> None:
        """End a running training and keep what it has learned."""
        if self._training:
            self._training.stop()

    def reset(self) -> None:
        """The first weights again; a running training is cancelled; the rows stay, states go."""
        if self._training:
            self._training.cancel()
        self._model.swap(self._model.layout.initial(self._model.dtype, self._model.spec.seed))
        self._totals, self._training, self._resume = Totals(), None, None
        self._states, self._stepper = {}, None

    # --- state ------------------------------------------------------------------------------

    def info(self) -> dict:
        """The fields of NR.INFO: sizes, totals of all trainings, errors of the last one."""
        spec, rows = self._model.spec, self._rows
        return {
            "type": spec.role,
            "auto-normalization": int(spec.scaling),
            "training": int(self._training is not None and self._training.running),
            "layout": list(self.units),
            "training-dataset-maxlen": rows.train.maxlen,
            "training-dataset-len": len(rows.train),
            "test-dataset-maxlen": rows.test.maxlen,
            "test-dataset-len": len(rows.test),
            **self._totals.fields(spec.role),
        }

    def save(self, path) -> None:
        """Weights, scaling, rows, totals and the optimizer's state into one file, data only."""
        tensors = {
            "weights": self._model.weights.vector,
            "train_rows": self._rows.train.rows,
            "test_rows": self._rows.test.rows,
        }
        extra = {
            "train_rows": self._rows.train.maxlen,
            "test_rows": self._rows.test.maxlen,
            "totals": self._totals.as_dict(),
            "units": list(self._units),
        }
        if self._resume is not None:
            tensors |= {"resume_weights": self._resume.vector, "resume_state": self._resume.state}
            extra["resume_clock"] = list(self._resume.clock)
        storage.save(path, storage.Saved(self._model.spec, tensors, extra, __version__))

    @classmethod
    def load(cls, path, threads: int = 1) -> "Network":
        """The network that ``save`` wrote; training goes on where it was."""
        saved = storage.load(path)
        net = cls.__new__(cls)
        model = Model(saved.spec, threads=threads, vector=saved.tensors["weights"])
        try:
            extra, tensors = saved.extra, saved.tensors
            net._adopt(model, units_of(model, extra), extra["train_rows"], extra["test_rows"])
            net._rows.train.extend(tensors["train_rows"])
            net._rows.test.extend(tensors["test_rows"])
            net._totals = Totals(**extra["totals"])
            if "resume_clock" in extra:
                state = tensors["resume_weights"], tensors["resume_state"]
                net._resume = Snapshot(*state, tuple(extra["resume_clock"]))
        except storage.NONSENSE as problem:
            raise FileError(f"{path}: no saved Network ({problem})") from None
        return net


def chosen(outputs: np.ndarray):
    """The class of outputs (O) as int, of (B,O) as int64 array (B)."""
    return int(outputs.argmax()) if outputs.ndim == 1 else outputs.argmax(axis=1)


def units_of(model: Model, extra) -> tuple:
    """What a saved network was made of; older files are of dense ones and do not say it."""
    spec = model.spec
    if "units" not in extra:
        widths = (node.config.get("units") for node in spec.nodes)
        return (spec.inputs[0][1][0], *(width for width in widths if width))
    units = written(extra["units"])
    made = Layout(network_spec(units, role=spec.role, scaling=spec.scaling))
    if sizes(made) != sizes(model.layout):
        raise FileError(f"the layers {units} are not those of the weights")
    return units


def sizes(layout: Layout) -> tuple[dict, dict]:
    return layout.shapes, {name: place.shape for name, place in layout.places.items()}
