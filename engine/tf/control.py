"""Loops, branches, functions, and the lists of tensors that loops fill."""

import numpy as np

from respnet.engine.errors import ShapeError
from respnet.engine.tf.tensors import dtype_of


class TensorList:
    """items: arrays of one shape, or None where nothing was put. shape: of an item, -1 is open."""

    def __init__(self, items, shape, dtype):
        self.items, self.item_shape, self.dtype = items, shape, dtype
        self.shape = (len(items),)
        self.nbytes = 8 * len(items) + sum(one.nbytes for one in items if one is not None)

    def item(self, number: int):
        """What was put there, else zeros of the shape of the others."""
        made = self.items[number]
        if made is not None:
            return made
        shape = next((one.shape for one in self.items if one is not None), self.item_shape)
        if min(shape, default=0) < 0:
            raise ShapeError(f"item {number} was never put, and its shape is open: {shape}")
        return np.zeros(shape, self.dtype)


def _reserve(call, shape, count):
    count = int(np.reshape(count, ()))
    call.room((count,), np.int64)
    shape = tuple(int(n) for n in np.atleast_1d(shape)) if np.ndim(shape) else (-1,)
    return TensorList((None,) * count, shape, dtype_of(call.get("element_dtype", 0)))


def _number(index, values: TensorList) -> int:
    index = int(np.reshape(index, ()))
    if not 0 <= index < len(values.items):
        raise ShapeError(f"item {index} of a list of {len(values.items)}")
    return index


def _set_item(call, values, index, item):
    index, items = _number(index, values), values.items
    return TensorList((*items[:index], item, *items[index + 1 :]), values.item_shape, values.dtype)


def _stack(call, values, shape=None):
    items = [values.item(n) for n in range(len(values.items))]
    if not items:
        raise ShapeError("an empty list of tensors")
    call.room((len(items), *items[0].shape), items[0].dtype)
    return np.stack(items)


def _truth(value) -> bool:
    """A condition: a truth value, or a number that is not 0."""
    return bool(np.reshape(value, ()))


def _while(call, *values):
    while _truth(call.run(call.get("cond"), list(values))[0]):
        values = call.run(call.get("body"), list(values))
    return tuple(values)


def _if(call, condition, *values):
    branch = "then_branch" if _truth(condition) else "else_branch"
    return tuple(call.run(call.get(branch), list(values)))


def _call(call, *values):
    return tuple(call.run(call.get("f"), list(values)))


OPS = {
    "While": _while,
    "StatelessWhile": _while,
    "If": _if,
    "StatelessIf": _if,
    "PartitionedCall": _call,
    "StatefulPartitionedCall": _call,
    "TensorListReserve": _reserve,
    "TensorListFromTensor": lambda call, x, shape: TensorList(tuple(x), x.shape[1:], x.dtype),
    "TensorListGetItem": lambda call, values, n, shape=None: values.item(_number(n, values)),
    "TensorListSetItem": _set_item,
    "TensorListStack": _stack,
    "TensorListLength": lambda call, values: np.array(len(values.items), np.int32),
}
