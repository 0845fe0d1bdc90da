"""Values of a script: arrays, Python's numbers, strings, lists and tuples; torch's types.

torch promotes by category (bool < whole numbers < floats): an operand of a higher category
decides, and of one category arrays with axes go before arrays without, these before numbers.
A whole number meets a float array as that array's type; a Python float is float32.
"""

from collections import namedtuple

import numpy as np

from respnet.engine.errors import DtypeError, ShapeError

Pair = namedtuple("Pair", "values indices")  # what max, min, sort and topk along an axis give

FLOAT = np.dtype(np.float32)
LONG = np.dtype(np.int64)
BOOL = np.dtype(np.bool_)
DTYPES = {
    "float32": FLOAT, "float": FLOAT, "float64": np.dtype(np.float64),
    "double": np.dtype(np.float64), "int8": np.dtype(np.int8), "int16": np.dtype(np.int16),
    "short": np.dtype(np.int16), "int32": np.dtype(np.int32), "int": np.dtype(np.int32),
    "int64": LONG, "long": LONG, "uint8": np.dtype(np.uint8), "uint16": np.dtype(np.uint16),
    "bool": BOOL,
}
CATEGORY = {"b": 0, "u": 1, "i": 1, "f": 2}
NAMES = {np.ndarray: "Tensor", int: "int", float: "float", bool: "bool", str: "str",
         list: "List", tuple: "Tuple", Pair: "Tuple", type(None): "None"}
LEAST, MOST = -(2**63), 2**63 - 1
NUMBERS = (int, float, bool)


def kind_name(value) -> str:
    return NAMES.get(type(value)) or ("dtype" if isinstance(value, np.dtype) else "this")


def is_number(value) -> bool:
    return type(value) in NUMBERS


def whole(value: int) -> int:
    """An int of 64 bits, as in TorchScript."""
    if not LEAST <= value <= MOST:
        raise DtypeError("the result does not fit in an int of 64 bits")
    return value


def tensor(value) -> np.ndarray:
    """An array of numbers, or an error."""
    if not isinstance(value, np.ndarray):
        raise DtypeError(f"wanted a Tensor, got {kind_name(value)}")
    if value.dtype.kind not in CATEGORY:
        raise DtypeError("a tensor of strings can only be handed on")
    return value


def floating(value) -> np.ndarray:
    """An array of floats; whole numbers become float32."""
    array = tensor(value)
    return array if array.dtype.kind == "f" else array.astype(FLOAT)


def only_floats(value) -> np.ndarray:
    """An array of floats where torch wants one."""
    array = tensor(value)
    if array.dtype.kind != "f":
        raise DtypeError(f"wanted a Tensor of floats, got one of {array.dtype}")
    return array


def number(value):
    if not is_number(value):
        raise DtypeError(f"wanted a number, got {kind_name(value)}")
    return value


def integer(value) -> int:
    """An int; an array of one whole number will do."""
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "iu":
        return int(value.item())
    if type(value) is not int:
        raise DtypeError(f"wanted an int, got {kind_name(value)}")
    return value


def integers(values, named=None) -> tuple:
    """A shape or axes: one int, a list of ints, ints one by one, or one of these by its name."""
    if named is not None:
        values = (*values, named)
    if len(values) == 1 and isinstance(values[0], (list, tuple)):
        values = values[0]
    return tuple([integer(one) for one in values])


def tensors(values) -> list:
    if not isinstance(values, (list, tuple)) or not values:
        raise DtypeError("wanted a list of tensors with at least one")
    return [tensor(one) for one in values]


def dtype_of(value):
    if value is not None and not isinstance(value, np.dtype):
        raise DtypeError(f"wanted a type such as torch.float32, got {kind_name(value)}")
    return value


def axis_of(array, dim) -> int:
    """A dimension as a number from 0; of an array without axes 0 and -1 are allowed."""
    dim, ndim = integer(dim), max(array.ndim, 1)
    if not -ndim <= dim < ndim:
        raise ShapeError(f"dimension {dim} is out of range from {-ndim} to {ndim - 1}")
    return dim % ndim


def axes_of(array, dim):
    """One axis, several or None; None too for an array without axes."""
    if dim is None or array.ndim == 0:
        return None
    return tuple([axis_of(array, one) for one in integers((dim,))]) or None


# --- types of results ---------------------------------------------------------------------------


def of_number(value) -> np.dtype:
    return BOOL if type(value) is bool else LONG if type(value) is int else FLOAT


def merged(first, second) -> np.dtype:
    """torch.promote_types"""
    if first is None or first == second:
        return second
    ahead, behind = CATEGORY[first.kind], CATEGORY[second.kind]
    if ahead == behind:
        return np.promote_types(first, second)
    return first if ahead > behind else second


def common_type(values) -> np.dtype:
    """torch.result_type"""
    levels = [None, None, None]  # arrays with axes, arrays without, numbers
    for value in values:
        if isinstance(value, np.ndarray):
            level, dtype = (0 if tensor(value).ndim else 1), value.dtype
        else:
            level, dtype = 2, of_number(number(value))
        levels[level] = merged(levels[level], dtype)
    found = None
    for dtype in levels:
        if dtype is not None and (found is None or CATEGORY[dtype.kind] > CATEGORY[found.kind]):
            found = dtype
    return found


def alike(*values, dtype=None) -> list:
    """Arrays of one type."""
    dtype = dtype or common_type(values)
    return [of_type(value, dtype) for value in values]


def of_type(value, dtype) -> np.ndarray:
    """An array of a type; whole numbers that it does not hold wrap around, as in torch."""
    if type(value) is int and dtype.kind in "iu":
        return np.asarray(value, LONG).astype(dtype)
    return np.asarray(value, dtype)


def check_fits(value, dtype):
    """Where torch wants a number that a type holds; negative ones wrap around in types without a
    sign -> the number."""
    if type(value) is int and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if not (limits.min or -limits.max) <= value <= limits.max:
            raise DtypeError(f"{value} does not fit in {dtype}")
    return value
