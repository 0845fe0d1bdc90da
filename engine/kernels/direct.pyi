from collections.abc import Sequence

import numpy

def vector_bytes(level: str) -> int: ...
def ops(level: str) -> list[str]: ...
def activation_names(level: str = ...) -> list[str]: ...
def call(
    level: str,
    op: str,
    dtype: object,
    operands: Sequence[numpy.ndarray | None],
    dims: Sequence[int] = (),
    constants: Sequence[float] = (),
    *,
    rows: int = 1,
    first_row: int = 0,
    batch: int | None = None,
    seed: int = 0,
    t: int = 1,
    repeat: int = 1,
    loss: float = 0,
    previous_loss: float = 0,
) -> tuple[float, float, float]: ...
