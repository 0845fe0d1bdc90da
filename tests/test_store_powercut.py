"""Power cuts, simulated: a recording VFS notes every write, truncation and sync of a run; an image
of the disk is what was synced plus any of the sectors that were not. Each image must open as the
whole state after some group: with `always` no acknowledged group is missing, with `everysec` none
that was committed before the last tick, with `no` it is just whole.

RESPNET_IMAGES sets the number of images for each policy (default 700).
"""

import os
import random
import shutil
import time
from pathlib import Path

import apsw
import pytest

from respnet.redisproto import store_file, store_upkeep
from respnet.redisproto.store import Store
from respnet.redisproto.store_recovery import Reader

SEED = int(os.environ.get("RESPNET_SEED", "1"))
IMAGES = int(os.environ.get("RESPNET_IMAGES", "700"))
SECTOR = 512
GROUPS = 120


class Tape:
    """What happened to the files, in order: (file, operation, ...) and ("", "sure", group)."""

    def __init__(self):
        self.events = []

    def add(self, *event):
        self.events.append(event)


class RecordingVFS(apsw.VFS):
    def __init__(self, name, tape):
        super().__init__(name, "")
        self.tape = tape

    def xOpen(self, name, flags):
        return RecordingFile(name, flags, self.tape)

    def xDelete(self, name, sync):
        self.tape.add(Path(name).name, "delete")
        super().xDelete(name, sync)


class RecordingFile(apsw.VFSFile):
    def __init__(self, name, flags, tape):
        super().__init__("", name, flags)
        self.tape = tape
        self.name = Path(name.filename() if isinstance(name, apsw.URIFilename) else name).name

    def xWrite(self, data, offset):
        self.tape.add(self.name, "write", offset, bytes(data))
        super().xWrite(data, offset)

    def xTruncate(self, size):
        self.tape.add(self.name, "truncate", size)
        super().xTruncate(size)

    def xSync(self, flags):
        super().xSync(flags)
        self.tape.add(self.name, "sync")


class Disk:
    """Plays a tape: `sure` bytes and pending operations of each file."""

    def __init__(self):
        self.sure, self.pending, self.group = {}, {}, 0

    def play(self, file, operation, *rest):
        if operation == "sure":
            self.group = rest[0]
        elif operation == "sync":
            for pending in self.pending.pop(file, []):
                apply(self.sure.setdefault(file, bytearray()), *pending)
        elif operation == "delete":
            self.sure.pop(file, None)
            self.pending.pop(file, None)
        else:
            self.pending.setdefault(file, []).append((operation, *rest))

    def image(self, folder, rng):
        """Write what a power cut now could leave: each unsynced sector is there or not."""
        kept = rng.choice([0.0, 0.1, 0.5, 0.9, 1.0])
        for file in {*self.sure, *self.pending}:
            content = bytearray(self.sure.get(file, b""))
            for pending in self.pending.get(file, []):
                for sector in sectors(*pending):
                    if rng.random() < kept:
                        apply(content, *sector)
            (folder / file).write_bytes(content)


def sectors(operation, *rest):
    if operation == "truncate":
        return [(operation, *rest)]
    offset, data = rest
    cuts = range(-(offset % SECTOR), len(data), SECTOR)
    bounds = [(max(0, cut), min(len(data), cut + SECTOR)) for cut in cuts]
    return [("write", offset + a, data[a:b]) for a, b in bounds]


def apply(content, operation, *rest):
    if operation == "truncate":
        size = rest[0]
        del content[size:]
    else:
        offset, data = rest
        content.extend(bytes(max(0, offset - len(content))))
        content[offset : offset + len(data)] = data


class Value:
    kind, generation = 1, 0

    def __init__(self, id, head=b"", parts=()):
        self.id, self.head, self.parts = id, head, list(parts)

    def dump(self):
        return self.head, self.parts


def record(path, policy, promise, tape, rng):
    """A run of GROUPS groups; returns the state after each."""
    store = Store(path, policy, vfs=policy)
    list(store.open())
    watch(store, promise, tape)
    network, model, states = Value(2, b"net"), {}, [{}]
    for i in range(GROUPS):
        puts = {b"n": Value(1, b"%d" % i)}
        puts[b"k%d" % (i % 4)] = Value(10 + i, b"h", [rng.randbytes(1500)])
        if i == 0:
            puts[b"net"] = network
        for key, value in puts.items():
            store.put(0, key, value)
            model[key] = (value.id, value.head, value.parts, ())
        effect = (3, rng.randbytes(50))
        store.log(network, *effect)
        model[b"net"] = (*model[b"net"][:3], (*model[b"net"][3], effect))
        store.end_group()
        states.append(dict(model))
        while store.committed < store.ticket:
            time.sleep(0)
    store.close()
    return states


def watch(store, promise, tape):
    """Note on the tape which groups must survive from now on, as a policy promises it."""
    writer = store._writer
    sure = lambda ticket: tape.add("", "sure", ticket)  # noqa: E731
    if promise == "always":
        done = writer._done
        writer._done = lambda ticket: (sure(ticket), done(ticket))
    elif promise == "everysec":
        tick = writer.upkeep.tick
        writer.upkeep.tick = lambda: (tick(), sure(writer.durable))


def load(path):
    connection = store_file.connect(path)
    try:
        reader = Reader(connection)
        assert reader.structure() == []
        store_file.read_meta(connection)
        reader.places()
        reader.log()
        return {key: (id, *rest, tuple(f)) for _, key, _, id, _, _, *rest, f in reader.objects()}
    finally:
        connection.close()


@pytest.fixture
def folder(tmp_path):
    """In memory, if the machine has such a folder: thousands of files are written here."""
    path = Path(f"/dev/shm/respnet-power-{os.getpid()}")
    if not os.access(path.parent, os.W_OK):
        yield tmp_path
        return
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    yield path
    shutil.rmtree(path)


def simulate(folder, policy, promise):
    """IMAGES power cuts in a run with this policy; returns how many images lack what `promise`
    says must be there. An image that is not the state after some group is an error at once."""
    rng, tape = random.Random(SEED), Tape()
    vfs = RecordingVFS(policy, tape)
    states = record(folder / "s", policy, promise, tape, rng)
    vfs.unregister()
    disk, played, lacking = Disk(), 0, 0
    for cut in sorted(rng.choices(range(len(tape.events)), k=IMAGES)):
        for event in tape.events[played:cut]:
            disk.play(*event)
        played = cut
        shutil.rmtree(folder / "image", ignore_errors=True)
        (folder / "image").mkdir()
        disk.image(folder / "image", rng)
        found = load(folder / "image")
        group = int(found[b"n"][1]) + 1 if found else 0
        assert found == states[group], f"cut at event {cut}: a mixture"
        lacking += group < disk.group
    return lacking


@pytest.fixture
def busy(monkeypatch):
    """Ticks and checkpoints all the time."""
    monkeypatch.setattr(store_upkeep, "SYNC_SECONDS", 0.01)
    monkeypatch.setattr(store_upkeep, "CHECKPOINT_SECONDS", 0.005)
    monkeypatch.setattr(store_upkeep, "CHECKPOINT_PAGES", 150)


@pytest.mark.parametrize("policy", ["always", "everysec", "no"])
def test_no_power_cut_loses_what_was_promised(folder, busy, policy):
    assert simulate(folder, policy, promise=policy) == 0


def test_the_simulation_sees_what_a_weaker_policy_loses(folder, busy):
    assert simulate(folder, "no", promise="always") > IMAGES / 10
