"""What the NR.* handlers share: finding the network, its errors, rows from words and blobs."""

import numpy as np

from respnet.engine.errors import EngineError

from .access import database
from .errors import CommandError
from .network import NetworkValue
from .network_io import FLOAT
from .nr_fast import parse_row
from .numbers import parse_integer
from .values import WRONG_TYPE

NOT_A_NUMBER = ("ERR invalid neural network input: must be a valid float precision floating point "
                "number")
INPUTS = ("ERR number of arguments does not match the number of inputs in the neural network")
INPUTS_AND_OUTPUTS = ("ERR number of arguments does not match the number of inputs and outputs in "
                      "the neural network")
BAD_WORD = "ERR neural network inputs must be the numbers of words, from 0 to {}, got {:.9g}"
REPLY_BYTES = 512 << 20  # a single reply is no longer than an argument may be
NUMBER_BYTES = 26  # of a double in a reply, at most


def network(session, key):
    """The network of a key; a key that is missing is WRONGTYPE too, as in the original."""
    value = database(session).get(key)
    if not isinstance(value, NetworkValue):
        raise CommandError(WRONG_TYPE)
    return value


def refuse(error):
    """A CommandError for what the engine refused."""
    text = str(error) if isinstance(error, EngineError) else "the neural network is not possible"
    return CommandError(f"ERR {text}")


def numbers(words, columns, mismatch):
    """``n`` words, the first being n, as rows (n, columns) of float32."""
    count = parse_integer(words[0], mismatch) if words else 0
    if count < 1 or count * columns != len(words) - 1:
        raise CommandError(mismatch)
    return one_array(words, 1, (count, columns))


def one_array(words, start, shape):
    """All words from ``start`` on as a float32 array of ``shape``."""
    data = parse_row(words, start, len(words) - start)
    if data is None:
        raise CommandError(NOT_A_NUMBER)
    return np.frombuffer(data, np.float32).reshape(shape)


def blob(word, columns, what):
    """A binary argument as rows (n, columns) of finite float32, n at least 1."""
    size = columns * FLOAT.itemsize
    if not word or len(word) % size:
        raise CommandError(f"ERR a blob of {what} holds rows of {columns} float32 numbers: wanted "
                           f"a multiple of {size} bytes, got {len(word)}")
    rows = np.frombuffer(word, FLOAT).reshape(-1, columns)
    if not np.isfinite(rows).all():
        raise CommandError(NOT_A_NUMBER)
    return np.ascontiguousarray(rows, np.float32)


def check_words(net, inputs):
    """CommandError unless all inputs are numbers of words, where the network reads words."""
    words = net.options.words
    if not words:
        return
    wrong = inputs[(inputs != np.floor(inputs)) | (inputs < 0) | (inputs >= words)]
    if len(wrong):
        raise CommandError(BAD_WORD.format(words - 1, float(wrong[0])))


def outputs(net, rows, item_bytes):
    """rows (n,I) -> outputs (n,O); refused before it is computed if the reply were too long."""
    check_reply(len(rows) * net.options.outputs * item_bytes)
    return net.model.predict_rows(rows)


def check_reply(size):
    if size > REPLY_BYTES:
        raise CommandError(f"ERR the reply would be longer than {REPLY_BYTES} bytes: send fewer "
                           "rows at a time")
