"""Model = spec + weights + device: predict, loss and gradient, trainers."""

from dataclasses import dataclass
from itertools import count

import numpy as np

from respnet.engine import activations, losses
from respnet.engine.device import cpu_level
from respnet.engine.dtypes import float_dtype
from respnet.engine.errors import ShapeError
from respnet.engine.kernels.executor import Bound, Executable, Predictor, Sizes
from respnet.engine.kernels.lowering import LANES_BLOCK, lower, narrow
from respnet.engine.params import Layout
from respnet.engine.program import compile_program
from respnet.engine.spec import ModelSpec

TABLES = {"activations": activations.NAMES, "losses": losses.POINTWISE, "metrics": losses.METRICS}
LANES_ROWS = 640  # of a sub-batch: gradients are summed across the lanes once for each
CACHE_BYTES = 512 * 1024  # of activations per sub-batch in the rows layout

_versions = count(1)


@dataclass(frozen=True)
class Weights:
    """One immutable version of the parameters: the flat vector (read-only), and its number."""

    vector: np.ndarray
    version: int

    @classmethod
    def of(cls, vector: np.ndarray) -> "Weights":
        """A read-only copy of ``vector``."""
        vector = np.array(vector)
        vector.flags.writeable = False
        return cls(vector, next(_versions))


class Model(Predictor):
    """A network on one device.

    threads: helpers a large batch may be split over (1: none). ``weights`` is swapped as a whole;
    runs in progress keep the version they began with.
    """

    def __init__(self, spec: ModelSpec, *, device: str = "cpu", threads: int = 1, vector=None):
        self.spec, self.threads = spec, threads
        self.level = cpu_level(device)
        self.dtype = float_dtype(spec.dtype)
        self.layout = Layout(spec)
        self._executables: dict = {}
        self.swap(self.layout.initial(self.dtype, spec.seed) if vector is None else vector)

    @property
    def parameter_count(self) -> int:
        """Trainable parameters."""
        return self.layout.trainable

    def swap(self, weights) -> None:
        """Take over ``weights``: a flat vector (copied) or the Weights of an equal spec."""
        if not isinstance(weights, Weights):
            vector = np.ascontiguousarray(weights, self.dtype)
            if vector.shape != (self.layout.size,):
                raise ShapeError(
                    f"weights must have {self.layout.size} numbers, got {vector.shape}"
                )
            weights = Weights.of(vector)
        self.weights = weights
        self._forget()

    def view(self, name: str) -> np.ndarray:
        """The parameter ``name`` (for example ``dense_0/kernel``), read-only."""
        return self.layout.view(self.weights.vector, name)

    def executable(
        self, mode: str, layout: str, weighted: bool = False, optimizer=None
    ) -> Executable:
        """The compiled program of a mode in a layout: made once, then cached."""
        key = (mode, layout, weighted, optimizer)
        if key not in self._executables:
            program = compile_program(self.spec, mode, self.layout, weighted)
            lowered = lower(
                program,
                layout,
                self.rows(program, layout),
                Sizes(self.level, self.dtype),
                TABLES,
                staged=mode != "predict",
            )
            update = [optimizer.kernel(self.layout.trainable)] if optimizer else []
            self._executables[key] = Executable(self.level, self.dtype, lowered, mode, update)
        return self._executables[key]

    def rows(self, program, layout: str) -> int:
        """Rows of a sub-batch: many enough to be worth it, few enough to stay in cache."""
        if layout == "row":
            return 1
        if layout == "lanes":
            return LANES_BLOCK if program.mode == "predict" else LANES_ROWS
        buffers = {o for s in program.steps for o in s.operands if o is not None and o.rows}
        row_bytes = sum(buffer.columns for buffer in buffers) * self.dtype.itemsize
        return max(16, min(256, CACHE_BYTES // row_bytes // 16 * 16))

    def batch_layout(self, mode: str) -> str:
        """The layout for many rows."""
        return "lanes" if narrow(compile_program(self.spec, mode, self.layout)) else "rows"

    def trainer(self, optimizer: str = "rprop", constants=None, **options):
        """A Trainer on a copy of the present weights (``engine/trainer.py``)."""
        from respnet.engine.trainer import Trainer  # it builds on this module

        return Trainer(self, optimizer, constants, **options)

    def _bind(self, layout: str) -> Bound:
        """The present weights, packed for single rows ("row") or for many ("batch")."""
        layout = self.batch_layout("predict") if layout == "batch" else layout
        return Bound(self.executable("predict", layout), self.weights.vector)
