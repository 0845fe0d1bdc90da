"""A network as bytes: its dump for the store, and the frames of rows observed since.

A dump is a JSON head and, in parts, float32 numbers (little-endian): the weights with their
scaling constants, the training rows, the test rows. A frame of type ROWS is a sequence of

    set u8 (0 train, 1 test), slot u32, one row of float32

Putting a row at its slot twice gives the same set, so replaying frames is harmless.
"""

import json
import struct
from dataclasses import asdict
from math import prod

import numpy as np

from .network_options import NetworkOptions
from .nr_observe import replay
from .values import split

FORMAT = 1
ROWS = 1  # type of a frame
PLACE = struct.Struct("<BI")
SETS = ("train", "test")
FLOAT = np.dtype("<f4")


def dump(value):
    """(head, parts) of a network."""
    train, test = value.data.train, value.data.test
    head = {
        "format": FORMAT,
        "options": value.options.to_dict(),
        "seed": value.model.spec.seed,
        "stats": asdict(value.stats),
        "train": [train.maxlen, len(train)],
        "test": [test.maxlen, len(test)],
    }
    arrays = (value.model.weights.vector, train.rows, test.rows)
    body = b"".join(np.asarray(array, FLOAT).tobytes() for array in arrays)
    return json.dumps(head).encode(), split(body)


def load(cls, head, parts):
    """The network of a dump; ValueError if it is none."""
    try:
        head = json.loads(head)
        if head["format"] != FORMAT:
            raise ValueError(f"networks of format {head['format']!r} are unknown")
        options = NetworkOptions.from_dict(head["options"])
        maxlens = head["train"][0], head["test"][0]
        value = cls(options, *maxlens, seed=head["seed"])
        value.stats = type(value.stats)(**head["stats"])
        fill(value, b"".join(parts), head["train"][1], head["test"][1])
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"a stored network cannot be read: {error!r}") from None
    return value


def fill(value, body, train_length, test_length):
    """Put the numbers of a dump into their places."""
    columns = value.data.train.rows.shape[1]
    shapes = [(value.model.layout.size,), (train_length, columns), (test_length, columns)]
    sizes = [prod(shape) for shape in shapes]
    if len(body) != FLOAT.itemsize * sum(sizes):
        raise ValueError(f"a stored network has {len(body)} bytes of numbers, "
                         f"wanted {FLOAT.itemsize * sum(sizes)}")
    pieces = np.split(np.frombuffer(body, FLOAT), np.cumsum(sizes)[:-1])
    weights, train, test = (p.reshape(shape) for p, shape in zip(pieces, shapes, strict=True))
    value.model.swap(weights)
    value.data.train.extend(train)
    value.data.test.extend(test)


def frame(places, rows):
    """The payload for rows (N,C) that were put at ``places``."""
    rows = np.asarray(rows, FLOAT)
    return b"".join([PLACE.pack(SETS.index(place.which), place.slot) + row.tobytes()
                     for place, row in zip(places, rows, strict=True)])


def apply(value, frame_type, payload):
    """Redo the rows of a frame; ValueError if it does not fit the network."""
    if frame_type != ROWS:
        raise ValueError(f"a network has no effects of type {frame_type}")
    replay(value.data, payload)
