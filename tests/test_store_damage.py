"""Torn and flipped bytes: what a store gives is a whole earlier state or an error, never a mixture.

A torn WAL must give the state after some group; a flipped bit in the main file the full state or a
StoreError. The files are read with the server's own reader.
"""

import os
import random
import shutil
import threading
from pathlib import Path

import pytest

from respnet.redisproto import store_file
from respnet.redisproto.store import Store, StoreError, check
from respnet.redisproto.store_recovery import Reader, numbers_back

SEED = int(os.environ.get("RESPNET_SEED", "1"))


class Value:
    kind, generation = 2, 1

    def __init__(self, id, head=b"", parts=()):
        self.id, self.head, self.parts = id, head, list(parts)

    def dump(self):
        return self.head, self.parts


@pytest.fixture
def folder(tmp_path):
    """A folder in memory, if the machine has one: thousands of files are opened here."""
    path = f"/dev/shm/respnet-test-{os.getpid()}"
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    shutil.rmtree(path, ignore_errors=True)
    os.mkdir(path, 0o700)
    yield Path(path)
    shutil.rmtree(path)


def state(path):
    """Everything a start would load."""
    connection = store_file.connect(path)
    try:
        with store_file.reading(path):
            reader = Reader(connection)
            if reader.structure():
                raise StoreError(reader.structure()[0])
            back = numbers_back(store_file.read_meta(connection))
            reader.places()
            reader.log()
            return {
                (back.get(db, db), key): (*rest, tuple(frames))
                for db, key, *rest, frames in reader.objects()
            }
    finally:
        connection.close()


def fill(path, groups, rng):
    """Run groups of effects; returns the model after each, the newest last. Key n counts them."""
    store = Store(path, "no", wake=(woken := threading.Event()).set)
    assert list(store.open()) == []
    model, snapshots = {}, [{}]

    def put(key, value):
        store.put(0, key, value)
        model[0, key] = (2, value.id, 1, None, *value.dump(), ())

    networks = [Value(100 + i) for i in range(3)]
    for i in range(groups):
        put(b"n", Value(1, b"%d" % i))
        if i < 3:
            put(b"net%d" % i, networks[i])
        for value in networks[: i + 1]:
            payload = rng.randbytes(rng.randrange(60))
            store.log(value, 7, payload)
            place = 0, b"net%d" % (value.id - 100)
            model[place] = (*model[place][:-1], (*model[place][-1], (7, payload)))
        put(b"k%d" % rng.randrange(5), Value(1000 + i, rng.randbytes(30), [rng.randbytes(2000)]))
        store.end_group()
        snapshots.append(dict(model))
        while store.committed < store.ticket:
            woken.wait(10)
            woken.clear()
    return store, snapshots


def group_of(found):
    return int(found[0, b"n"][4]) + 1 if found else 0


def test_a_wal_cut_anywhere_gives_a_whole_group(folder):
    store, snapshots = fill(folder / "s", 14, random.Random(SEED))
    main, wal = (folder / "s" / n for n in ("store.db", "store.db-wal"))
    shutil.copytree(folder / "s", folder / "saved")
    store.close()
    main, wal = (folder / "saved" / n for n in ("store.db", "store.db-wal"))
    main_bytes, wal_bytes = main.read_bytes(), wal.read_bytes()
    cuts = {*range(64), len(wal_bytes)}
    cuts |= set(random.Random(SEED).sample(range(len(wal_bytes)), min(2400, len(wal_bytes))))
    reached = set()
    for cut in sorted(cuts):
        main.write_bytes(main_bytes)
        wal.write_bytes(wal_bytes[:cut])
        found = state(folder / "saved")
        assert found == snapshots[group_of(found)], f"cut at byte {cut}"
        reached.add(group_of(found))
    assert len(cuts) > 2000
    assert reached == set(range(len(snapshots)))


def test_a_flipped_bit_in_the_wal_gives_a_whole_group(folder):
    rng = random.Random(SEED)
    store, snapshots = fill(folder / "s", 14, rng)
    shutil.copytree(folder / "s", folder / "saved")
    store.close()
    main, wal = (folder / "saved" / n for n in ("store.db", "store.db-wal"))
    main_bytes, wal_bytes = main.read_bytes(), wal.read_bytes()
    for _ in range(600):
        at, bit = rng.randrange(len(wal_bytes)), rng.randrange(8)
        flipped = bytearray(wal_bytes)
        flipped[at] ^= 1 << bit
        main.write_bytes(main_bytes)
        wal.write_bytes(flipped)
        found = state(folder / "saved")
        assert found == snapshots[group_of(found)], f"byte {at}, bit {bit}"


def test_a_flipped_bit_in_the_file_is_never_silent(folder):
    rng = random.Random(SEED)
    store, snapshots = fill(folder / "s", 25, rng)
    store.close()
    main = folder / "s" / "store.db"
    whole, wanted, refused = main.read_bytes(), snapshots[-1], 0
    places = [(at, rng.randrange(8)) for at in range(100)]
    places += [(rng.randrange(len(whole)), rng.randrange(8)) for _ in range(2500)]
    for at, bit in places:
        flipped = bytearray(whole)
        flipped[at] ^= 1 << bit
        main.write_bytes(flipped)
        (folder / "s" / "store.db-wal").unlink(missing_ok=True)
        try:
            found = state(folder / "s")
        except StoreError:
            refused += 1
        else:
            assert found == wanted, f"byte {at}, bit {bit}: silently wrong"
    assert refused > len(places) / 2


def damaged_store(path):
    """A store with a bad part under key b"bad" and an intact key b"good"."""
    store = Store(path, "no")
    list(store.open())
    store.put(0, b"bad", Value(1, b"", [b"\xaa" * 3000]))
    store.put(0, b"good", Value(2, b"", [b"\xbb" * 3000]))
    store.close()
    main = path / "store.db"
    content = main.read_bytes()
    at = content.rindex(b"\xaa" * 200)
    main.write_bytes(content[:at] + b"\xab" + content[at + 1 :])


def test_a_bad_part_stops_the_start_and_is_named(tmp_path):
    damaged_store(tmp_path / "s")
    store = Store(tmp_path / "s", "no")
    with pytest.raises(StoreError, match=r"key b'bad' of db 0: part 0 \(offset 0\)"):
        list(store.open())


def test_check_names_and_drops_just_what_is_bad(tmp_path):
    damaged_store(tmp_path / "s")
    report = check(tmp_path / "s")
    assert not report.ok and [d.table for d in report.bad] == ["part"] and report.objects == 1
    report = check(tmp_path / "s", drop_bad=True)
    assert report.ok and report.dropped == 1
    store = Store(tmp_path / "s", "no")
    assert [value[1] for value in store.open()] == [b"good"]
    store.close()
    assert check(tmp_path / "s").ok


def test_check_needs_a_store(tmp_path):
    with pytest.raises(StoreError, match="holds no store"):
        check(tmp_path)
