"""DAGs that repeat and are small take a short way: its replies and keys are those of the long way.

Who is watched by MONITOR goes the long way.
"""

import random
import struct

import numpy as np
import pytest
from ai_models import figures, network, put, store
from resp_helpers import pack

VALUES = ["1", "-0.5", "2e-3", "1e39", "-inf", "0x10", "1e-50", "0.1", "16777217", "nan", "x", " 1",
          ""]
ROWS = [struct.pack("<3f", 1, 2, 3), struct.pack("<3f", -1, 0.5, 1e30), bytes(12), b"short"]
MODELS = (b"m", b"n")
KEYS = ["a", "b", "wide", "d", "text", "none"]


class Way:
    """A connection of one protocol, and one that watches while ``long`` is on."""

    def __init__(self, server, protocol):
        self.server, self.link, self.watcher = server, server.connect(), None
        self.link.ask(pack(b"HELLO", b"%d" % protocol))

    def long(self, on):
        if on:
            self.watcher = self.server.connect()
            assert self.watcher.ask(pack(b"MONITOR")) == [b"OK"]
        else:
            self.watcher.send(pack(b"QUIT"))
            self.watcher.rest()

    def ask(self, words):
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        return repr(self.link.ask(pack(*words)))


def prepare(client):
    """Tensors as they were; the models stay what they are known to be."""
    client.delete(*[key for key in client.keys("*") if key not in MODELS], "none")
    put(client, "a", np.array([[1, 2, 3]], np.float32))
    put(client, "b", np.array([[-1, 0, 4]], np.float32))
    put(client, "wide", np.ones((2, 3), np.float32))
    put(client, "d", np.ones((1, 3), np.float64))
    client.set("text", "t")


def drawn(draw):
    """The words of a DAG, and a function that gives them with other data."""
    loads = draw.sample(KEYS[:4], draw.randrange(3)) + (["none"] if draw.random() < 0.05 else [])
    names, steps = list(loads), []
    for _ in range(draw.randrange(1, 6)):
        steps.append(step(draw, names))
    persists = draw.sample(sorted(set(names)), min(len(set(names)), draw.randrange(3)))
    persists = [name for name in persists if name != "none"] + (
        ["text"] if draw.random() < 0.05 and "text" in names else [])
    head = ["LOAD", len(loads), *loads] if loads else []
    head += ["PERSIST", len(persists), *persists] if persists else []
    head += ["ROUTING", "r"] if not head or draw.random() < 0.2 else []
    head += ["TIMEOUT", 10_000] if draw.random() < 0.2 else []
    return lambda: ["AI.DAGEXECUTE", *head, *(w for one in steps for w in ("|>", *one(draw)))]


def step(draw, names):
    known = draw.choice(names) if names else "nobody"
    fresh = draw.choice(["x", "y", "z", "a", "text"])
    kind = draw.choice(["values", "blob", "zeros", "run", "run", "run", "get", "get", "meta"])
    if kind in ("values", "blob", "zeros"):
        names.append(fresh)
    if kind == "values":
        return lambda draw: ["AI.TENSORSET", fresh, "FLOAT", 1, 3, "VALUES",
                             *draw.choices(VALUES[:1 + draw.choice([3, 3, 3, 3, 12])], k=3)]
    if kind == "blob":
        return lambda draw: ["AI.TENSORSET", fresh, "FLOAT", 1, 3, "BLOB",
                             draw.choice(ROWS)]
    if kind == "zeros":
        return lambda draw: ["AI.TENSORSET", fresh, "FLOAT", 1, 3]
    if kind == "run":
        model = draw.choice(["m", "m", "n", "gone"] if draw.random() < 0.1 else ["m", "n"])
        names.append(fresh)
        return lambda draw: ["AI.MODELEXECUTE", model, "INPUTS", 1, known, "OUTPUTS", 1, fresh]
    forms = [["VALUES"], ["BLOB"]] if kind == "get" else [[], ["META"], ["META", "BLOB"]]
    form = draw.choice(forms)
    return lambda draw: ["AI.TENSORGET", known, *form]


def state(client):
    return [(key, client.dump(key)) for key in sorted(client.keys("*")) if key not in MODELS]


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_both_ways_answer_and_keep_the_same(server, protocol, seed):
    client, way, draw = server.redis(protocol=2), Way(server, protocol), random.Random(seed)
    store(client, "m", network(3, 4, 2))
    store(client, "n", network(2, 3, 3, seed=2))
    for _ in range(40):
        prepare(client)
        make, told = drawn(draw), []
        # The first requests make the models known to be small, and the plan.
        requests = [make() for _ in range(4)] + [make() for _ in range(4)]
        for words in requests[:4]:
            way.ask(words)
        for long in (True, False):
            prepare(client)
            if long:
                way.long(True)
            before = [figures(client, key)["calls"] for key in "mn"]
            replies = [way.ask(words) for words in requests[4:]]
            calls = [figures(client, key)["calls"] - n for key, n in zip("mn", before, strict=True)]
            if long:
                way.long(False)
            told.append((replies, state(client), calls))
        assert told[0] == told[1], requests[4:]
