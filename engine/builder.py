"""Buffers, steps, and the builder that layer recipes write them into."""

from contextlib import contextmanager
from dataclasses import dataclass
from math import prod

from respnet.engine.ops import OPS

PARAMETERS, GRADIENTS, WORK, EXTERNAL = "parameters", "gradients", "work", "external"
NOWHERE = "nowhere"  # of gradients that nobody wants


class Buffer:
    """A place for numbers: ``rows`` says whether it has one set of ``shape`` per row of the batch.

    offset: within the flat vector (parameters, gradients) or the number of the external. times:
    sets of ``shape`` per row of the batch, where steps of time are treated as rows.
    """

    __slots__ = ("offset", "rows", "shape", "space", "times")

    def __init__(self, space: str, shape, rows: bool = True, offset: int = 0, times: int = 1):
        self.space, self.shape, self.rows, self.offset = space, tuple(shape), rows, offset
        self.times = times

    @property
    def columns(self) -> int:
        """Numbers per row, or in all where there is one set only."""
        return prod(self.shape)

    def __repr__(self):
        return f"{self.space}{self.shape}@{self.offset}"


@dataclass(frozen=True)
class Step:
    """One op with its operands (None: an optional one is absent) and its attributes.

    times: how many rows one row of the batch is to this step (TimeDistributed).
    """

    op: str
    operands: tuple
    attributes: dict
    times: int = 1


class Builder:
    """What layer recipes write into. trainable: length of the gradient vector."""

    def __init__(self, training: bool, trainable: int = 0):
        self.training, self._trainable = training, trainable
        self.steps: list[Step] = []
        self.masks: dict[Buffer, Buffer] = {}  # of sequences (B,T,...): (B,T,1), 0 where masked
        self.inner_masks: dict[Buffer, Buffer] = {}  # of what TimeDistributed gave: of its steps
        self.times = 1
        self._salts = 0

    def buffer(self, shape) -> Buffer:
        """A new work buffer of (B, *shape)."""
        return Buffer(WORK, shape, times=self.times)

    def single(self, shape) -> Buffer:
        """A new work buffer of one set of numbers for all rows."""
        return Buffer(WORK, shape, rows=False)

    @contextmanager
    def each_of(self, times: int):
        """Within it a row of the batch (T,N) is ``times`` rows (N) to every step."""
        before, self.times = self.times, self.times * times
        yield
        self.times = before

    def step(self, op: str, *operands, **attributes) -> None:
        """Emit one step, checked against the contract."""
        row = OPS[op]
        if len(operands) != len(row.operands) or set(attributes) != set(row.attributes):
            raise TypeError(
                f"{op} takes {[o.name for o in row.operands]} and {row.attributes}, "
                f"got {len(operands)} operands and {sorted(attributes)}"
            )
        operands = tuple(map(_kept, row.operands, operands))
        written = [b for o, b in zip(row.operands, operands, strict=True) if o.written]
        if not written or any(b is not None for b in written):
            self.steps.append(Step(op, operands, attributes, self.times))

    def row(self, parameter: Buffer, i: int) -> Buffer:
        """Row i of a parameter, as a parameter of its own."""
        shape = parameter.shape[1:]
        return Buffer(parameter.space, shape, False, parameter.offset + i * prod(shape))

    def gradient(self, parameter: Buffer | None) -> Buffer | None:
        """Where the gradient of a parameter is added: the same place in the gradient vector.

        That of a constant goes nowhere: executors leave out what they can of it.
        """
        if parameter is None:
            return None
        space = GRADIENTS if parameter.offset < self._trainable else NOWHERE
        return Buffer(space, parameter.shape, False, parameter.offset)

    def salt(self) -> int:
        """A number of its own for every random step."""
        self._salts += 1
        return self._salts

    def pass_mask(self, layer, x: Buffer, y: Buffer) -> None:
        """The mask of a layer's input holds for its output, if the layer keeps time."""
        if layer.keeps_time and x in self.masks:
            self.masks.setdefault(y, self.masks[x])

    def hide(self, y: Buffer, mask: Buffer, x: Buffer) -> None:
        """y, made of x, is masked where ``mask`` says and where x is."""
        self.masks[y] = mask
        if x in self.masks:
            self.masks[y] = self.buffer(mask.shape)
            self.step("multiply", mask, self.masks[x], self.masks[y])

    def copy(self, x: Buffer) -> Buffer:
        y = self.buffer(x.shape)
        self.step("copy", x, y)
        return y


def _kept(operand, buffer: Buffer | None) -> Buffer | None:
    """A gradient that goes nowhere is None, or lost in work memory where an op must write it."""
    if buffer is None or buffer.space != NOWHERE:
        return buffer
    return None if operand.optional else Buffer(WORK, buffer.shape, False)
