"""The messages of ONNX: which field has which number. Read into plain objects, written from them.

Numbers are those of ``onnx.proto`` (ONNX 1.x). Fields that change no result (documentation,
shapes inside a graph, metadata) are not in the table and are skipped.
"""

import struct
from types import SimpleNamespace

import numpy as np

from respnet.engine.errors import FileError, LimitError
from respnet.engine.onnx import wire
from respnet.engine.onnx.limits import Budget

INT, FLOAT, DOUBLE, BYTES, TEXT = "int", "float", "double", "bytes", "text"
# message -> number -> (name, kind or message, repeated)
MESSAGES = {
    "Model": {
        1: ("ir_version", INT, False),
        2: ("producer_name", TEXT, False),
        3: ("producer_version", TEXT, False),
        7: ("graph", "Graph", False),
        8: ("opset_import", "OperatorSet", True),
        20: ("training_info", BYTES, True),
        25: ("functions", BYTES, True),
    },
    "OperatorSet": {1: ("domain", TEXT, False), 2: ("version", INT, False)},
    "Graph": {
        1: ("node", "Node", True),
        2: ("name", TEXT, False),
        5: ("initializer", "Tensor", True),
        11: ("input", "ValueInfo", True),
        12: ("output", "ValueInfo", True),
        15: ("sparse_initializer", BYTES, True),
    },
    "Node": {
        1: ("input", TEXT, True),
        2: ("output", TEXT, True),
        3: ("name", TEXT, False),
        4: ("op_type", TEXT, False),
        5: ("attribute", "Attribute", True),
        7: ("domain", TEXT, False),
    },
    "Attribute": {
        1: ("name", TEXT, False),
        2: ("f", FLOAT, False),
        3: ("i", INT, False),
        4: ("s", BYTES, False),
        5: ("t", "Tensor", False),
        6: ("g", "Graph", False),
        7: ("floats", FLOAT, True),
        8: ("ints", INT, True),
        9: ("strings", BYTES, True),
        20: ("type", INT, False),
        21: ("ref_attr_name", TEXT, False),
    },
    "Tensor": {
        1: ("dims", INT, True),
        2: ("data_type", INT, False),
        3: ("segment", BYTES, False),
        4: ("float_data", FLOAT, True),
        5: ("int32_data", INT, True),
        6: ("string_data", BYTES, True),
        7: ("int64_data", INT, True),
        8: ("name", TEXT, False),
        9: ("raw_data", BYTES, False),
        10: ("double_data", DOUBLE, True),
        11: ("uint64_data", INT, True),
        13: ("external_data", BYTES, True),
        14: ("data_location", INT, False),
    },
    "ValueInfo": {1: ("name", TEXT, False), 2: ("type", "Type", False)},
    "Type": {1: ("tensor_type", "TensorType", False)},
    "TensorType": {1: ("elem_type", INT, False), 2: ("shape", "Shape", False)},
    "Shape": {1: ("dim", "Dim", True)},
    "Dim": {1: ("dim_value", INT, False), 2: ("dim_param", TEXT, False)},
}
_EMPTY = {INT: 0, FLOAT: 0.0, DOUBLE: 0.0, TEXT: "", BYTES: None}
_WIRE = {INT: wire.VARINT, FLOAT: wire.FIXED32, DOUBLE: wire.FIXED64}
_NUMBERS = {FLOAT: (np.float32, "<f"), DOUBLE: (np.float64, "<d")}


def decode(message: str, data: memoryview, budget: Budget, depth: int = 0) -> SimpleNamespace:
    """A message with all its fields as attributes; what is absent is empty, 0 or None."""
    if depth > budget.limits.depth:
        raise LimitError(f"messages lie more than {budget.limits.depth} deep in each other")
    table = MESSAGES[message]
    values = {n: [] if many else _EMPTY.get(kind) for n, kind, many in table.values()}
    found = [(table[n], w, v) for n, w, v in wire.fields(data, budget) if n in table]
    budget.spend("nodes", sum(kind == "Node" for (_, kind, _), _, _ in found))
    for (name, kind, many), wire_type, value in found:
        if kind in MESSAGES:
            if wire_type != wire.BYTES:
                raise FileError(f"{message}.{name} is no message")
            value = decode(kind, value, budget, depth + 1)
        elif many and kind in _WIRE and wire_type == wire.BYTES:
            values[name].append(_packed(kind, value, budget))
            continue
        else:
            value = _single(f"{message}.{name}", kind, wire_type, value)
        if many:
            values[name].append(value)
        else:
            values[name] = value
    for name, kind, many in table.values():
        if many and kind in _WIRE:
            values[name] = _joined(kind, values[name])
    return SimpleNamespace(**values)


def _single(name: str, kind: str, wire_type: int, value):
    if wire_type != _WIRE.get(kind, wire.BYTES):
        raise FileError(f"{name} has wire type {wire_type}")
    if kind == INT:
        return wire.signed(value)
    if kind in _NUMBERS:
        return struct.unpack(_NUMBERS[kind][1], value)[0]
    if kind == BYTES:
        return value
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        raise FileError(f"{name} is no text") from None


def _packed(kind: str, data: memoryview, budget: Budget) -> np.ndarray:
    if kind == INT:
        return wire.packed_varints(data, budget.limits)
    dtype = np.dtype(_NUMBERS[kind][0])
    if len(data) % dtype.itemsize:
        raise FileError("a list of numbers ends inside a number")
    return np.frombuffer(data, dtype)


def _joined(kind: str, parts: list) -> np.ndarray:
    """Numbers given one by one and in packed lists, as one array."""
    dtype = np.int64 if kind == INT else _NUMBERS[kind][0]
    return np.concatenate([np.zeros(0, dtype), *(np.atleast_1d(p) for p in parts)]).astype(dtype)


def encode(message: str, **values) -> bytes:
    """The bytes of a message; values are plain, lists of them, or bytes of encoded messages."""
    by_name = {n: (number, kind, many) for number, (n, kind, many) in MESSAGES[message].items()}
    out = bytearray()
    for name, value in values.items():
        number, kind, many = by_name[name]
        for each in value if many else [value]:
            out += _field(number, kind, each)
    return bytes(out)


def _field(number: int, kind: str, value) -> bytes:
    if kind == INT:
        return wire.integer(number, value)
    if kind == FLOAT:
        return wire.real(number, value)
    return wire.block(number, value.encode() if kind == TEXT else value)
