"""kill -9 at any moment: what was acknowledged is there, in order, and nothing is half there.

A child process runs a store and writes the number of each committed step to a pipe; the parent
kills it, opens the store and compares it with what the same steps do to a dict. Steps are numbered
and made from their number alone, so the parent knows what every step did.
"""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from respnet.redisproto import store_compaction
from respnet.redisproto.store import Store, check

SEED = int(os.environ.get("RESPNET_SEED", "1"))
PART = 150_000  # bytes; a big value spans several pages, so a torn one would show


class Value:
    kind, generation = 1, 0

    def __init__(self, id, head, part=b""):
        self.id, self.head, self.part, self.frames = id, head, part, []

    def dump(self):
        return self.head, [self.part, b"".join(self.frames)]  # a dump holds the effects so far


class Model:
    """The steps, done to a dict and, in the child, to a store as well."""

    def __init__(self, store=None):
        self.store, self.keys, self.id = store, {}, 0

    def step(self, i):
        rng, self.id = random.Random(i), 10 * i + 10
        self.put(b"step", Value(1, b"%d" % i))
        for _ in range(rng.randrange(1, 4)):
            getattr(self, rng.choice(["network", "effect", "effect", "rename", "delete"]))(i, rng)

    def put(self, key, value):
        self.keys[key] = value
        if self.store:
            self.store.put(0, key, value)

    def network(self, i, rng):
        part = bytes([i % 256]) * (PART if i % 50 == 0 else 900)
        self.id += 1
        self.put(b"net%d" % rng.randrange(6), Value(self.id, b"h", part))

    def effect(self, i, rng):
        value = self.keys.get(b"net%d" % rng.randrange(6))
        if value:
            payload = rng.randbytes(40)
            value.frames.append(payload)
            if self.store:
                self.store.log(value, 5, payload)

    def rename(self, i, rng):
        source, target = rng.sample([b"net%d" % n for n in range(6)], 2)
        if source in self.keys:
            self.keys[target] = self.keys.pop(source)
            if self.store:
                self.store.rename(0, source, target)

    def delete(self, i, rng):
        key = b"net%d" % rng.randrange(6)
        self.keys.pop(key, None)
        if self.store:
            self.store.delete(0, key)

    def compact(self, id):
        """What the store asks for when the log of a value is long."""
        found = [(0, key, value, None) for key, value in self.keys.items() if value.id == id]
        return found[0] if found else None

    def wanted(self):
        return {key: (value.id, *value.dump()) for key, value in self.keys.items()}


def child(path, policy, first):
    """Go on from step `first`; one group a turn, several groups under way at once. The log may
    only be short, so that dumps and sweeps happen all the time."""
    store_compaction.LOG_FLOOR, store_compaction.SWEEP_FLOOR = 2000, 20_000
    store_compaction.TALLY_BYTES = 500
    base = first

    def acknowledge():  # from the writer thread, right when replies may leave
        os.write(1, b"%d\n" % (base + store.committed))

    store = Store(Path(path), policy, wake=acknowledge)
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))  # acts between two turns
    model = Model()
    found = {key for _, key, *_ in store.open(model)}
    for i in range(first):
        model.step(i)
    assert found == model.keys.keys()
    model.store = store
    while not ended:
        model.step(first)
        first += 1
        store.due_compactions()
        store.end_group()
        while store.ticket - store.committed > 8:
            time.sleep(0)
    store.close()


def run_until_killed(path, policy, first, rng):
    """One cycle; returns the number of the first step that was not acknowledged."""
    command = [sys.executable, __file__, str(path), policy, str(first)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    head = process.stdout.readline() if rng.random() > 0.15 else b""  # else: killed while starting
    time.sleep(rng.random() * 0.15)
    process.send_signal(signal.SIGTERM if rng.random() < 0.1 else signal.SIGKILL)
    lines = (head + process.stdout.read()).split(b"\n")[:-1]
    process.wait(20)
    assert process.returncode in (0, -signal.SIGKILL, -signal.SIGTERM)
    return int(lines[-1]) if lines else first


def reopen(path):
    store = Store(path, "no")
    found = {
        key: (id, head, [parts[0], parts[1] + b"".join(payload for _, payload in frames)])
        for _, key, _, id, _, _, head, parts, frames in store.open()
    }
    store.close()
    return found


@pytest.mark.parametrize(("policy", "cycles"), [("always", 15), ("everysec", 15)])
def test_kill_9_loses_nothing_acknowledged(tmp_path, policy, cycles):
    rng, path = random.Random(SEED), tmp_path / "s"
    model, steps = Model(), 0
    for _ in range(cycles):
        acknowledged = run_until_killed(path, policy, steps, rng)
        found = reopen(path)
        reached = int(found[b"step"][1]) + 1 if found else 0
        assert reached >= acknowledged, f"{acknowledged - reached} acknowledged steps are lost"
        for i in range(steps, reached):
            model.step(i)
        wanted = model.wanted()
        assert found.keys() == wanted.keys()
        for key, value in wanted.items():
            assert found[key][:2] == value[:2], key
            assert found[key][2][0] == value[2][0], f"the part of {key} at step {reached}"
            assert found[key][2][1] == value[2][1], f"the effects of {key} at step {reached}"
        steps = reached
    assert check(path).ok
    assert steps > 10 * cycles


if __name__ == "__main__":
    child(sys.argv[1], sys.argv[2], int(sys.argv[3]))
