"""Places of tensors, lists and strings: x[i], x[1:, None, mask], read and written."""

from math import prod

import numpy as np

from respnet.engine.errors import DtypeError, ShapeError
from respnet.engine.script.stores import into, put_numbers
from respnet.engine.script.table import kept, room
from respnet.engine.script.values import kind_name, tensor

INDEX = (int, slice, type(None), type(...), np.ndarray)


def at(budget, x, index):
    """x[index]"""
    if isinstance(x, np.ndarray):
        return kept(budget, _part(x, *_indices(budget, tensor(x), index)))
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


def _part(x, pieces, chosen):
    """A view, or a copy of what is chosen by tensors."""
    try:
        part = x[pieces]
    except IndexError:
        raise ShapeError(f"there is no such place in a Tensor of shape {list(x.shape)}") from None
    return part.copy() if chosen and np.may_share_memory(part, x) else part


def _indices(budget, x, index):
    """(places for NumPy, whether some are tensors); with ``...`` a single number is a view too."""
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
    rest = () if any([one is ... for one in pieces]) else (...,)
    return (*pieces, *rest), bool(chosen)


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
    """x[index] = value; a tensor keeps its type and shape."""
    if isinstance(x, np.ndarray):
        return _put_numbers(budget, tensor(x), index, value)
    if type(x) is not list:
        raise DtypeError(f"{kind_name(x)} cannot be changed")
    if type(index) is not int:
        raise DtypeError(f"a place is an int, got {kind_name(index)}")
    if not -len(x) <= index < len(x):
        raise ShapeError(f"there is no place {index} among {len(x)}")
    x[index] = value
    return None


def _put_numbers(budget, x, index, value):
    pieces, chosen = _indices(budget, x, index)
    if chosen:
        put_numbers(budget, x, pieces, value)
    else:
        into(budget, _part(x, pieces, False), value)
