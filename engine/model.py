"""Model = spec + weights + device: predict, loss and gradient, trainers."""

from collections import OrderedDict
from dataclasses import dataclass
from itertools import count

import numpy as np

from respnet.engine.device import device_named
from respnet.engine.dtypes import float_dtype
from respnet.engine.errors import ShapeError
from respnet.engine.kernels.binding import Binding
from respnet.engine.kernels.executor import Bound, Predictor
from respnet.engine.kernels.lowering import LANES_BLOCK, narrow
from respnet.engine.params import Layout
from respnet.engine.program import compile_program
from respnet.engine.spec import ModelSpec

LANES_ROWS = 320  # of a sub-batch: gradients are summed across the lanes once for each
CACHE_BYTES = 512 * 1024  # of activations per sub-batch in the rows layout
FEWEST_ROWS = 16
# Images go through a convolution one by one; it is the dense layers behind that want many rows, to
# read their weights once for all of them. So rows are fewer only where they fill the memory.
IMAGE_BYTES = 64 * 1024 * 1024
# Recurrent weights larger than this come from afar at each step of time; more rows share the way.
FAR_BYTES, FAR_ROWS = 1024 * 1024, 64
PYTHON_ROWS = 256  # a call of Python costs as much as the work on many rows

PROGRAMS = 64  # compiled programs kept, and as many sets of packed weights

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
        self.device = device_named(device)
        self.dtype = float_dtype(spec.dtype)
        self.layout = Layout(spec)
        shapes = self._row_shapes()
        self.single = shapes is not None and not self.device.rows_at_once
        self.shaped = not self.single or any(len(shape) != 1 for shape in shapes)
        self._executables: OrderedDict = OrderedDict()
        self._outputs: dict = {}
        self.swap(self.layout.initial(self.dtype, spec.seed) if vector is None else vector)

    def _row_shapes(self):
        """Shapes of the row that goes in and the one that comes out, if there is one of each and
        they are known; or None."""
        if not len(self.spec.inputs) == len(self.spec.outputs) == 1:
            return None
        shapes = self.spec.inputs[0][1], self.layout.shapes[self.spec.outputs[0]]
        return None if any(None in shape for shape in shapes) else shapes

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
        self,
        mode: str,
        layout: str,
        weighted: bool = False,
        optimizer=None,
        shapes=None,
        watch=(),
        batch: int | None = None,
    ):
        """The compiled program of a mode in a layout, for inputs of these row shapes; cached.

        batch: rows of the largest batch, for programs that want batches as a whole.
        """
        key = (mode, layout, weighted, optimizer, shapes, watch, batch)
        if key not in self._executables:
            program = self.program(mode, weighted, shapes, watch)
            rows = batch or self.rows(program, layout)
            self._executables[key] = self.device.executable(
                program, self.dtype, layout, rows, optimizer
            )
            if len(self._executables) > PROGRAMS:
                self._executables.popitem(last=False)
        self._executables.move_to_end(key)
        return self._executables[key]

    def program(self, mode: str, weighted: bool = False, shapes=None, watch=()):
        """The abstract program of a mode (``engine/program.py``)."""
        return compile_program(self.spec, mode, self.layout, weighted, shapes, watch)

    def output_shapes(self, shapes=None) -> list[tuple[int, ...]]:
        """Row shapes of the outputs, for inputs of these row shapes; cached."""
        shapes = shapes or tuple(shape for _, shape in self.spec.inputs)
        if shapes not in self._outputs:
            externals = self.program("predict", shapes=shapes).externals
            self._outputs[shapes] = [e.shape for e in externals[len(shapes) :]]
        return self._outputs[shapes]

    def rows(self, program, layout: str) -> int:
        """Rows of a sub-batch: many enough to be worth it, few enough to stay in cache."""
        if layout == "row":
            return 1
        if layout == "lanes":
            return LANES_BLOCK if program.mode == "predict" else LANES_ROWS
        if any(step.op.startswith("python_") for step in program.steps):
            return PYTHON_ROWS
        buffers = {o for s in program.steps for o in s.operands if o is not None and o.rows}
        row_bytes = sum(buffer.columns * buffer.times for buffer in buffers) * self.dtype.itemsize
        fewest = self._fewest_rows(program, row_bytes)
        return max(fewest, min(256, CACHE_BYTES // row_bytes // 16 * 16))

    def _fewest_rows(self, program, row_bytes: int) -> int:
        """Rows that are worth a sub-batch even if they do not stay in cache."""
        if self._recurrent_bytes() > FAR_BYTES:
            return FAR_ROWS
        if any(step.op == "conv2d_forward" for step in program.steps):
            return max(1, min(FEWEST_ROWS, IMAGE_BYTES // row_bytes))
        return FEWEST_ROWS

    def _recurrent_bytes(self) -> int:
        """Size of the largest matrix that each step of time reads."""
        places = self.layout.places.items()
        sizes = [p.size for name, p in places if name.endswith("/recurrent_kernel")]
        return max(sizes, default=0) * self.dtype.itemsize

    def batch_layout(self, mode: str, shapes=None) -> str:
        """The layout for many rows."""
        if self.device.rows_at_once:
            return "rows"
        return "lanes" if narrow(self.program(mode, shapes=shapes)) else "rows"

    def predict_rows(self, rows):
        """rows (B,N): the numbers of each row of the one input, whatever its shape."""
        return self.predict(rows.reshape(len(rows), *self.spec.inputs[0][1]))

    def trainer(self, optimizer: str = "rprop", constants=None, **options):
        """A Trainer on a copy of the present weights (``engine/trainer.py``)."""
        from respnet.engine.trainer import Trainer  # it builds on this module

        return Trainer(self, optimizer, constants, **options)

    def _bind(self, layout: str, shapes=None) -> Bound:
        """The present weights, packed for single rows ("row") or for many ("batch")."""
        layout = self.batch_layout("predict", shapes) if layout == "batch" else layout
        executable = self.executable("predict", layout, shapes=shapes)
        return self.device.Bound(executable, self.weights.vector)

    def _forget(self) -> None:
        super()._forget()
        self._bounds: OrderedDict = OrderedDict()

    def _predict_shaped(self, x):
        """Several inputs or outputs, or rows of any shape: a program for each set of shapes."""
        arrays = [np.asarray(a, self.dtype) for a in (x if isinstance(x, (list, tuple)) else [x])]
        bound, shapes = self._bound_to(arrays)
        flat = [a.reshape(len(a), -1) for a in arrays]
        results = bound.run_arrays(flat, self.threads)
        results = [r.reshape(len(r), *shape) for r, shape in zip(results, shapes, strict=True)]
        return results if len(results) > 1 else results[0]

    def _bound_to(self, arrays) -> tuple[Bound, list]:
        """(weights bound to the program for arrays of these shapes, shapes of its outputs)"""
        shapes = self.row_shapes(arrays)
        key = (shapes, len(arrays[0]) == 1)
        if key not in self._bounds:
            outputs = self.program("predict", shapes=shapes).externals[len(arrays) :]
            bound = self._bind("row" if key[1] else "batch", shapes)
            self._bounds[key] = (bound, [output.shape for output in outputs])
            if len(self._bounds) > PROGRAMS:
                self._bounds.popitem(last=False)
        return self._bounds[key]

    def bind(self, *arrays) -> Binding:
        """Bind arrays (B,...), one an input: calling the result runs the model on what they hold.

        They must be contiguous and of the model's dtype; the present weights stay bound.
        """
        if self.device.rows_at_once:
            raise NotImplementedError("arrays are bound on the CPU; a model on a GPU has predict")
        bound, shapes = self._bound_to(arrays)
        return Binding(bound, list(arrays), shapes, self.threads)

    def row_shapes(self, arrays, what: str = "predict") -> tuple:
        """Shapes of the rows of arrays (B,...), one an input; what does not fit is refused."""
        shapes = tuple(a.shape[1:] for a in arrays)
        wanted = [shape for _, shape in self.spec.inputs]
        fits = len(shapes) == len(wanted) and all(
            len(got) == len(want) and all(w in (None, g) for g, w in zip(got, want, strict=True))
            for got, want in zip(shapes, wanted, strict=True)
        )
        if not fits:
            raise ShapeError(f"{what} wants rows of shape {wanted}, got {list(shapes)}")
        return shapes
