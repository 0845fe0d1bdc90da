"""Functions of Python a script may call by their names, and methods of lists and strings."""

import numpy as np

from respnet.engine.errors import DtypeError, EngineError, ShapeError
from respnet.engine.script.operators import compare, truth
from respnet.engine.script.table import METHODS, TORCH, call
from respnet.engine.script.values import is_number, kind_name, tensor, whole

PAIR_STEPS = 3  # what a pair costs
MOST_LETTERS = 400  # of a string that becomes a number


def length(budget, x):
    if isinstance(x, np.ndarray):
        if not x.ndim:
            raise ShapeError("a tensor without dimensions has no length")
        return x.shape[0]
    if not isinstance(x, (list, tuple, str, range)):
        raise DtypeError(f"len wants a List, a Tensor or a str, got {kind_name(x)}")
    return len(x)


def _number(convert, name):
    def apply(budget, x=0):
        if isinstance(x, np.ndarray):
            x = call(METHODS["item"], budget, (x,), {})
        if type(x) is str and len(x) > MOST_LETTERS or not (is_number(x) or type(x) is str):
            raise DtypeError(f"{name} wants a number or a str, got {kind_name(x)}")
        try:
            value = convert(x)
        except (ValueError, OverflowError):
            raise DtypeError(f"{str(x)[:40]!r} is no {name}") from None
        return whole(value) if name == "int" else value

    return apply


def to_bool(budget, x=False):
    return truth(x)


def to_str(budget, x=""):
    if not (is_number(x) or type(x) is str):
        raise DtypeError(f"str wants a number or a str, got {kind_name(x)}")
    budget.write(24)
    return str(x)


def to_list(budget, x=()):
    budget.step(length(budget, x))
    return list(items_of(budget, x))


def items_of(budget, x):
    """What a for loop goes over."""
    if isinstance(x, np.ndarray):
        return call(TORCH["unbind"], budget, (x,), {})
    if not isinstance(x, (list, tuple, str, range)):
        raise DtypeError(f"a for loop wants range, a List or a Tensor, got {kind_name(x)}")
    return x


def _extreme(sign, name):
    def apply(budget, *values):
        if len(values) == 1 and isinstance(values[0], (list, tuple)):
            values = values[0]
        elif len(values) == 1 or isinstance(values and values[0], np.ndarray):
            return call(TORCH[name], budget, values, {})
        if not values:
            raise DtypeError(f"{name} wants at least one value")
        budget.step(len(values))
        best = values[0]
        for value in values[1:]:
            best = value if truth(compare(budget, sign, value, best)) else best
        return best

    return apply


def absolute(budget, x):
    if is_number(x):
        return whole(abs(x)) if type(x) is not float else abs(x)
    return call(TORCH["abs"], budget, (x,), {})


def total(budget, x):
    """Of a list of numbers, or of a tensor."""
    if isinstance(x, np.ndarray):
        return call(TORCH["sum"], budget, (x,), {})
    if type(x) is not list or not all([is_number(one) for one in x]):
        raise DtypeError(f"sum wants a Tensor or a List of numbers, got {kind_name(x)}")
    budget.step(len(x))
    result = sum(x)
    return whole(result) if type(result) is int else result


def rounded(budget, x):
    if is_number(x):
        return float(round(x))  # a float, as in TorchScript
    return call(TORCH["round"], budget, (x,), {})


def ignored(budget, *values):
    """print: a server has nobody to show it to."""


def span(budget, *limits):
    if not 1 <= len(limits) <= 3:
        raise DtypeError(f"range wants 1 to 3 ints, got {len(limits)}")
    for limit in limits:
        if type(limit) is not int:
            raise DtypeError(f"range wants ints, got {kind_name(limit)}")
    if len(limits) == 3 and not limits[2]:
        raise DtypeError("range wants a step other than 0")
    return range(*limits)


def numbered(budget, x, start=0):
    """enumerate, as a list."""
    budget.step(PAIR_STEPS * length(budget, x))
    return list(enumerate(items_of(budget, x), start))


def together(budget, *values):
    """zip, as a list."""
    lists = [items_of(budget, x) for x in values]
    budget.step(PAIR_STEPS * min([len(one) for one in lists], default=0))
    return list(zip(*lists, strict=False))


BUILTINS = {
    "len": length, "int": _number(int, "int"), "float": _number(float, "float"), "bool": to_bool,
    "str": to_str, "list": to_list, "min": _extreme("<", "min"), "max": _extreme(">", "max"),
    "abs": absolute, "sum": total, "round": rounded, "print": ignored, "range": span,
    "enumerate": numbered, "zip": together,
}


# --- lists and strings ------------------------------------------------------------------------


def _append(budget, x, value):
    budget.step()
    x.append(value)


def _extend(budget, x, values):
    values = items_of(budget, values)
    budget.step(len(values))
    x.extend(values)


def _insert(budget, x, place, value):
    budget.step(1 + len(x) // 64)
    x.insert(_place(place), value)


def _pop(budget, x, place=-1):
    if not -len(x) <= _place(place) < len(x):
        raise ShapeError(f"there is no place {place} among {len(x)}")
    budget.step(1 + len(x) // 64)
    return x.pop(place)


def _place(place):
    if type(place) is not int:
        raise DtypeError(f"a place is an int, got {kind_name(place)}")
    return place


def _copy(budget, x):
    budget.step(len(x))
    return x.copy()


def _reverse(budget, x):
    budget.step(len(x))
    x.reverse()


def _clear(budget, x):
    x.clear()


def _of_text(name):
    def apply(budget, x, *words):
        if len(words) > 1 or not all([type(word) is str for word in words]):
            raise DtypeError(f"{name} wants at most one str")
        budget.write(len(x))
        if name == "split":
            budget.step(1 + len(x))  # as many words as letters, at most
        return getattr(str, name)(x, *words)

    return apply


OF_LISTS = {"append": _append, "extend": _extend, "insert": _insert, "pop": _pop, "copy": _copy,
            "reverse": _reverse, "clear": _clear}
OF_STRINGS = {name: _of_text(name)
              for name in ("lower", "upper", "strip", "split", "startswith", "endswith")}


def method(budget, x, name, args, named):
    """x.name(...)"""
    if isinstance(x, np.ndarray) and name in METHODS:
        return call(METHODS[name], budget, (tensor(x), *args), named)
    table = OF_LISTS if type(x) is list else OF_STRINGS if type(x) is str else {}
    if name not in table or named:
        raise DtypeError(f"{kind_name(x)} has no method {name!r}")
    return called(name, table[name], budget, (x, *args), {})


def called(name, function, budget, args, named):
    """A function of these tables; wrong arguments are told by its name."""
    try:
        return function(budget, *args, **named)
    except EngineError:
        raise
    except TypeError:
        raise DtypeError(f"{name} cannot be called with these arguments") from None


def method_names():
    return {*METHODS, *OF_LISTS, *OF_STRINGS}
