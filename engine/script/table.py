"""The functions of torch a script may call, as rows of a table.

A row's function takes the budget of the run and then torch's arguments by torch's names. Where it
is found: "both" as torch.NAME and as a method of tensors, "torch", or "method"; ``functional``
tells that torch.nn.functional has it too. Only the functions of ``rows_inplace`` change an array;
where torch gives a view of one, so do they, and where it gives a new one.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from respnet.engine.errors import DtypeError, EngineError, ShapeError

WIDEST = 8  # bytes of a number at most


@dataclass(frozen=True)
class Row:
    name: str
    function: Callable
    where: str
    functional: bool = False


TORCH: dict[str, Row] = {}
METHODS: dict[str, Row] = {}
FUNCTIONAL: dict[str, Row] = {}


def row(*names: str, where="both", functional=False):
    """Decorator: the function below serves these names."""

    def decorate(function):
        for name in names:
            one = Row(name, function, where, functional)
            for table, wanted in ((TORCH, where in ("both", "torch")),
                                  (METHODS, where in ("both", "method")),
                                  (FUNCTIONAL, functional)):
                if wanted and table.setdefault(name, one) is not one:
                    raise ValueError(f"two rows for {name}")
        return function

    return decorate


def call(found: Row, budget, args, named):
    """Run a row; arrays of its result are plain arrays that the budget knows."""
    given = (*args, *named.values())
    budget.ask(WIDEST * sum([x.size for x in given if isinstance(x, np.ndarray)]))
    budget.step(sum([len(x) for x in given if isinstance(x, (list, tuple))]))
    try:
        with np.errstate(all="ignore"):
            result = found.function(budget, *args, **named)
    except EngineError as problem:
        text = str(problem)
        named = text.startswith(f"{found.name} got ")  # the engine's op has the same name
        raise type(problem)(text if named else f"{found.name}: {text}") from None
    except (TypeError, ValueError, IndexError, OverflowError, ZeroDivisionError) as problem:
        raise _explained(found, budget, args, named, problem) from None
    return kept(budget, result)


def _explained(found, budget, args, named, problem):
    """A wrong call is told by Python, anything else by the shapes."""
    try:
        inspect.signature(found.function).bind(budget, *args, **named)
    except TypeError as wrong:
        return DtypeError(f"{found.name}: {wrong}")
    if isinstance(problem, ZeroDivisionError):
        return DtypeError(f"{found.name}: division by zero")
    got = ", ".join([described(x) for x in (*args, *named.values())])
    return ShapeError(f"{found.name} cannot be computed from {got}")


def described(value) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)}"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    return repr(value)[:40] if isinstance(value, (int, float, str, type(None))) else str(value)[:40]


def kept(budget, result):
    """NumPy's scalars become arrays without axes; all arrays are counted."""
    if isinstance(result, np.ndarray):
        budget.hold(result)
    elif isinstance(result, np.generic):
        result = np.asarray(result)
        budget.hold(result)
    elif isinstance(result, list):
        budget.step(len(result))
        result = [kept(budget, one) for one in result]
    elif isinstance(result, tuple):
        parts = [kept(budget, one) for one in result]
        result = type(result)(*parts) if hasattr(result, "_fields") else tuple(parts)
    return result


def room(budget, shape, size=WIDEST) -> None:
    """Ask for an array of a shape."""
    if shape and min(shape) < 0:
        raise ShapeError(f"a shape has no negative lengths, got {list(shape)}")
    budget.ask(prod(shape) * size)
