"""Initial weights, drawn from a NumPy generator: the same seed gives the same bits.

An initializer is a name, or {"name": ..., its arguments}. Fans of a kernel (..., I, O) are the
numbers of inputs and outputs of one unit.
"""

from collections.abc import Mapping
from math import prod, sqrt

import numpy as np

from respnet.engine.errors import SpecError

# standard deviation of a normal distribution cut off at two of its own
_CUT = 0.87962566103423978


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) < 2:
        return (prod(shape), prod(shape))
    window = prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def _zeros(shape, rng):
    return np.zeros(shape)


def _ones(shape, rng):
    return np.ones(shape)


def _constant(shape, rng, value=0.0):
    return np.full(shape, float(value))


def _identity(shape, rng, gain=1.0):
    if len(shape) != 2:
        raise SpecError(f"identity wants a matrix, got shape {shape}")
    return gain * np.eye(*shape)


def _random_uniform(shape, rng, minval=-0.05, maxval=0.05):
    return rng.uniform(minval, maxval, shape)


def _random_normal(shape, rng, mean=0.0, stddev=0.05):
    return rng.normal(mean, stddev, shape)


def _truncated_normal(shape, rng, mean=0.0, stddev=0.05):
    """Normal; what lies beyond two standard deviations is drawn again."""
    values = rng.standard_normal(shape)
    while (outside := np.abs(values) > 2).any():
        values[outside] = rng.standard_normal(int(outside.sum()))
    return mean + stddev * values


def _orthogonal(shape, rng, gain=1.0):
    """Rows or columns orthonormal (Saxe, McClelland and Ganguli 2014)."""
    if len(shape) < 2:
        raise SpecError(f"orthogonal wants a matrix, got shape {shape}")
    rows, columns = prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return gain * (q if rows >= columns else q.T).reshape(shape)


def _variance_scaling(shape, rng, scale=1.0, mode="fan_in", distribution="truncated_normal"):
    """Variance scale / fan, the fan of ``mode``: fan_in, fan_out or fan_avg."""
    fan_in, fan_out = _fans(shape)
    fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    if mode not in fans:
        raise SpecError(f"mode must be one of {', '.join(fans)}, got {mode!r}")
    deviation = sqrt(scale / max(1.0, fans[mode]))
    if distribution == "uniform":
        return rng.uniform(-sqrt(3) * deviation, sqrt(3) * deviation, shape)
    if distribution == "untruncated_normal":
        return rng.normal(0, deviation, shape)
    if distribution == "truncated_normal":
        return _truncated_normal(shape, rng, 0.0, deviation / _CUT)
    raise SpecError(
        "distribution must be uniform, truncated_normal or untruncated_normal, "
        f"got {distribution!r}"
    )


def _scaled(scale: float, mode: str, distribution: str):
    return lambda shape, rng: _variance_scaling(shape, rng, scale, mode, distribution)


def _unit_forget_bias(shape, rng) -> np.ndarray:
    """Gates i, f, c, o: 1 for the forget gate, else 0 (Jozefowicz et al. 2015)."""
    return np.repeat([0.0, 1.0, 0.0, 0.0], shape[0] // 4)


_DRAW = {
    "zeros": _zeros,
    "ones": _ones,
    "constant": _constant,
    "identity": _identity,
    "random_uniform": _random_uniform,
    "random_normal": _random_normal,
    "truncated_normal": _truncated_normal,
    "orthogonal": _orthogonal,
    "variance_scaling": _variance_scaling,
    # Glorot and Bengio 2010; He et al. 2015; LeCun et al. 1998
    "glorot_uniform": _scaled(1.0, "fan_avg", "uniform"),
    "glorot_normal": _scaled(1.0, "fan_avg", "truncated_normal"),
    "he_uniform": _scaled(2.0, "fan_in", "uniform"),
    "he_normal": _scaled(2.0, "fan_in", "truncated_normal"),
    "lecun_uniform": _scaled(1.0, "fan_in", "uniform"),
    "lecun_normal": _scaled(1.0, "fan_in", "truncated_normal"),
    # starts nearly linear; RPROP grows what the rows ask for (docs/accuracy.md)
    "small_uniform": _scaled(0.0625, "fan_in", "uniform"),
    "unit_forget_bias": _unit_forget_bias,
    # the range of the original Neural Redis, whatever the fan-in
    "uniform_0.05": _random_uniform,
}
NAMES = tuple(_DRAW)


def draw(initializer, shape: tuple[int, ...], rng: "np.random.Generator") -> np.ndarray:
    """An array of ``shape`` drawn by an initializer: a name or {"name": ..., arguments}."""
    options = dict(initializer) if isinstance(initializer, Mapping) else {"name": initializer}
    name = options.pop("name", None)
    if name not in _DRAW:
        raise SpecError(f"initializer must be one of {', '.join(NAMES)}, got {name!r}")
    try:
        return _DRAW[name](shape, rng, **options)
    except TypeError as problem:
        raise SpecError(f"initializer {name}: {problem}") from None
