"""Numbers put into tensors that are there already, and whose numbers these are.

Views share memory as in torch. What a script is given belongs to others: a function that stores
anywhere, or calls one that does, works on copies of its arguments.
"""

import numpy as np

from respnet.engine.errors import DtypeError, ShapeError
from respnet.engine.script.rows_elementwise import converted
from respnet.engine.script.values import CATEGORY, is_number, kind_name, of_number, tensor

EXPANDED = "several places of an expanded tensor are one number; clone it first"


def owned(budget, value, copies=None):
    """Copies of the arrays of an argument; what is one tensor for a client stays one."""
    copies = {} if copies is None else copies
    if isinstance(value, (list, tuple)):
        budget.step(len(value))
        return type(value)([owned(budget, one, copies) for one in value])
    if not isinstance(value, np.ndarray) or value.dtype.kind not in CATEGORY:
        return value
    name = (value.__array_interface__["data"][0], value.dtype, value.shape, value.strides)
    if name not in copies:
        budget.ask(value.nbytes)
        copies[name] = value.copy()
        budget.hold(copies[name])
    return copies[name]


def fitting(budget, value, dtype):
    """A number or a tensor as an array of a type; what does not fit becomes what C makes of it."""
    if is_number(value):
        value = np.array(value, np.float64 if type(value) is float else of_number(value))
    elif not isinstance(value, np.ndarray):
        raise DtypeError(f"wanted a Tensor or a number, got {kind_name(value)}")
    if tensor(value).dtype == dtype:
        return value
    with np.errstate(all="ignore"):
        return converted(budget, value, dtype)


def into(budget, x, value):
    """Copy numbers into a tensor or a part of one, as x.copy_(value) does: shapes broadcast."""
    _check_whole(x)
    value = fitting(budget, value, x.dtype)
    padded = (1,) * (x.ndim - value.ndim) + value.shape
    if len(padded) > x.ndim or any([n not in (1, m)
                                    for n, m in zip(padded, x.shape, strict=True)]):
        raise ShapeError(f"numbers of shape {list(value.shape)} do not fit into a Tensor of shape "
                         f"{list(x.shape)}")
    budget.ask(value.nbytes)  # NumPy copies a value that overlaps its target
    budget.work(x.size)
    x[...] = value
    return x


def put_numbers(budget, x, places, value):
    """x[places] = value where some places are tensors."""
    _check_whole(x)
    if isinstance(value, np.ndarray) and value.dtype != x.dtype and value.ndim:
        raise DtypeError(f"the tensor is {x.dtype}, what is put into it {value.dtype}")
    value = fitting(budget, value, x.dtype)
    budget.ask(value.nbytes)
    try:
        x[places] = value
    except (IndexError, ValueError):
        raise ShapeError(f"numbers of shape {list(value.shape)} do not fit at these places of a "
                         f"Tensor of shape {list(x.shape)}") from None


def replaced(budget, x, result):
    """Put the result of a computation back into its tensor: of no wider kind, of its shape."""
    result = np.asarray(result)
    if CATEGORY[result.dtype.kind] > CATEGORY[x.dtype.kind]:
        raise DtypeError(f"the result is {result.dtype}, the tensor {x.dtype}")
    if result.shape != x.shape:
        raise ShapeError(f"the result has shape {list(result.shape)}, the tensor {list(x.shape)}")
    return into(budget, x, result)


def _check_whole(x):
    if not x.flags.writeable:
        raise ShapeError(EXPANDED)
