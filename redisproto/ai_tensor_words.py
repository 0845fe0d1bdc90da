"""AI.TENSORSET and AI.TENSORGET as words: what a client sends becomes a tensor, and back.

Nothing here needs a session or a key, so the steps of a DAG use it too.
"""

import re
from array import array
from math import prod

import numpy as np

from .ai_tensor import (
    DTYPES,
    MOST_DIMS,
    TensorValue,
    check_bytes,
    check_rank,
    check_size,
    join,
)
from .command import wrong_count
from .errors import CommandError
from .nr_fast import parse_row
from .numbers import parse_integer, parse_real

TYPE = "ERR invalid data type"
SHAPE = "ERR invalid or negative value found in tensor shape"
COUNT = "ERR wrong number of values was given in 'AI.TENSORSET' command"
ONE_BLOB = ("ERR a single binary string should come after the BLOB argument in 'AI.TENSORSET' "
            "command")
VALUE = "ERR invalid value"
FORMAT = "ERR unsupported data format"
BOTH = "ERR both BLOB and VALUES specified"

FORMATS = {b"blob", b"values"}
CODES = {name: "b" if name == "BOOL" else dtype.char for name, dtype in DTYPES.items()}
LONGEST_TYPE = 8  # more letters than any type has
BEYOND_ALL = 2**63  # a product of sizes that stays here cannot be the number of anything
INFINITE = re.compile(rb"[+-]?inf(inity)?", re.IGNORECASE)
LEAST_WORDS, MOST_WORDS = 4, 4  # of AI.TENSORSET, of AI.TENSORGET


# -- AI.TENSORSET key type [dim ...] [BLOB b | VALUES v ...]


def parse(argv, find=None):
    """The words of AI.TENSORSET, name and key included -> TensorValue, or CommandError.

    find(words behind FROM) -> (b"blob" or b"values", words): where there is a keyspace.
    """
    if len(argv) < LEAST_WORDS:
        raise wrong_count(argv[0])
    dtype, shape, at = parse_head(argv, FORMATS if find is None else FORMATS | {b"from"})
    form, words = argv[at].lower() if at < len(argv) else None, argv[at + 1 :]
    if form == b"from":
        form, words = find(words)
    return build(dtype, shape, form, words)


def parse_head(argv, formats):
    """(dtype, shape, place of the word that says the format, or the end)."""
    dtype = argv[2][:LONGEST_TYPE].upper().decode("latin-1")
    if dtype not in DTYPES and dtype != "STRING":
        raise CommandError(TYPE)
    for at in range(3, len(argv)):
        if argv[at].lower() in formats:
            return dtype, sizes(argv[3:at]), at
    return dtype, sizes(argv[3:]), len(argv)


def sizes(words):
    shape = tuple([parse_integer(word, SHAPE) for word in words])
    if shape and min(shape) < 1:
        raise CommandError(SHAPE)
    return shape


def build(dtype, shape, form, words):
    """The tensor of what follows a format (blob, values, or None)."""
    if form is None:
        return TensorValue.zeros(dtype, shape)
    if form == b"blob":
        if len(words) != 1:
            raise CommandError(ONE_BLOB)
        check_size(dtype, shape)
        return TensorValue.checked(dtype, shape, words[0])
    if len(words) != count(shape):
        raise CommandError(COUNT)
    if dtype == "FLOAT":
        quick = parse_row(words, 0, len(words))
        if quick is not None:
            check_rank(shape)
            check_bytes(len(quick))
            return TensorValue(dtype, shape, quick)
    check_size(dtype, shape)
    return TensorValue.checked(dtype, shape, data_of(dtype, words))


def count(shape):
    """Elements; of a shape from outside, whose product may have no end."""
    if len(shape) <= MOST_DIMS:
        return prod(shape)
    total = 1
    for length in shape:
        total = min(total * length, BEYOND_ALL)
    return total


def data_of(dtype, words):
    """Words -> the bytes of as many elements."""
    if dtype == "STRING":
        return join([word.removesuffix(b"\0") for word in words])
    if dtype in ("FLOAT", "DOUBLE"):
        with np.errstate(over="ignore"):
            return np.array([real(word) for word in words]).astype(DTYPES[dtype]).tobytes()
    return integers(DTYPES[dtype], [parse_integer(word, VALUE) for word in words])


def real(word):
    """A double; infinity is written out, what is too large or too small is no number."""
    if INFINITE.fullmatch(word):
        return float(word)
    return parse_real(word, VALUE)


def integers(dtype, numbers):
    """The least number of a signed type is refused, as by the original."""
    if dtype.kind == "b":
        low, high = 0, 1
    else:
        limits = np.iinfo(dtype)
        low, high = limits.min + (dtype.kind == "i"), limits.max
    if min(numbers) < low or max(numbers) > high:
        raise CommandError(VALUE)
    return np.array(numbers, dtype).tobytes()


# -- AI.TENSORGET key [META] [BLOB | VALUES]


def reply(tensor, words):
    """What AI.TENSORGET answers of a tensor; ``words`` are those behind the key."""
    return shown(tensor, *asked(words))


def asked(words):
    """(whether META is, b"blob" or b"values" or None), or CommandError."""
    wanted = {word.lower() for word in words} or {b"meta", b"blob"}
    if not wanted <= {b"meta", b"blob", b"values"}:
        raise CommandError(FORMAT)
    if wanted >= {b"blob", b"values"}:
        raise CommandError(BOTH)
    return b"meta" in wanted, next(iter(wanted - {b"meta"}), None)


def shown(tensor, meta, form):
    """The same for what was ``asked``."""
    data = tensor.data if form == b"blob" else values(tensor) if form else None
    if not meta:
        return data
    answer = [b"dtype", tensor.dtype.encode(), b"shape", list(tensor.shape)]
    return answer + [form, data] if form else answer


def values(tensor):
    """The elements as a reply writes them: doubles, integers or bulk strings."""
    if tensor.dtype == "STRING":
        return tensor.strings()
    return array(CODES[tensor.dtype], tensor.data).tolist()
