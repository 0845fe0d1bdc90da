"""What a file from a stranger may cost: counted while it is read and while it runs."""

from dataclasses import dataclass
from math import inf, prod

from respnet.engine.errors import LimitError

HELD = "bytes of numbers at once"


@dataclass(frozen=True)
class Limits:
    """bytes: of a file, and of all numbers a run holds at once. fields: of the protobuf.

    nodes: of a graph with all graphs inside it. depth: of messages inside messages. rank: of a
    tensor. steps: nodes one run may execute, loops counted out. varints: bytes of numbers of
    varying length in one list (they unfold to many times that). seconds: of a run, looked at
    after each node.
    """

    bytes: int = 512 << 20
    fields: int = 400_000
    nodes: int = 20_000
    depth: int = 24
    rank: int = 64
    steps: int = 1_000_000
    varints: int = 4 << 20
    seconds: float = inf

    def check(self, name: str, got: int, unit: str) -> None:
        """Refuse ``got`` above the limit of this name."""
        most = getattr(self, name)
        if got > most:
            raise LimitError(f"at most {most:,} {unit}, got {got:,}")


class Budget:
    """What is left of some limits; ``spend`` raises LimitError below zero."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self._spent = dict.fromkeys(("fields", "nodes", "steps"), 0)

    def left(self, name: str) -> int:
        return getattr(self.limits, name) - self._spent[name]

    def spend(self, name: str, count: int = 1) -> None:
        self._spent[name] += count
        if self.left(name) < 0:
            raise LimitError(f"more than {getattr(self.limits, name):,} {name}")


def array_bytes(shape, itemsize: int, limits: Limits) -> int:
    """Bytes of an array of this shape, refused before it is made if they are too many."""
    if len(shape) > limits.rank:
        raise LimitError(f"a tensor has at most {limits.rank} dimensions, got {len(shape)}")
    if any(n < 0 for n in shape):
        raise LimitError(f"a tensor has no negative dimensions, got {tuple(shape)}")
    size = prod(shape) * itemsize
    if size > limits.bytes:
        raise LimitError(
            f"a tensor of shape {tuple(shape)} needs {size:,} bytes, the limit is "
            f"{limits.bytes:,}"
        )
    return size
