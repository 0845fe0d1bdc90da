"""Random numbers, from a generator of the run: ``budget.random``."""

import numpy as np

from respnet.engine.errors import DtypeError, ShapeError
from respnet.engine.script.randomness import ROOM
from respnet.engine.script.table import room, row
from respnet.engine.script.values import (
    FLOAT,
    LONG,
    dtype_of,
    integer,
    integers,
    number,
    only_floats,
    tensor,
)

SHUFFLED = 4  # steps that a number of randperm costs
CATEGORIES = 1 << 24  # of multinomial


@row("manual_seed", where="torch")
def manual_seed(budget, seed):
    budget.random.seed(integer(seed))


def _size(budget, shape):
    """How many numbers a shape has; the room to make them is asked for."""
    room(budget, shape, ROOM)
    return int(np.prod(shape, dtype=object))


def _float_type(dtype):
    if dtype_of(dtype).kind != "f":
        raise DtypeError(f"wanted a type of floats, got {dtype}")
    return dtype


def _uniform(budget, shape, dtype):
    count = _size(budget, shape)
    return budget.random.uniform(count, _float_type(dtype)).reshape(shape)


def _normal(budget, shape, dtype, mean=0, std=1):
    count = _size(budget, shape)
    made = budget.random.normal(count, _float_type(dtype)).reshape(shape)
    return np.asarray(made * std + mean, dtype)


@row("rand", where="torch")
def rand(budget, *many, size=None, dtype=FLOAT):
    return _uniform(budget, integers(many, size), dtype or FLOAT)


@row("randn", where="torch")
def randn(budget, *many, size=None, dtype=FLOAT):
    return _normal(budget, integers(many, size), dtype or FLOAT)


@row("rand_like", where="torch")
def rand_like(budget, input, dtype=None):
    return _uniform(budget, tensor(input).shape, dtype or input.dtype)


@row("randn_like", where="torch")
def randn_like(budget, input, dtype=None):
    return _normal(budget, tensor(input).shape, dtype or input.dtype)


@row("normal", where="torch")
def normal(budget, mean, std=1.0, size=None):
    """Of numbers with a size; of tensors one number for each of theirs."""
    given = [only_floats(one) for one in (mean, std) if isinstance(one, np.ndarray)]
    spread = std if isinstance(std, np.ndarray) else np.asarray(number(std))
    if (spread < 0).any():
        raise DtypeError("std is not negative")
    if given and size is not None or not given and size is None:
        raise DtypeError("wanted tensors, or numbers and a size")
    if not given:
        return _normal(budget, integers((size,)), FLOAT, number(mean), std)
    shape = np.broadcast_shapes(*[one.shape for one in given])
    return _normal(budget, shape, given[0].dtype, mean, std)


@row("randint", where="torch")
def randint(budget, *many, low=None, high=None, size=None, dtype=LONG):
    """randint(high, size), randint(low, high, size)"""
    first, end, shape = _range_and_size(many, low, high, size)
    dtype = dtype_of(dtype) or LONG
    if first >= end:
        raise ShapeError(f"there is no whole number from {first} to below {end}")
    if dtype.kind != "f" and not np.can_cast(LONG, dtype):
        _check_range(first, end, dtype)
    count = _size(budget, shape)
    found = budget.random.below(end - first, count) + np.uint64(first % (1 << 64))
    return found.astype(LONG).astype(dtype).reshape(shape)


def _range_and_size(many, low, high, size):
    many = list(many)
    if size is None and many and isinstance(many[-1], (list, tuple)):
        size = many.pop()
    numbers = [*many, *[one for one in (low, high) if one is not None]]
    if size is None or not 1 <= len(numbers) <= 2:
        raise DtypeError("wanted high and size, or low, high and size")
    first, end = (0, *map(integer, numbers))[-2:]
    return first, end, integers((size,))


def _check_range(first, end, dtype):
    least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if first < least or end - 1 > most:
        raise DtypeError(f"{dtype} does not hold all from {first} to below {end}")


@row("randperm", where="torch")
def randperm(budget, n, dtype=LONG):
    if integer(n) < 0:
        raise ShapeError(f"wanted a number of at least 0, got {n}")
    budget.step(SHUFFLED * n)
    room(budget, (n,), ROOM)
    return np.array(budget.random.order(n), dtype_of(dtype) or LONG)


# --- by chances ---------------------------------------------------------------------------------


def _happens(budget, shape, chance):
    """Which of a shape happen; a chance for all, or one for each as an array of floats."""
    dtype = chance.dtype if isinstance(chance, np.ndarray) else np.dtype(np.float64)
    return budget.random.uniform(_size(budget, shape), dtype).reshape(shape) < chance


def _probability(p):
    if not 0 <= number(p) <= 1:
        raise DtypeError(f"a probability is from 0 to 1, got {p}")
    return p


@row("bernoulli")
def bernoulli(budget, input, p=None):
    """1 with the chance p, or with chances that are the tensor's own."""
    x = tensor(input)
    if p is not None:
        return _happens(budget, x.shape, _probability(p)).astype(x.dtype)
    if not ((only_floats(x) >= 0) & (x <= 1)).all():
        raise DtypeError("probabilities are from 0 to 1")
    return _happens(budget, x.shape, x).astype(x.dtype)


@row("multinomial")
def multinomial(budget, input, num_samples, replacement=False):
    """Places along the last dimension, by weights; each at most once without replacement."""
    x = only_floats(input)
    if x.ndim not in (1, 2) or not 1 <= x.shape[-1] <= CATEGORIES:
        raise ShapeError(f"wanted weights of 1 or 2 dimensions, got {list(x.shape)}")
    if integer(num_samples) < 1 or not replacement and num_samples > x.shape[-1]:
        raise ShapeError(f"there are no {num_samples} places to draw among {x.shape[-1]}")
    weights = x if x.ndim == 2 else x[None]
    if not (np.isfinite(weights) & (weights >= 0)).all() or not weights.sum(-1).all():
        raise DtypeError("weights are numbers from 0 on, and not all are 0")
    draw = _with_replacement if replacement else _once
    found = draw(budget, weights, num_samples)
    return found if x.ndim == 2 else found[0]


def _once(budget, weights, count):
    """The largest of weights divided by exponential numbers."""
    u = budget.random.uniform(_size(budget, weights.shape), np.dtype(np.float64))
    waits = -np.log1p(-u).reshape(weights.shape).astype(weights.dtype)
    budget.work(16 * weights.size)
    return np.argsort(-(weights / waits), -1, kind="stable")[:, :count].astype(LONG)


def _with_replacement(budget, weights, count):
    """Where uniform numbers fall among the sums of the weights."""
    shape = (len(weights), count)
    u = budget.random.uniform(_size(budget, shape), np.dtype(np.float64)).reshape(shape)
    sums = np.cumsum(weights, -1)
    sums /= sums[:, -1:]
    budget.step(len(weights))
    budget.work(16 * u.size)
    return np.array([np.searchsorted(one, numbers) for one, numbers in zip(sums, u, strict=True)],
                    LONG).reshape(shape)


@row("dropout", where="functional", functional=True)
def dropout(budget, input, p=0.5, training=True):
    """Of a training: numbers become 0 with the chance p, the others grow to make up for it."""
    x = tensor(input)
    if not _probability(p) or not training:
        return x
    if x.dtype.kind != "f":
        raise DtypeError(f"wanted a Tensor of floats, got one of {x.dtype}")
    kept = _happens(budget, x.shape, 1 - p)
    return x * (kept / x.dtype.type(1 - p if p < 1 else 1)).astype(x.dtype)


row("dropout", where="torch")(lambda budget, input, p, train: dropout(budget, input, p, train))
