"""Tensors made of stored tensors, without a script: slices, joined ones, other shapes."""

from math import prod

import numpy as np

from ..access import database
from ..ai_tensor import (
    TensorValue,
    check_bytes,
    check_rank,
    check_target,
    fetch_tensor,
    put_tensor,
)
from ..ai_tensor_words import SHAPE
from ..command import Family
from ..errors import CommandError
from ..grammar import integer, key, many

rows = Family("ai", since="1.0.0")

BYTES = "O(N) where N is the number of bytes of the new tensor"
AXES = "ERR axis {} is out of range: the tensor has {} dimensions"
NOTHING = "ERR axis {} has {} places, of which none is from {} to {}"
TWO_FREE = "ERR only one size of a shape may be -1"


def keep(session, key, tensor):
    """Store the result -> its shape."""
    put_tensor(session, key, tensor)
    return list(tensor.shape)


def source(session, request, key):
    """A tensor, after a look at the destination."""
    check_target(database(session), request.destination)
    return fetch_tensor(session, key)


def place_of(axis, rank):
    """An axis from 0; negative ones count from the last."""
    if not -rank <= axis < rank:
        raise CommandError(AXES.format(axis, rank))
    return axis % rank


def shown(shape):
    return "x".join(map(str, shape)) or "a single element"


@rows.command("ai.tensorslice", key("destination"), key("source"),
              many(integer("axis"), integer("start"), integer("stop"), name="ranges"),
              flags="write denyoom", reply=list[int], complexity=BYTES,
              summary="Keep the places from start to before stop of axes of a tensor")
def tensorslice(session, request):
    tensor = source(session, request, request.source)
    places = [slice(None)] * len(tensor.shape)
    for axis, start, stop in request.ranges:
        at = place_of(axis, len(places))
        length = tensor.shape[at]
        if not range(*slice(start, stop).indices(length)):
            raise CommandError(NOTHING.format(axis, length, start, stop))
        places[at] = slice(start, stop)
    return keep(session, request.destination, TensorValue.of(tensor.array()[tuple(places)]))


@rows.command("ai.tensorconcat", integer("axis"), key("destination"), many(key("source")),
              flags="write denyoom", reply=list[int], complexity=BYTES,
              summary="Join tensors of one type along an axis")
def tensorconcat(session, request):
    tensors = [source(session, request, name) for name in request.sources]
    first = tensors[0]
    axis = place_of(request.axis, len(first.shape))
    for other in tensors[1:]:
        check_pair(first, other, axis, request.axis)
    check_bytes(sum(len(tensor.data) for tensor in tensors))
    joined = np.concatenate([tensor.array() for tensor in tensors], axis)
    return keep(session, request.destination, TensorValue.of(joined))


def check_pair(first, other, axis, given):
    if first.dtype != other.dtype:
        raise CommandError(f"ERR tensors of types {first.dtype} and {other.dtype} cannot be joined")
    a, b = (shape[:axis] + shape[axis + 1 :] for shape in (first.shape, other.shape))
    if len(first.shape) != len(other.shape) or a != b:
        raise CommandError(f"ERR tensors of shapes {shown(first.shape)} and {shown(other.shape)} "
                           f"cannot be joined along axis {given}")


@rows.command("ai.tensorreshape", key("destination"), key("source"),
              many(integer("dim", error=SHAPE), least=0),
              flags="write denyoom", reply=list[int],
              summary="Give the elements of a tensor another shape; one size may be -1")
def tensorreshape(session, request):
    tensor = source(session, request, request.source)
    check_rank(request.dims)
    shape = filled(tuple(request.dims), prod(tensor.shape))
    return keep(session, request.destination, TensorValue(tensor.dtype, shape, tensor.data))


def filled(shape, count):
    """The shape of ``count`` elements, its -1 replaced."""
    free = shape.count(-1)
    if any(size < 1 and size != -1 for size in shape):
        raise CommandError(SHAPE)
    if free > 1:
        raise CommandError(TWO_FREE)
    known = prod(size for size in shape if size != -1)
    if (count % known or not count) if free else known != count:
        raise CommandError(f"ERR a tensor of {count} elements cannot take the shape {shown(shape)}")
    return tuple(count // known if size == -1 else size for size in shape)
