"""Keyspace: expiry, scans, watches, memory, and what the store is told."""

import gc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.redisproto.keyspace import Keyspace, NoStore
from respnet.redisproto.values import KINDS, PART_BYTES, StringValue, Value, load


class Clock:
    now = 1_000_000

    def __call__(self):
        return self.now


class Journal(NoStore):
    """Keeps what it is told, in order."""

    def __init__(self):
        self.rows = []

    def put(self, db, key, value, expire_ms):
        self.rows.append(("put", db, key, value.dump()[0], expire_ms))

    def delete(self, db, key):
        self.rows.append(("delete", db, key))

    def rename(self, db, src, dst):
        self.rows.append(("rename", db, src, dst))

    def expire(self, db, key, expire_ms):
        self.rows.append(("expire", db, key, expire_ms))

    def flush(self, db):
        self.rows.append(("flush", db))

    def swapdb(self, first, second):
        self.rows.append(("swapdb", first, second))

    def log(self, value, frame_type, payload):
        self.rows.append(("log", value.id, frame_type, payload))


class Hooked(StringValue):
    """A string that wants to know when it goes, as a network in training does."""

    __slots__ = ("removed", "moved")
    kind = 0
    hooked = True

    def __init__(self, data=b""):
        super().__init__(data)
        self.removed, self.moved = 0, []

    def on_removed(self):
        self.removed += 1

    def on_moved(self, db, key):
        self.moved.append((db, key))


@pytest.fixture
def space():
    return Keyspace(databases=4, store=Journal(), clock=Clock())


def text(data):
    return StringValue(data)


def test_a_key_is_there_until_its_time(space):
    db = space[0]
    db.set(b"k", text(b"v"), space.now() + 10)
    assert db.get(b"k").data == b"v" and db.expires == 1
    Clock.now += 10
    try:
        assert db.get(b"k") is None and len(db) == 0 and db.expires == 0
    finally:
        Clock.now -= 10
    assert space.store.rows[-1] == ("delete", 0, b"k") and space.expired == 1


def test_expiry_needs_nobody_to_look(space):
    clock = space.now = Clock()
    for n in range(2500):
        space[0].set(b"%d" % n, text(b""), clock() + n % 5 + 1)
    space[0].expire(b"7", None)
    clock.now += 5
    space.tick()
    assert len(space[0]) == 1500
    space.tick()
    space.tick()
    assert len(space[0]) == 1 and b"7" in space[0]


def test_deadlines_of_keys_set_anew_do_not_pile_up(space):
    for n in range(10_000):
        space[0].set(b"k", text(b""), space.now() + 1000 + n)
    assert len(space[0].deadlines) < 1100


def test_every_change_is_told_to_the_store(space):
    db = space[1]
    db.set(b"a", text(b"1"), 2_000_000)
    db.replace(b"a", text(b"2"))
    db.expire(b"a", None)
    db.rename(b"a", b"b")
    db.copy(b"b", space[2], b"c")
    db.log(b"b", 7, b"effect")
    number = db.peek(b"b").id
    space.swapdb(1, 2)
    space[2].delete(b"b")
    space.flush(1)
    space.flush()
    assert space.store.rows == [
        ("put", 1, b"a", b"1", 2_000_000), ("put", 1, b"a", b"2", 2_000_000),
        ("expire", 1, b"a", None), ("rename", 1, b"a", b"b"), ("put", 2, b"c", b"2", None),
        ("log", number, 7, b"effect"), ("swapdb", 1, 2), ("delete", 2, b"b"),
        ("flush", 1), ("flush", None),
    ]


def test_what_the_store_brings_back_is_not_told_to_it(space):
    value = text(b"v")
    value.id = 41
    space.load_entry(3, b"k", value, None)
    assert space[3].get(b"k") is value and space.store.rows == [] and space.next_id() == 42


def test_every_value_has_an_id_of_its_own(space):
    for name in (b"a", b"b", b"a"):
        space[0].set(name, text(b""))
    space[0].copy(b"a", space[0], b"c")
    ids = {entry.value.id for entry in space[0].entries.values()}
    assert len(ids) == 3 and 0 not in ids


@pytest.mark.parametrize("act", ["delete", "set", "rename over", "flush", "expire"])
def test_a_value_is_told_when_its_key_goes(space, act):
    db, value = space[0], Hooked()
    db.set(b"k", value)
    db.set(b"other", text(b""))
    assert value.removed == 0
    {"delete": lambda: db.delete(b"k"), "set": lambda: db.set(b"k", text(b"")),
     "rename over": lambda: db.rename(b"other", b"k"), "flush": lambda: space.flush(0),
     "expire": lambda: db.expire(b"k", 1)}[act]()
    assert value.removed == 1 and db.hooked == set()


def test_hooked_values_are_found_by_id(space):
    value = Hooked()
    space[2].set(b"k", value)
    space[2].set(b"s", text(b""))
    db, key, entry = space.find(value.id)
    assert (db, key, entry.value) == (2, b"k", value)
    assert space.find(space[2].peek(b"s").id) is None
    space[2].delete(b"k")
    assert space.find(value.id) is None


def test_a_value_is_told_when_its_key_moves(space):
    value = Hooked()
    space[0].set(b"k", value)
    space[0].set(b"k", value)
    space[0].rename(b"k", b"n")
    space.swapdb(0, 3)
    assert value.moved == [(0, b"n"), (3, b"n")] and value.removed == 0
    space.flush(0)
    assert value.removed == 0
    space.flush(3)
    assert value.removed == 1


@pytest.mark.parametrize("act, changes", [
    (lambda space: space[0].set(b"k", text(b"")), True),
    (lambda space: space[0].delete(b"k"), True),
    (lambda space: space[0].expire(b"k", None), True),
    (lambda space: space[0].rename(b"k", b"n"), True),
    (lambda space: space[0].rename(b"o", b"k"), True),
    (lambda space: space[0].log(b"k", 1, b""), True),
    (lambda space: space.flush(), True),
    (lambda space: space.swapdb(0, 1), True),
    (lambda space: space.flush(1), False),
    (lambda space: space.swapdb(2, 3), False),
    (lambda space: space[0].set(b"o", text(b"")), False),
    (lambda space: space[1].set(b"k", text(b"")), False),
    (lambda space: space[0].get(b"k"), False),
])
def test_a_watch_sees_writes_to_its_key_alone(space, act, changes):
    space[0].set(b"k", text(b"1"))
    space[0].set(b"o", text(b"2"))
    watch = space.watch(0, b"k")
    act(space)
    assert (watch.version > 0) is changes


def test_a_watch_ends_with_its_watcher(space):
    watch = space.watch(0, b"k")
    assert space.watch(0, b"k") is watch and len(space.watches) == 1
    del watch
    gc.collect()
    assert len(space.watches) == 0


def test_memory_is_what_the_values_say(space):
    db = space[0]
    assert space.used == 0
    db.set(b"k", text(b"x" * 1000))
    one = space.used
    assert 1000 < one < 1700
    db.set(b"k", text(b""))
    assert space.used == one - 1000
    db.rename(b"k", b"longer")
    assert space.used == one - 1000 + len(b"longer") - 1
    space.maxmemory = space.used
    assert not space.full
    db.set(b"l", text(b""))
    assert space.full
    space.flush()
    assert space.used == 0 and not space.full


def test_flushed_memory_is_freed_in_slices(space):
    for n in range(2500):
        space[0].set(b"%d" % n, text(b""))
    space.flush()
    assert len(space[0]) == 0
    assert [space.sweep(1000) for _ in range(4)] == [1500, 500, 0, 0]
    assert space.garbage == []


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("sdr"), st.integers(0, 60)), max_size=150),
       st.integers(1, 9))
def test_a_scan_sees_every_key_that_stays_exactly_once(writes, count):
    db = Keyspace(databases=1)[0]
    stay = {b"stay%d" % n for n in range(40)}
    for n, name in enumerate(sorted(stay)):
        db.set(b"gone%d" % n, text(b""))
        db.set(name, text(b""))
    seen, cursor, writes = [], 0, iter(writes)
    while True:
        page, cursor = db.scan(cursor, count)
        seen += page
        for _, (act, n) in zip(range(6), writes, strict=False):
            name = b"gone%d" % n
            if act == "s":
                db.set(name, text(b""))
            elif act == "r" and name in db:
                db.rename(name, b"moved%d" % n)
            else:
                db.delete(name)
        if not cursor:
            break
    assert sorted(name for name in seen if name in stay) == sorted(stay)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(["set", "del", "rename", "expire", "tick"]),
                          st.integers(0, 6), st.integers(0, 6)), max_size=60))
def test_a_database_is_a_dictionary(acts):
    clock = Clock()
    space = Keyspace(databases=1, clock=clock)
    db, model = space[0], {}
    for act, a, b in acts:
        key, other = b"%d" % a, b"%d" % b
        if act == "set":
            db.set(key, text(other))
            model[key] = (other, None)
        elif act == "del":
            assert db.delete(key) == (model.pop(key, None) is not None)
        elif act == "rename" and key in model:
            db.rename(key, other)
            model[other] = model.pop(key)
        elif act == "expire" and key in model:
            db.expire(key, clock.now + b + 1)
            model[key] = (model[key][0], clock.now + b + 1)
        elif act == "tick":
            clock.now += 1
            model = {k: v for k, v in model.items() if v[1] is None or v[1] > clock.now}
    assert {k: db.peek(k).data for k in list(db.entries) if k in db} == {
        k: v[0] for k, v in model.items()}
    assert db.expires == sum(v[1] is not None for v in model.values())
    assert db.used == space.used == sum(e.size for e in db.entries.values())
    assert len(db.order) == len(db.entries)


def test_random_keys_reach_all(space):
    for n in range(200):
        space[0].set(b"%d" % n, text(b""))
    for n in range(195):
        space[0].delete(b"%d" % n)
    assert {space[0].random() for _ in range(300)} == {b"195", b"196", b"197", b"198", b"199"}
    assert space[1].random() is None


@pytest.mark.parametrize("size", [0, 5, 65_536, 65_537, 3 * PART_BYTES + 1])
def test_a_string_comes_back_from_its_dump(size):
    value = StringValue(bytes(range(256)) * (size // 256) + b"x" * (size % 256))
    head, parts = value.dump()
    assert len(head) <= 65_536 and all(len(part) <= PART_BYTES for part in parts)
    assert load(1, head, parts).data == value.data


def test_kinds_are_registered_once():
    assert KINDS[1] is StringValue
    with pytest.raises(TypeError, match="kind 1 is StringValue"):
        type("Other", (Value,), {"kind": 1})
    with pytest.raises(ValueError, match="unknown kind of value 99"):
        load(99, b"", [])
