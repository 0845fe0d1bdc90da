from collections.abc import Sequence

import numpy

def vector_bytes(level: str) -> int: ...
def ops(level: str) -> list[str]: ...
def activation_names(level: str = "portable") -> list[str]: ...
def call(
    level: str,
    op: str,
    dtype: object,
    operands: Sequence[numpy.ndarray | None],
    dims: Sequence[int] = (),
    constants: Sequence[float] = (),
    *,
    repeat: int = 1,
    **frame: float,
) -> tuple[float, float, float]: ...
