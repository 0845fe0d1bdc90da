"""Tensors of a GraphDef as NumPy arrays; lengths are compared before anything is made.

Strings are arrays of bytes objects. A tensor may say its last number only once: the rest is equal.
"""

import numpy as np

from respnet.engine.errors import FileError
from respnet.engine.onnx.limits import Limits, array_bytes

# number in DataType -> (dtype, field that holds such numbers one by one)
TYPES = {
    1: (np.float32, "float_val"),
    2: (np.float64, "double_val"),
    3: (np.int32, "int_val"),
    4: (np.uint8, "int_val"),
    5: (np.int16, "int_val"),
    6: (np.int8, "int_val"),
    7: (np.object_, "string_val"),
    9: (np.int64, "int64_val"),
    10: (np.bool_, "bool_val"),
    17: (np.uint16, "int_val"),
    19: (np.float16, "half_val"),
    22: (np.uint32, "uint32_val"),
    23: (np.uint64, "uint64_val"),
}


def dtype_of(number: int) -> np.dtype:
    if number not in TYPES:
        raise FileError(f"element type {number} is not supported; known are {sorted(TYPES)}")
    return np.dtype(TYPES[number][0])


def shape_of(shape) -> tuple[int | None, ...] | None:
    """Lengths of a decoded Shape message, None where one is open; None if the rank is."""
    if shape is None or shape.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else dim.size for dim in shape.dim)


def array_of(tensor, limits: Limits) -> np.ndarray:
    """The array of a decoded Tensor message, read-only."""
    dtype, shape = dtype_of(tensor.dtype), shape_of(tensor.shape) or ()
    if None in shape:
        raise FileError(f"a constant has the open shape {shape}")
    wanted = array_bytes(shape, dtype.itemsize, limits)
    if tensor.content:
        if dtype == np.object_ or len(tensor.content) != wanted:
            raise FileError(f"a constant of shape {shape} and type {dtype} has "
                            f"{len(tensor.content)} bytes, wants {wanted}")
        array = np.frombuffer(tensor.content, dtype.newbyteorder("<")).reshape(shape)
        if dtype == np.bool_:
            array = np.asarray(array.view(np.uint8) != 0)
        array = array.astype(dtype, copy=False)
    else:
        array = _filled(_numbers(tensor, dtype), shape, wanted // dtype.itemsize)
    array.flags.writeable = False
    return array


def _numbers(tensor, dtype) -> np.ndarray:
    """The numbers that are said one by one."""
    found = getattr(tensor, TYPES[tensor.dtype][1])
    if dtype == np.object_:
        array = np.empty(len(found), object)
        array[:] = [bytes(one) for one in found]
        return array
    if dtype == np.float16:
        return found.astype(np.uint16).view(np.float16)
    return found.astype(dtype)


def _filled(found, shape: tuple, count: int) -> np.ndarray:
    """``found`` as an array of this shape, the last number repeated as often as needed."""
    if len(found) > count:
        raise FileError(f"a constant of shape {shape} has {len(found)} numbers")
    if len(found) < 2:  # costs nothing, however large
        one = found if len(found) else np.array([b""] if found.dtype == object else [0])
        return np.broadcast_to(one.astype(found.dtype).reshape(()), shape)
    rest = np.broadcast_to(found[-1:], (count - len(found),))
    return np.concatenate([found, rest]).reshape(shape)
