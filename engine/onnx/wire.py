"""The wire format of protocol buffers: a list of tagged fields, each a number or some bytes.

Reading copies nothing and allocates nothing by an announced length: a field is a slice of what is
there. Writing appends to a bytearray. (Source: the page "Encoding" of protobuf.dev.)
"""

import struct

import numpy as np

from respnet.engine.errors import FileError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
SIZES = {FIXED64: 8, FIXED32: 4}
_TOP = 1 << 63


def read_varint(data, at: int) -> tuple[int, int]:
    """(number, where it ends), the number unsigned in 64 bits."""
    value = shift = 0
    try:
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value & (2 * _TOP - 1), at
            shift += 7
            if shift > 63:
                raise FileError("a number is longer than 64 bits")
    except IndexError:
        raise FileError("the file ends inside a number") from None


def fields(data: memoryview, budget) -> list[tuple[int, int, object]]:
    """(number, wire type, value) of every field; values are ints, or slices of ``data``."""
    at, end, found, most = 0, len(data), [], budget.left("fields")
    while at < end:
        tag = data[at]
        at += 1
        if tag > 127:
            tag, at = read_varint(data, at - 1)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = read_varint(data, at)
        else:
            if wire == BYTES:
                size = data[at] if at < end else 128
                at += 1
                if size > 127:
                    size, at = read_varint(data, at - 1)
            elif wire in SIZES:
                size = SIZES[wire]
            else:
                raise FileError(f"field {number} has wire type {wire}, which nothing uses today")
            if size > end - at:
                raise FileError(f"field {number} wants {size} bytes, {end - at} are left")
            value, at = data[at : at + size], at + size
        if not number:
            raise FileError("a field has number 0")
        found.append((number, wire, value))
        if len(found) > most:
            break
    budget.spend("fields", len(found))
    return found


def signed(value: int) -> int:
    """A 64 bit number in two's complement."""
    return value - 2 * _TOP if value >= _TOP else value


def packed_varints(data: memoryview, limits) -> np.ndarray:
    """int64 numbers one behind the other, all at once: groups of 7 bits, lowest first."""
    limits.check("varints", len(data), "bytes of numbers in one list")
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw < 128)
    if not len(raw):
        return np.zeros(0, np.int64)
    if not len(ends) or ends[-1] != len(raw) - 1:
        raise FileError("a list of numbers ends inside a number")
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > 10:
        raise FileError("a number is longer than 64 bits")
    shifts = (np.arange(len(raw)) - np.repeat(starts, lengths)) * 7
    groups = (raw & 127).astype(np.uint64) << shifts.astype(np.uint64)
    return np.add.reduceat(groups, starts).view(np.int64)


# --- writing --------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    value &= 2 * _TOP - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(number: int, value: int) -> bytes:
    return varint(number << 3 | VARINT) + varint(value)


def real(number: int, value: float) -> bytes:
    return varint(number << 3 | FIXED32) + struct.pack("<f", value)


def block(number: int, value: bytes) -> bytes:
    return varint(number << 3 | BYTES) + varint(len(value)) + value
