"""Tensor ops as rows of a table: name, function, gradient, and what the function wants.

A function works on plain arrays, NumPy's or CuPy's: NumPy's functions hand CuPy's arrays on. Its
gradient stands directly below it and takes (dy, y, the same arguments): one gradient for each
array argument, or a function without arguments that makes it, called where it is wanted. Given a
Tensor an op gives a Tensor, and a tape that watches it notes the step.

Python numbers are weak, as in NumPy (NEP 50): float32 stays float32. NaN and infinity come without
warnings.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from respnet.engine.errors import DtypeError, EngineError, ShapeError
from respnet.engine.gpu.arrays import is_cupy

LIST = -1  # the one array argument is a list of arrays


@dataclass
class Op:
    """One row. arrays: how many arguments, from the first on, are arrays (or LIST).

    gradient: None where there is none; "parts" where the op is made of others that have theirs.
    """

    name: str
    function: Callable
    wants: str
    arrays: int
    gradient: Callable | str | None = None
    call: Callable | None = None

    @property
    def summary(self) -> str:
        return (self.function.__doc__ or "").partition("\n")[0].rstrip(".")

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self.function)


OPS: dict[str, Op] = {}


class Holder:
    """What stands for an array in an op: a Tensor, or a weight of a user's own layer."""

    def tensor(self):
        """The Tensor or the plain array it stands for now."""
        raise NotImplementedError


class Symbolic(Holder):
    """What will be an array: an op on it is noted, not done."""

    def traced(self, row: Op, args, options):
        """What stands for the op's result; args in the order of its function."""
        raise NotImplementedError


def op(wants: str, arrays: int = 1):
    """Decorator: a function on plain arrays becomes an op."""

    def decorate(function):
        row = OPS[function.__name__] = Op(function.__name__, function, wants, arrays)

        @functools.wraps(function)
        def call(*args, **options):
            return apply(row, args, options)

        row.call = call
        return call

    return decorate


def gradient_of(call):
    """Decorator: the gradient of the op above."""

    def decorate(backward):
        OPS[call.__name__].gradient = backward
        return backward

    return decorate


def composed(function):
    """Decorator: an op that calls others, and so has their gradients."""
    name = function.__name__
    OPS[name] = Op(name, function, "", 0, "parts", function)
    return function


def constant(function):
    """Decorator: an op whose result depends on no number of an array."""
    name = function.__name__
    OPS[name] = Op(name, function, "", 0, None, function)
    return function


# --- applying -------------------------------------------------------------------------------


def apply(row: Op, args, options):
    """The op on these arguments of its function."""
    if row.arrays == LIST or len(args) < row.arrays:
        args, options = _positional(row, args, options)
    given = list(args[0] if row.arrays == LIST else args[: row.arrays])
    for x in given:
        if isinstance(x, Symbolic):
            return x.traced(row, args, options)
    given = [_held(x) for x in given]
    rest = args[1:] if row.arrays == LIST else args[row.arrays :]
    holders = [x for x in given if isinstance(x, Holder)]
    values = [_array(row, x.value if isinstance(x, Holder) else x) for x in given]
    plain = ([values] if row.arrays == LIST else values) + list(rest)
    try:
        with np.errstate(all="ignore"):
            y = row.function(*plain, **options)
    except EngineError:
        raise
    except (ValueError, TypeError, IndexError, OverflowError) as problem:
        raise _refused(row, values, rest, options, problem) from None
    return holders[0].noted(row, given, plain, options, y, holders) if holders else y


def _positional(row: Op, args, options):
    """Arrays given by name go to their places; a wrong call is an ordinary TypeError."""
    bound = row.signature.bind(*args, **options)
    return bound.args, bound.kwargs


def _held(x):
    return x.tensor() if isinstance(x, Holder) else x


def _array(row: Op, x):
    """An array of numbers; Python's own numbers stay weak."""
    if type(x) in (float, int, bool) or x is None or is_cupy(x):
        return x
    try:
        array = np.asarray(x)
    except ValueError:
        raise ShapeError(f"{row.name} got rows of unequal length; it wants {row.wants}") from None
    if array.dtype.kind not in "biuf":
        raise DtypeError(f"{row.name} got {array.dtype}; it wants truth values, integers or floats")
    return array


def described(x) -> str:
    """float32 (2, 3), or the value of what is no array."""
    return f"{x.dtype} {x.shape}" if hasattr(x, "dtype") else repr(x)


def _refused(row: Op, values, rest, options, problem) -> Exception:
    """The error of an op: its name, what it got and what it wants."""
    try:
        row.signature.bind(values, *rest, **options) if row.arrays == LIST else (
            row.signature.bind(*values, *rest, **options)
        )
    except TypeError as wrong_call:
        return TypeError(f"{row.name}: {wrong_call}")
    got = [described(x) for x in values] + [repr(x) for x in rest]
    got += [f"{name}={value!r}" for name, value in options.items()]
    kind = DtypeError if isinstance(problem, TypeError) else ShapeError
    return kind(f"{row.name} got {', '.join(got)}; it wants {row.wants}")
