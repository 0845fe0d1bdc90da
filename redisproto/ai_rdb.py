"""The values of RedisAI in payloads of DUMP: tensors, models, scripts.

A module value is the name of its type and the number of an encoding (9 letters of 6 bits and 10
bits), then numbered fields, then 0. RedisAI's encodings 0 to 4 are read, 4 is written; networks
of Neural Redis are read (nr_rdb.py). What neither has (our networks, models of our backend) is a
type of our own: the number of its kind, and what the store keeps of it.
"""

import struct
from math import prod

import numpy as np

from . import nr_rdb, rdb, values
from .ai_alias import AliasValue
from .ai_model import ModelValue, Options, raw, text
from .ai_orders import DEVICE, DEVICE_LETTERS
from .ai_script import ScriptOptions, ScriptValue
from .ai_tensor import DTYPES, TensorValue, check_size
from .network import NetworkValue
from .nr_rdb import uints
from .nr_state import StateValue
from .rdb import SINT, STRING, UINT, bad

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ENCODING = 4
BACKENDS = ("TF", "TFLITE", "TORCH", "ONNX")  # a backend's number is its place here
INT, UNSIGNED, REAL, BOOL, TEXT = 0, 1, 2, 6, 7  # of DLPack; RedisAI adds the last
CODES = {"i": INT, "u": UNSIGNED, "f": REAL, "b": BOOL}
MOST_NAMES = 1024
OWN = "respnet-V"
OWN_KINDS = {NetworkValue.kind, StateValue.kind, ModelValue.kind, AliasValue.kind}
DAMAGED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
CHUNK = 535822336  # bytes; RedisAI cuts a model's blob into pieces of this size


def type_id(name, encoding):
    number = 0
    for letter in name:
        number = number << 6 | LETTERS.index(letter)
    return number << 10 | encoding


def type_of(number):
    """(name, encoding)"""
    letters = [LETTERS[number >> 10 + 6 * place & 63] for place in range(8, -1, -1)]
    return "".join(letters), number & 1023


# --- reading ----------------------------------------------------------------------------------


def c_string(reader):
    """A field that ends with NUL, without it."""
    data = reader.field(STRING)
    if data[-1:] != b"\0" or b"\0" in data[:-1]:
        raise bad()
    return data[:-1]


def device_of(reader):
    device = c_string(reader)
    if len(device) > DEVICE_LETTERS or not DEVICE.fullmatch(device):
        raise bad()
    return device.decode()


def names(reader):
    count = reader.field(UINT)
    if count > MOST_NAMES:
        raise bad()
    return tuple(text(c_string(reader)) for _ in range(count))


def tensor(reader, encoding):
    if encoding < 4:
        reader.field(UINT), reader.field(UINT)  # the device: always a CPU
        bits, code, lanes, rank = uints(reader, 4)
        shape = uints(reader, checked_rank(rank))
        uints(reader, rank + 1)  # strides and an offset of 0: the order is that of C
        if lanes != 1:
            raise bad()
    else:
        code, bits = uints(reader, 2)
        shape = [reader.field(SINT) for _ in range(checked_rank(reader.field(SINT)))]
    shape, data = tuple(shape), reader.field(STRING)
    dtype = dtype_of(code, bits, data, shape, reader)
    places = uints(reader, prod(shape)) if dtype == "STRING" else []
    if max(places, default=0) > len(data):
        raise bad()
    check_size(dtype, shape)
    return TensorValue.checked(dtype, shape, data)


def checked_rank(rank):
    if rank > 64:
        raise bad()
    return rank


def dtype_of(code, bits, data, shape, reader):
    """The name of a type. BOOL and STRING are told apart by what follows: where strings begin."""
    for name, dtype in DTYPES.items():
        if code == CODES[dtype.kind] != BOOL and bits == 8 * dtype.itemsize:
            return name
    if code < BOOL or bits != 8 or prod(shape) > len(data):
        raise bad()
    return "BOOL" if reader.data[reader.at : reader.at + 1] == b"\0" else "STRING"


def model(reader, encoding):
    """(Options, pieces of the blob)"""
    backend = reader.field(UINT)
    if backend >= len(BACKENDS):
        raise bad()
    device = device_of(reader)
    tag = text(c_string(reader) if encoding == 0 else reader.field(STRING))
    batch = uints(reader, 2 if encoding < 2 else 3)
    inputs, outputs = names(reader), names(reader)
    options = Options(BACKENDS[backend], device, tag, *batch, *(0,) * (3 - len(batch)))
    if options.backend == "TF":  # the others tell their own
        options = Options(*list(vars(options).values())[:6], inputs, outputs)
    if encoding == 0:
        return options, [reader.field(STRING)]
    size, count = uints(reader, 2)
    if count > 1 + (reader.end - reader.at) // 2:
        raise bad()
    pieces = [reader.field(STRING) for _ in range(count)]
    if sum(map(len, pieces)) != size:
        raise bad()
    return options, pieces


def script(reader, encoding):
    """(ScriptOptions, source)"""
    device = device_of(reader)
    tag = text(c_string(reader) if encoding == 0 else reader.field(STRING))
    source = c_string(reader)
    points = names(reader) if encoding > 2 else ()
    return ScriptOptions(device, tag, points), source


def own(reader, encoding):
    """A value of the store."""
    kind, head, count = reader.field(UINT), reader.field(STRING), reader.field(UINT)
    if kind not in OWN_KINDS or count > 1 + (reader.end - reader.at) // 2:
        raise bad()
    parts = [reader.field(STRING) for _ in range(count)]
    try:
        return values.load(kind, head, parts)
    except DAMAGED:
        raise bad() from None


TYPES = {"AI_TENSOR": (tensor, range(5)), "AI__MODEL": (model, range(5)),
         "AI_SCRIPT": (script, range(5)), OWN: (own, range(1, 2)),
         NetworkValue.type_name: (nr_rdb.network, range(nr_rdb.ENCODING, nr_rdb.ENCODING + 1))}


def read(reader):
    """(name of the type, what its function above gives) of the rest of a payload."""
    name, encoding = type_of(reader.length())
    if name not in TYPES or encoding not in TYPES[name][1]:
        raise bad()
    found = TYPES[name][0](reader, encoding)
    if reader.length() != rdb.EOF:
        raise bad()
    return name, found


# --- writing ----------------------------------------------------------------------------------


def dump(value):
    """Type byte and value, or None for a value of another kind."""
    fields, name, encoding = None, value.type_name, ENCODING
    if isinstance(value, TensorValue):
        fields = tensor_fields(value)
    elif isinstance(value, ScriptValue):
        fields = script_fields(value)
    elif isinstance(value, ModelValue) and value.options.backend in BACKENDS:
        fields = model_fields(value)
    elif value.kind in OWN_KINDS:
        (head, parts), name, encoding = value.dump(), OWN, 1
        fields = [rdb.uint(value.kind), rdb.blob(head), rdb.uint(len(parts)),
                  *map(rdb.blob, parts)]
    if fields is None:
        return None
    number = struct.pack(">BQ", 0x81, type_id(name, encoding))
    return bytes([rdb.MODULE]) + number + b"".join(fields) + rdb.number(rdb.EOF)


def tensor_fields(value):
    kind = DTYPES.get(value.dtype)
    code, bits = (TEXT, 8) if kind is None else (CODES[kind.kind], 8 * kind.itemsize)
    fields = [rdb.uint(code), rdb.uint(bits), rdb.sint(len(value.shape))]
    fields += [*map(rdb.sint, value.shape), rdb.blob(value.data)]
    if kind is None:
        lengths = [len(word) + 1 for word in value.strings()]
        fields += map(rdb.uint, [0, *np.cumsum(lengths).tolist()][: len(lengths)])
    return fields


def end(word):
    """A field that ends with NUL."""
    return rdb.blob(raw(word) + b"\0")


def script_fields(value):
    options = value.options
    source = rdb.blob(value.source.encode() + b"\0")
    fields = [end(options.device), rdb.blob(raw(options.tag)), source]
    return [*fields, rdb.uint(len(options.entry_points)), *map(end, options.entry_points)]


def model_fields(value):
    options = value.options
    fields = [rdb.uint(BACKENDS.index(options.backend)), end(options.device),
              rdb.blob(raw(options.tag))]
    fields += map(rdb.uint, (options.batch, options.min_batch, options.min_timeout))
    for given, found in ((options.inputs, value.inputs), (options.outputs, value.outputs)):
        given = given or [slot.name for slot in found]
        fields += [rdb.uint(len(given)), *map(end, given)]
    pieces = [value.blob[at : at + CHUNK] for at in range(0, len(value.blob) + 1, CHUNK)]
    return [*fields, rdb.uint(len(value.blob)), rdb.uint(len(pieces)), *map(rdb.blob, pieces)]
