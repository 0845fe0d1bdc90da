"""Number types of parameters and programs."""

import numpy as np

from respnet.engine.errors import SpecError

FLOATS = {"float32": np.dtype(np.float32), "float64": np.dtype(np.float64)}


def float_dtype(name: str) -> np.dtype:
    """The NumPy dtype of a program's dtype, ``float32`` or ``float64``."""
    if name not in FLOATS:
        raise SpecError(f"dtype must be float32 or float64, got {name!r}")
    return FLOATS[name]
