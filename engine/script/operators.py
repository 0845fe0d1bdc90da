"""Signs of the language on any two values: + - * / // % ** @ & | ^, comparisons, truth."""

import operator

import numpy as np

from respnet.engine.errors import DtypeError, ShapeError
from respnet.engine.script.table import METHODS, TORCH, call
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
IN_PLACE = {"+": "add_", "-": "sub_", "*": "mul_", "/": "div_", "%": "remainder_"}


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


def augmented(budget, sign, x, y):
    """x sign= y -> x itself with other numbers or items where TorchScript changes it, else new."""
    if isinstance(x, np.ndarray) and sign in IN_PLACE:
        return call(METHODS[IN_PLACE[sign]], budget, (x, y), {})
    if sign == "+" and type(x) is type(y) is list:
        budget.step(len(y))
        x.extend(y)
        return x
    return binary(budget, sign, x, y)


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
