"""Signs of the language on any two values: + - * / // % ** @ & | ^, comparisons, truth, places."""

import operator
from math import prod

import numpy as np

from respnet.engine.errors import DtypeError, ShapeError
from respnet.engine.script.table import TORCH, call, kept, room
from respnet.engine.script.values import is_number, kind_name, tensor, whole

SIGNS = {  # sign -> row for tensors
    "+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floor_divide", "%": "remainder",
    "**": "pow", "@": "matmul", "&": "bitwise_and", "|": "bitwise_or", "^": "bitwise_xor",
}
COMPARISONS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
OF_NUMBERS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "&": operator.and_, "|": operator.or_,
    "^": operator.xor, "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}
INDEX = (int, slice, type(None), type(...), np.ndarray)


def _unfit(sign, x, y):
    return DtypeError(f"{sign} does not work on {kind_name(x)} and {kind_name(y)}")


def _numbers(sign, x, y):
    if sign in ("/", "//", "%") and not y:
        raise DtypeError("division by zero")
    if sign == "**":
        return _power(x, y)
    if sign in "&|^" and float in (type(x), type(y)) or sign == "@":
        raise _unfit(sign, x, y)
    result = OF_NUMBERS[sign](x, y)
    return whole(result) if type(result) is int else result


def _power(x, y):
    """A float, as in TorchScript."""
    try:
        result = float(x) ** float(y)
    except (OverflowError, ZeroDivisionError):
        raise DtypeError(f"{x} ** {y} is no number") from None
    if type(result) is complex:
        raise DtypeError(f"{x} ** {y} is no real number")
    return result


def binary(budget, sign, x, y):
    """x sign y"""
    if is_number(x) and is_number(y):
        return _numbers(sign, x, y)
    if isinstance(x, np.ndarray) or isinstance(y, np.ndarray):
        return call(TORCH[SIGNS[sign]], budget, (x, y), {})
    if sign == "+" and type(x) is type(y) is str:
        budget.write(len(x) + len(y))
        return x + y
    if sign == "+" and type(x) is type(y) and isinstance(x, (list, tuple)):
        budget.step(len(x) + len(y))
        return x + y
    if sign == "*" and {type(x), type(y)} == {list, int}:
        budget.step(_length(x) * _length(y))
        return x * y
    raise _unfit(sign, x, y)


def _length(x):
    return max(x, 0) if type(x) is int else len(x)


def compare(budget, sign, x, y):
    if isinstance(x, np.ndarray) or isinstance(y, np.ndarray):
        return call(TORCH[COMPARISONS[sign]], budget, (x, y), {})
    if is_number(x) and is_number(y) or type(x) is type(y) is str:
        return OF_NUMBERS[sign](x, y)
    if sign in ("==", "!="):
        return equal(budget, x, y) == (sign == "==")
    raise _unfit(sign, x, y)


def equal(budget, x, y):
    """Of anything; lists of tensors are refused, as their equality is no single truth."""
    if isinstance(x, np.ndarray) or isinstance(y, np.ndarray):
        raise DtypeError("lists of tensors cannot be compared")
    if type(x) is type(y) and isinstance(x, (list, tuple)):
        budget.step(len(x))
        return len(x) == len(y) and all(
            [equal(budget, a, b) for a, b in zip(x, y, strict=True)])
    return x == y


def contains(budget, x, y):
    """x in y"""
    if type(y) is str and type(x) is str:
        budget.step(1 + len(y) // 64)
        return x in y
    if not isinstance(y, (list, tuple)):
        raise DtypeError(f"in wants a List, got {kind_name(y)}")
    budget.step(len(y))
    return any([equal(budget, x, one) for one in y])


def negative(budget, x):
    if is_number(x):
        return whole(-x) if type(x) is not float else -x
    return call(TORCH["neg"], budget, (x,), {})


def positive(budget, x):
    return x if is_number(x) else tensor(x)


def inverted(budget, x):
    return ~x if type(x) is int else call(TORCH["bitwise_not"], budget, (x,), {})


def truth(x) -> bool:
    if isinstance(x, np.ndarray):
        if tensor(x).size != 1:
            raise ShapeError(f"a condition wants one number, got a Tensor of {x.size}")
        return bool(x)
    if not is_number(x):
        raise DtypeError(f"a condition wants bool, int, float or Tensor, got {kind_name(x)}")
    return bool(x)


# --- places -------------------------------------------------------------------------------------


def at(budget, x, index):
    """x[index]"""
    if isinstance(x, np.ndarray):
        places = _indices(budget, tensor(x), index)
        try:
            return kept(budget, np.asarray(x[places]))
        except IndexError:
            raise ShapeError(f"there is no such place in a Tensor of shape {list(x.shape)}"
                             ) from None
    if not isinstance(x, (list, tuple, str)):
        raise DtypeError(f"{kind_name(x)} has no places")
    if isinstance(index, np.ndarray) and index.size == 1 and index.dtype.kind in "iu":
        index = index.item()
    if type(index) not in (int, slice):
        raise DtypeError(f"a place is an int, got {kind_name(index)}")
    if type(index) is int and not -len(x) <= index < len(x):
        raise ShapeError(f"there is no place {index} among {len(x)}")
    part = x[index]
    budget.step(len(part) if type(index) is slice else 1)
    return part


def _indices(budget, x, index):
    pieces = [_piece(one) for one in (index if isinstance(index, tuple) else (index,))]
    chosen = [one for one in pieces if isinstance(one, np.ndarray)]
    axes = sum([one.ndim if isinstance(one, np.ndarray) and one.dtype.kind == "b"
                else one is not None and one is not ... for one in pieces])
    if axes > x.ndim or sum([one is ... for one in pieces]) > 1:
        raise ShapeError(f"too many places for a tensor of {x.ndim} dimensions")
    for one in pieces:
        if type(one) is slice and (one.step or 1) < 1:
            raise ShapeError("the step of a slice must be greater than zero")
    if chosen:
        room(budget, _bound(x, chosen), x.itemsize)
    return tuple(pieces)


def _piece(one):
    if isinstance(one, list):
        one = np.array(one) if one else np.zeros(0, np.int64)
    if type(one) not in INDEX or isinstance(one, np.ndarray) and one.dtype.kind not in "biu":
        raise DtypeError(f"a place is an int, a slice, None, ... or a Tensor of whole numbers or "
                         f"truth values, got {kind_name(one)}")
    return one


def _bound(x, chosen):
    """A shape at least as large as the result of a choice by arrays."""
    if any([one.dtype.kind == "b" for one in chosen]):
        return (x.size,) if len(chosen) == 1 else (x.size, max([one.size for one in chosen]))
    try:
        picked = np.broadcast_shapes(*[one.shape for one in chosen])
    except ValueError:
        raise ShapeError("the shapes of the places do not broadcast") from None
    rest = sorted(x.shape)[len(chosen) :]  # the longest axes may be the ones that stay
    return (prod(picked), prod(rest))


def put(budget, x, index, value):
    """x[index] = value, of lists only: tensors never change."""
    if isinstance(x, np.ndarray):
        raise DtypeError("a tensor cannot be changed; make a new one, with torch.where or "
                         "torch.cat")
    if type(x) is not list:
        raise DtypeError(f"{kind_name(x)} cannot be changed")
    if type(index) is not int:
        raise DtypeError(f"a place is an int, got {kind_name(index)}")
    if not -len(x) <= index < len(x):
        raise ShapeError(f"there is no place {index} among {len(x)}")
    x[index] = value
