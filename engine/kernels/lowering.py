"""Program -> what the CPU kernels run: variants, packed weights, planned memory.

Three layouts. ``row``: one row, kernels packed for matrix-vector products. ``rows``: B rows,
kernels packed for matrix-matrix products. ``lanes``: every buffer column by column, nothing packed;
for nets so narrow that matrix kernels would multiply padding. ``staged`` externals of a lanes
program are in its layout already; otherwise steps that turn them stand at its borders.
"""

from dataclasses import dataclass, field, replace

from respnet.engine.kernels.lowering_image import IMAGE
from respnet.engine.kernels.lowering_loss import LOSS, repeats_of
from respnet.engine.kernels.lowering_merge import MERGE
from respnet.engine.kernels.lowering_norm import NORM
from respnet.engine.kernels.lowering_python import PYTHON
from respnet.engine.kernels.lowering_recurrent import RECURRENT
from respnet.engine.kernels.lowering_sequence import SEQUENCE, own_seed
from respnet.engine.kernels.plan import Scratch, plan

SPACES = {"parameters": 0, "packs": 1, "gradients": 2, "state": 3, "work": 4}
EXTERNAL = 5
# Ops whose kernels see the last axis; the axes before it count as rows.
LAST_AXIS = {"scale_forward", "softmax_forward", "softmax_backward"}
NARROW = 48  # widest buffer for which lanes win
LANES_BLOCK = 64  # rows


@dataclass(frozen=True)
class Kernel:
    """One call: kernel name, (space, offset) of each operand or None, dims and constants.

    repeats: rows along the last axis that one row of the batch has (T for sequences). times: rows
    of the batch that one row of the batch is to this step (TimeDistributed).
    """

    name: str
    operands: tuple
    dims: tuple = ()
    constants: tuple = ()
    repeats: int = 1
    times: int = 1
    callback: object = None


@dataclass
class Lowered:
    """prepare: after every change of the weights. steps: for each sub-batch. counting: likewise,
    but before all of them (``Program.counting``). terms: (places in a row, weight) of each loss.
    Sizes in numbers.
    """

    layout: str
    rows: int
    prepare: list = field(default_factory=list)
    steps: list = field(default_factory=list)
    counting: list = field(default_factory=list)
    terms: tuple = ()
    packs: int = 0
    work: int = 0
    columns: tuple = ()
    trainable: int = 0
    whole_batches: bool = False


def narrow(program) -> bool:
    """Whether the lanes layout has every op and every buffer of the program is narrow enough."""
    buffers = [o for s in program.steps for o in s.operands if o is not None and o.rows]
    flat = all(len(buffer.shape) == 1 and buffer.columns <= NARROW for buffer in buffers)
    return flat and not any(step.op in ROWS_ONLY or step.times > 1 for step in program.steps)


# op -> function(lowering, step), beside the methods of _Lowering
LOWERINGS: dict = {**IMAGE, **LOSS, **MERGE, **NORM, **PYTHON, **RECURRENT, **SEQUENCE}
ROWS_ONLY = {*LOWERINGS} - {*LOSS}  # ops without a lanes kernel
# Attributes that kernels read as constants, in this order.
CONSTANTS = "rate scale offset max_value negative_slope threshold alpha".split()


class _Lowering:
    def __init__(self, program, layout: str, rows: int, sizes, tables, staged: bool):
        self.program, self.sizes, self.tables, self.staged = program, sizes, tables, staged
        self.times = 1  # of the step that is lowered
        self.suffix = "_lanes" if layout == "lanes" else "_rows"
        self.out = Lowered(
            layout,
            rows,
            columns=tuple(e.columns for e in program.externals),
            trainable=program.layout.trainable,
            whole_batches=program.whole_batches,
            terms=program.terms,
        )
        self.packed: dict = {}
        self.turned: dict = {}
        self.written: set[int] = set()

    @property
    def rows(self) -> int:
        """Rows the step sees at most."""
        return self.out.rows * self.times

    @property
    def layout(self) -> str:
        """The layout as the step sees it: one row of several times is several rows."""
        return "rows" if self.times > 1 else self.out.layout

    def emit(self, name, operands, dims=(), constants=(), repeats=1):
        for operand in operands:
            if isinstance(operand, Scratch) and operand.rows:
                operand.times = self.times
        kernel = Kernel(name, tuple(operands), tuple(dims), tuple(constants), repeats, self.times)
        self.out.steps.append(kernel)

    def alive(self, buffer):
        """The buffer, or None if only one step knows it: then what is written is never read."""
        steps = [step for step in self.program.steps if any(buffer is o for o in step.operands)]
        return buffer if len(steps) > 1 or buffer.space == "external" else None

    def pack(self, kind: str, kernel, size: int, dims=None) -> Scratch:
        dims = dims or kernel.shape
        key = (kind, kernel.offset, dims)
        if key not in self.packed:
            self.packed[key] = Scratch("packs", size, False, self.out.packs)
            self.out.packs += -(-size // 16) * 16
            self.out.prepare.append(Kernel(kind, (kernel, self.packed[key]), dims))
        return self.packed[key]

    def shared(self, gradient) -> int:
        """1 if an earlier step has written this gradient: then it is always added to."""
        if gradient is None or gradient.space != "gradients":
            return 0  # of a frozen parameter
        before = gradient.offset in self.written
        self.written.add(gradient.offset)
        return int(before)

    def dense_forward(self, step):
        x, kernel, bias, y = step.operands
        repeats = repeats_of(x)
        dims = (*kernel.shape, self.tables["activations"].index(step.attributes["activation"]))
        if self.layout == "row" and repeats == 1:
            kernel = self.pack("pack_wide_kernel", kernel, self.sizes.wide(*kernel.shape))
            return self.emit("dense_forward_row", (x, kernel, bias, y), dims)
        if self.out.layout != "lanes":
            kernel = self.pack("pack_panels_kernel", kernel, self.sizes.panels(*kernel.shape))
        return self.emit("dense_forward" + self.suffix, (x, kernel, bias, y), dims, (), repeats)

    def dense_backward(self, step):
        x, kernel, dz, dx, dkernel, dbias = step.operands
        dims = (*kernel.shape, 0, self.shared(dkernel))
        if self.out.layout == "lanes":
            return self.emit("dense_backward_lanes", (x, kernel, dz, dx, dkernel, dbias), dims)
        inputs, outputs = kernel.shape
        transposed = dx and self.pack(
            "pack_panels_transposed", kernel, self.sizes.panels(outputs, inputs)
        )
        repeats = repeats_of(x)
        size = self.sizes.workspace(inputs, outputs, self.rows * repeats)
        workspace = Scratch("work", size, False)
        operands = (x, transposed, dz, dx, dkernel, dbias, workspace)
        return self.emit("dense_backward_rows", operands, dims, (), repeats)

    def plain(self, step):
        """Steps whose kernels want the columns of the first operand that is there, and no more."""
        first = next(o for o in step.operands if o is not None)
        repeats = repeats_of(first) if step.op in LAST_AXIS else 1
        dims = [first.columns * first.times // self.times // repeats]
        if "activation" in step.attributes:
            dims.append(self.tables["activations"].index(step.attributes["activation"]))
        if "salt" in step.attributes:
            dims += [step.attributes["salt"], own_seed(step.attributes["seed"])]
        constants = [step.attributes[k] for k in CONSTANTS if k in step.attributes]
        name = {"dropout_forward": "dropout", "dropout_backward": "dropout"}.get(step.op, step.op)
        self.emit(name + self.suffix, step.operands, dims, constants, repeats)

    def turn_inputs(self):
        for external in self.program.externals:
            if not any(external is o for s in self.program.steps for o in s.operands):
                continue
            self.turned[external] = Scratch("work", external.columns)
            if not _written_by(self.program.steps, external):
                self.emit("rows_to_lanes", (external, self.turned[external]), (external.columns,))

    def turn_outputs(self):
        for external, scratch in self.turned.items():
            if _written_by(self.program.steps, external):
                self.emit("lanes_to_rows", (scratch, external), (external.columns,))

    def run(self) -> Lowered:
        turning = self.out.layout == "lanes" and not self.staged
        if turning:
            self.turn_inputs()
        begin, counting = len(self.out.steps), []
        wanted = {id(step) for step in self.program.counting}
        for step in self.program.steps:
            first, self.times = len(self.out.steps), step.times
            self.lower(step)
            if id(step) in wanted:
                counting += range(first, len(self.out.steps))
        self.times = 1
        for i in range(begin, len(self.out.steps)):
            self.out.steps[i] = self._with_turned(self.out.steps[i])
        if turning:
            self.turn_outputs()
        self._place()
        self.out.counting = [self.out.steps[i] for i in counting]
        self.out.steps = [k for k in self.out.steps if not k.name.startswith("count_places")]
        return self.out

    def lower(self, step):
        if step.op in LOWERINGS:
            LOWERINGS[step.op](self, step)
        else:
            getattr(self, step.op, self.plain)(step)

    def _with_turned(self, kernel: Kernel) -> Kernel:
        operands = tuple(self.turned.get(o, o) for o in kernel.operands)
        return replace(kernel, operands=operands)

    def _place(self):
        lifetimes: dict = {}
        for i, step in enumerate(self.out.steps):
            for operand in step.operands:
                if operand is not None and operand.space == "work":
                    lifetimes[operand] = (lifetimes.get(operand, (i, i))[0], i)
        sizes = {b: b.columns * b.times * (self.out.rows if b.rows else 1) for b in lifetimes}
        offsets, self.out.work = plan(lifetimes, sizes)

        def address(operand):
            if operand is None:
                return None
            if operand.space == "external":
                return (EXTERNAL + operand.offset, 0)
            return (SPACES[operand.space], offsets.get(operand, operand.offset))

        for steps in (self.out.prepare, self.out.steps):
            steps[:] = [replace(k, operands=tuple(map(address, k.operands))) for k in steps]


def _written_by(steps, external) -> bool:
    """Whether a step of a predict program ends in it: outputs are last operands."""
    return any(step.operands[-1] is external for step in steps)


def lower(program, layout: str, rows: int, sizes, tables, staged: bool = True) -> Lowered:
    """``program`` in ``layout`` for sub-batches of at most ``rows`` rows.

    sizes: wide(I,O), panels(I,O), workspace(I,O,rows) of the level; tables: the names that become
    numbers in kernels (of activations and of each loss op), in the kernels' order.
    """
    return _Lowering(program, layout, rows, sizes, tables, staged).run()
