"""Initial weights by name, drawn from a NumPy generator: the same seed gives the same bits.

Fans of a kernel (..., I, O) are the numbers of inputs and outputs of one unit.
"""

from math import prod, sqrt

import numpy as np

from respnet.engine.errors import SpecError


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) < 2:
        return (prod(shape), prod(shape))
    window = prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def _uniform(limit: float, shape, rng) -> np.ndarray:
    return rng.uniform(-limit, limit, shape)


_DRAW = {
    "zeros": lambda shape, rng: np.zeros(shape),
    "ones": lambda shape, rng: np.ones(shape),
    # Glorot and Bengio 2010; He et al. 2015; LeCun et al. 1998
    "glorot_uniform": lambda shape, rng: _uniform(sqrt(6 / sum(_fans(shape))), shape, rng),
    "glorot_normal": lambda shape, rng: rng.normal(0, sqrt(2 / sum(_fans(shape))), shape),
    "he_uniform": lambda shape, rng: _uniform(sqrt(6 / _fans(shape)[0]), shape, rng),
    "he_normal": lambda shape, rng: rng.normal(0, sqrt(2 / _fans(shape)[0]), shape),
    "lecun_uniform": lambda shape, rng: _uniform(sqrt(3 / _fans(shape)[0]), shape, rng),
    "lecun_normal": lambda shape, rng: rng.normal(0, sqrt(1 / _fans(shape)[0]), shape),
    # starts nearly linear; RPROP grows what the rows ask for (docs/accuracy.md)
    "small_uniform": lambda shape, rng: _uniform(0.25 * sqrt(3 / _fans(shape)[0]), shape, rng),
    # the range of the original Neural Redis, whatever the fan-in
    "uniform_0.05": lambda shape, rng: _uniform(0.05, shape, rng),
}
NAMES = tuple(_DRAW)


def draw(name: str, shape: tuple[int, ...], rng: "np.random.Generator") -> np.ndarray:
    """An array of ``shape`` drawn by the initialiser ``name``."""
    if name not in _DRAW:
        raise SpecError(f"initializer must be one of {', '.join(NAMES)}, got {name!r}")
    return _DRAW[name](shape, rng)
