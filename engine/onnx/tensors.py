"""Tensors of ONNX as NumPy arrays and back; lengths are compared before anything is made."""

import numpy as np

from respnet.engine.errors import FileError
from respnet.engine.onnx.limits import Limits, array_bytes
from respnet.engine.onnx.proto import encode

# number in TensorProto.DataType -> (dtype, field that holds such numbers one by one)
TYPES = {
    1: (np.float32, "float_data"),
    2: (np.uint8, "int32_data"),
    3: (np.int8, "int32_data"),
    4: (np.uint16, "int32_data"),
    5: (np.int16, "int32_data"),
    6: (np.int32, "int32_data"),
    7: (np.int64, "int64_data"),
    9: (np.bool_, "int32_data"),
    10: (np.float16, "int32_data"),
    11: (np.float64, "double_data"),
    12: (np.uint32, "uint64_data"),
    13: (np.uint64, "uint64_data"),
}
NUMBERS = {np.dtype(dtype): number for number, (dtype, _) in TYPES.items()}


def dtype_of(number: int) -> np.dtype:
    if number not in TYPES:
        raise FileError(f"element type {number} is not supported; known are {sorted(TYPES)}")
    return np.dtype(TYPES[number][0])


def array_of(tensor, limits: Limits) -> np.ndarray:
    """The array of a decoded Tensor message, read-only."""
    if tensor.data_location or tensor.external_data:
        raise FileError(f"tensor {tensor.name!r} keeps its data in another file; that is refused")
    if tensor.segment is not None:
        raise FileError(f"tensor {tensor.name!r} is a segment of another")
    dtype, shape = dtype_of(tensor.data_type), tuple(tensor.dims.tolist())
    wanted = array_bytes(shape, dtype.itemsize, limits)
    if tensor.raw_data is not None:
        if len(tensor.raw_data) != wanted:
            raise _short(tensor, shape, wanted, len(tensor.raw_data), "bytes")
        array = np.frombuffer(tensor.raw_data, dtype.newbyteorder("<"))
        if dtype == np.bool_:
            array = array.view(np.uint8) != 0
    else:
        array = getattr(tensor, TYPES[tensor.data_type][1])
        if len(array) * dtype.itemsize != wanted:
            raise _short(tensor, shape, wanted // dtype.itemsize, len(array), "numbers")
        half = dtype == np.float16
        array = array.astype(np.uint16).view(np.float16) if half else array.astype(dtype)
    array = array.reshape(shape)
    array.flags.writeable = False
    return array


def _short(tensor, shape, wanted: int, got: int, unit: str) -> FileError:
    return FileError(f"tensor {tensor.name!r} of shape {shape} has {got} {unit}, wants {wanted}")


def encoded(array: np.ndarray, name: str = "") -> bytes:
    """The Tensor message of an array."""
    array = np.asarray(array)
    data = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
    kind = NUMBERS[array.dtype]
    return encode("Tensor", dims=array.shape, data_type=kind, name=name, raw_data=data)
