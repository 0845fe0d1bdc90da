"""The value behind a key of type AI_TENSOR, and how handlers find and put one.

A tensor never changes: commands make new ones, so a run may hold on to its inputs. Its bytes are
little-endian in C order; of STRING they are the elements, each with a NUL behind it.

A dump is a head (format u8, type u8, rank u8, sizes u64 each) and the bytes, in the head too if
they fit. New bytes of a short tensor are logged as a frame; every ``LOGGED``-th time it is stored
anew, so the frames before it are dead and the log stays short.
"""

import struct
from math import prod

import numpy as np

from .access import database
from .errors import CommandError
from .values import HEAD_BYTES, WRONG_TYPE, Value, split

FORMAT = 1
DATA = 1  # type of a frame
LOGGED = 32  # frames between two dumps
MOST_FRAME = 16 * 1024  # bytes of a frame
HEAD = struct.Struct("<BBB")
OBJECT_BYTES, SIZE_BYTES = 181, 45  # of a tensor besides its bytes, of each dimension: measured
MOST_BYTES = 512 << 20  # as much as one argument may be
MOST_DIMS = 64 if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else 32  # of a NumPy array
DTYPES = {name: np.dtype(code) for name, code in (
    ("FLOAT", "<f4"), ("DOUBLE", "<f8"), ("INT8", "<i1"), ("INT16", "<i2"), ("INT32", "<i4"),
    ("INT64", "<i8"), ("UINT8", "<u1"), ("UINT16", "<u2"), ("BOOL", "?"))}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
TYPES = (*DTYPES, "STRING")  # the number of a type in a dump is its place here

NO_TENSOR = "ERR tensor key is empty or in a different shard"
LENGTH = "ERR data length does not match tensor shape and type"
BOOLS = "ERR BOOL tensor elements must be 0 or 1"
STRINGS = "ERR Number of string elements in data blob does not match tensor length"
NUL_INSIDE = "ERR C-string value contains null character"


class TensorValue(Value):
    """dtype: a name of ``TYPES``; shape: a tuple of integers from 0; data: bytes that fit them."""

    __slots__ = ("dtype", "shape", "data", "logged", "hooked")  # hooked: a Holding of runs

    kind = 10
    type_name = "AI_TENSOR"

    def __init__(self, dtype, shape, data):
        self.id = self.generation = self.logged = 0
        self.dtype, self.shape, self.data, self.hooked = dtype, shape, data, False

    def on_removed(self):
        self.hooked.lost()

    def on_moved(self, db, key):
        self.hooked.place = db, key

    @classmethod
    def checked(cls, dtype, shape, data):
        """A tensor of bytes from outside; CommandError unless they fit type and shape."""
        if dtype == "STRING":
            if data.count(0) != prod(shape) or (data and data[-1]):
                raise CommandError(STRINGS)
        elif len(data) != prod(shape) * DTYPES[dtype].itemsize:
            raise CommandError(LENGTH)
        if dtype == "BOOL" and data.translate(None, b"\0\1"):
            raise CommandError(BOOLS)
        return cls(dtype, shape, data)

    @classmethod
    def zeros(cls, dtype, shape):
        """Zeros, false, or empty strings."""
        return cls(dtype, shape, bytes(check_size(dtype, shape)))

    @classmethod
    def of(cls, array):
        """The tensor of an array; arrays of bytes, str or objects of these become STRING."""
        array = np.asarray(array)
        if array.dtype.kind in "SUO":
            shape, data = array.shape, join(array.ravel().tolist())
            dtype = "STRING"
        else:
            dtype = NAMES.get(array.dtype.newbyteorder("<"))
            if dtype is None:
                raise CommandError(f"ERR a tensor cannot hold {array.dtype} numbers: its types are "
                                   + " ".join(TYPES))
            shape, data = array.shape, array.astype(DTYPES[dtype], copy=False).tobytes()
        check_rank(shape)
        check_bytes(len(data))
        return cls(dtype, shape, data)

    def array(self):
        """A read-only view of the numbers; of STRING an array of bytes objects."""
        if self.dtype != "STRING":
            return np.frombuffer(self.data, DTYPES[self.dtype]).reshape(self.shape)
        array = np.empty(prod(self.shape), object)
        array[:] = self.strings()
        array.flags.writeable = False
        return array.reshape(self.shape)

    def strings(self):
        """The elements of a STRING tensor, in C order."""
        return self.data.split(b"\0")[:-1]

    def twin(self):
        """The same tensor for another key: a value has one key only."""
        return TensorValue(self.dtype, self.shape, self.data)

    def memory_usage(self):
        return OBJECT_BYTES + SIZE_BYTES * len(self.shape) + len(self.data)

    def dump(self):
        self.logged = 0
        head = HEAD.pack(FORMAT, TYPES.index(self.dtype), len(self.shape))
        head += struct.pack(f"<{len(self.shape)}Q", *self.shape)
        if len(head) + len(self.data) <= HEAD_BYTES:
            return head + self.data, []
        return head, split(self.data)

    @classmethod
    def load(cls, head, parts):
        if len(head) < HEAD.size or head[0] != FORMAT:
            raise ValueError(f"tensors of format {head[:1].hex()} are unknown")
        _, number, rank = HEAD.unpack_from(head)
        start = HEAD.size + 8 * rank
        if number >= len(TYPES) or rank > MOST_DIMS or len(head) < start:
            raise ValueError(f"a stored tensor has type {number}, {rank} dimensions and a head of "
                             f"{len(head)} bytes")
        shape = struct.unpack_from(f"<{rank}Q", head, HEAD.size)
        try:
            return cls.checked(TYPES[number], shape, head[start:] + b"".join(parts))
        except CommandError as error:
            raise ValueError(f"a stored tensor cannot be read: {error.text}") from None


    def apply(self, frame_type, payload):
        """Redo a change of the bytes: the frame is all of them."""
        if frame_type != DATA or len(payload) != len(self.data):
            raise ValueError(f"a tensor of {len(self.data)} bytes got a frame of type {frame_type} "
                             f"and {len(payload)} bytes")
        self.data = payload


def join(elements):
    """Elements of a STRING tensor -> its bytes."""
    words = [one.encode() if isinstance(one, str) else one for one in elements]
    for word in words:
        if not isinstance(word, bytes):
            raise CommandError("ERR a tensor of strings cannot hold an element of type "
                               + type(word).__name__)
        if b"\0" in word:
            raise CommandError(NUL_INSIDE)
    return b"".join([word + b"\0" for word in words])


def check_size(dtype, shape):
    """Bytes of a tensor without data; refused if they, or the dimensions, are too many."""
    check_rank(shape)
    size = DTYPES[dtype].itemsize if dtype in DTYPES else 1
    for length in shape:
        size *= length
        check_bytes(size)
    return size


def check_rank(shape):
    if len(shape) > MOST_DIMS:
        raise CommandError(f"ERR a tensor has at most {MOST_DIMS} dimensions, got {len(shape)}")


def check_bytes(size):
    if size > MOST_BYTES:
        raise CommandError(f"ERR a tensor holds at most {MOST_BYTES} bytes")


# -- keys


def tensor_at(db, key):
    """The tensor of a key of a Database, or CommandError."""
    value = db.get(key)
    if value is None:
        raise CommandError(NO_TENSOR)
    if not isinstance(value, TensorValue):
        raise CommandError(WRONG_TYPE)
    return value


def check_target(db, key):
    """CommandError if a tensor may not be put at a key: something else is there."""
    if not isinstance(db.peek(key), TensorValue | None):
        raise CommandError(WRONG_TYPE)


def put_at(db, key, value):
    """Put a tensor at a key of a Database; WRONGTYPE if something else is there."""
    check_target(db, key)
    db.set(key, value.twin() if value.id else value)


def fetch_tensor(session, key):
    """``tensor_at`` in the client's database."""
    return tensor_at(database(session), key)


def put_tensor(session, key, value):
    """``put_at`` in the client's database. For several outputs, ``check_target`` all first."""
    put_at(database(session), key, value)
