"""Messages of protocol buffers after a table: into plain objects, and bytes from values."""

import struct
from types import SimpleNamespace

import numpy as np

from respnet.engine.errors import FileError, LimitError
from respnet.engine.onnx import wire
from respnet.engine.onnx.limits import Budget

INT, FLOAT, DOUBLE, BYTES, TEXT = "int", "float", "double", "bytes", "text"
_EMPTY = {INT: 0, FLOAT: 0.0, DOUBLE: 0.0, TEXT: "", BYTES: None}
_WIRE = {INT: wire.VARINT, FLOAT: wire.FIXED32, DOUBLE: wire.FIXED64}
_NUMBERS = {FLOAT: (np.float32, "<f"), DOUBLE: (np.float64, "<d")}


class Schema:
    """messages: name -> field number -> (name, kind or message, repeated)."""

    def __init__(self, messages: dict):
        self.messages = messages

    def decode(self, message: str, data: memoryview, budget: Budget, depth: int = 0):
        """A message with all its fields as attributes; what is absent is empty, 0 or None."""
        if depth > budget.limits.depth:
            raise LimitError(f"messages lie more than {budget.limits.depth} deep in each other")
        table = self.messages[message]
        values = {n: [] if many else _EMPTY.get(kind) for n, kind, many in table.values()}
        found = [(table[n], w, v) for n, w, v in wire.fields(data, budget) if n in table]
        budget.spend("nodes", sum(kind == "Node" for (_, kind, _), _, _ in found))
        for (name, kind, many), wire_type, value in found:
            if kind in self.messages:
                if wire_type != wire.BYTES:
                    raise FileError(f"{message}.{name} is no message")
                value = self.decode(kind, value, budget, depth + 1)
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

    def encode(self, message: str, /, **values) -> bytes:
        """The bytes of a message; values are plain, lists of them, or bytes of encoded messages."""
        fields = self.messages[message].items()
        by_name = {n: (number, kind, many) for number, (n, kind, many) in fields}
        out = bytearray()
        for name, value in values.items():
            number, kind, many = by_name[name]
            for each in value if many else [value]:
                out += _field(number, kind, each)
        return bytes(out)


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


def _field(number: int, kind: str, value) -> bytes:
    if kind == INT:
        return wire.integer(number, value)
    if kind == FLOAT:
        return wire.real(number, value)
    return wire.block(number, value.encode() if kind == TEXT else value)
