"""What a script in a child and the server say to each other: words of JSON with arrays in it.

``pack_words(["add", [x, y]])`` gives body and parts of a frame, ``unpack_words(frame)`` the same
value again: None, booleans, numbers, str, lists, and arrays. A tuple becomes a list.
"""

import json

import numpy as np

from .child_wire import pack, unpack
from .errors import CommandError

MOST_WORDS = 8 << 20  # bytes, without the arrays
ARRAY = "array"


def pack_words(value):
    """(body, parts) of a frame; CommandError for what none holds."""
    arrays = []
    words = json.dumps(flat(value, arrays)).encode()
    if len(words) > MOST_WORDS:
        raise CommandError("ERR a script and the server exchange at most "
                           f"{MOST_WORDS} bytes of words at once")
    return pack([np.frombuffer(words, np.uint8), *arrays])


def unpack_words(frame):
    """The value of a frame; ValueError for anything else."""
    words, *arrays = unpack(frame) or [np.zeros(0, np.uint8)]
    if words.dtype != np.uint8 or words.nbytes > MOST_WORDS:
        raise ValueError(f"words of {words.nbytes} bytes and type {words.dtype}")
    try:
        return filled(json.loads(words.tobytes()), arrays)
    except (IndexError, KeyError, RecursionError, TypeError) as error:
        raise ValueError(f"words that cannot be read: {error!r}") from None


def flat(value, arrays):
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {ARRAY: len(arrays) - 1}
    if isinstance(value, (list, tuple)):
        return [flat(one, arrays) for one in value]
    return value


def filled(value, arrays):
    if isinstance(value, dict):
        return arrays[value[ARRAY]]
    if isinstance(value, list):
        return [filled(one, arrays) for one in value]
    return value
