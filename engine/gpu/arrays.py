"""The module an array belongs to: NumPy, or CuPy where it lies on a GPU."""

import numpy as np


def is_cupy(x) -> bool:
    return type(x).__module__.partition(".")[0] == "cupy"


def module_of(x):
    """numpy, or cupy for its arrays; cupy is there if there is such an array."""
    if not is_cupy(x):
        return np
    import cupy

    return cupy
