"""Whatever is done to a store, opening it again gives what a dict would hold."""

import threading

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respnet.redisproto.store import Store, StoreError, check

KEYS = st.sampled_from([b"", b"a", b"b\x00\r\n", b"\xff" * 40])
DBS = st.integers(0, 2)
SIZES = st.sampled_from([0, 1, 70_000, (1 << 20) + 7, 1 << 20])


class Value:
    """A stand-in for a network: a head, parts, and effects since the dump."""

    def __init__(self, id, head=b"", parts=(), generation=0, kind=1):
        self.id, self.head, self.parts = id, head, list(parts)
        self.generation, self.kind, self.frames = generation, kind, []

    def dump(self):
        # the dump holds the effects so far, as a real one does
        flat = b"".join(b"%d:%b;" % frame for frame in self.frames)
        return self.head + flat, list(self.parts)


def opened(path, policy="no", **options):
    """(store, {(db, key): (kind, id, generation, expire_ms, head, parts, frames)})."""
    store = Store(path, policy, **options)
    found = {(db, key): (*rest, list(frames)) for db, key, *rest, frames in store.open()}
    return store, found


def settle(store):
    store.end_group()
    done = threading.Event()
    store.save(lambda error: done.set())
    assert done.wait(20)


class Model:
    """Does the same to a dict and to a store."""

    def __init__(self, store):
        self.store, self.keys, self.ids = store, {}, store.next_id

    def put(self, db, key, head, parts):
        value = Value(self.ids, head, parts)
        self.ids += 1
        self._put(db, key, value, None)

    def redump(self, db, key):
        if (db, key) in self.keys:
            value, _, _, _, expire = self.keys[db, key]
            self._put(db, key, value, expire)

    def _put(self, db, key, value, expire):
        self.store.put(db, key, value, expire)
        self.keys[db, key] = [value, *value.dump(), [], expire]

    def log(self, db, key, type, payload):
        if (db, key) in self.keys:
            value, _, _, frames, _ = self.keys[db, key]
            self.store.log(value, type, payload)
            value.frames.append((type, payload))
            frames.append((type, payload))

    def delete(self, db, key):
        self.store.delete(db, key)
        self.keys.pop((db, key), None)

    def rename(self, db, a, b):
        if (db, a) in self.keys:
            self.store.rename(db, a, b)
            self.keys[db, b] = self.keys.pop((db, a))

    def expire(self, db, key, ms):
        self.store.expire(db, key, ms)
        if (db, key) in self.keys:
            self.keys[db, key][4] = ms

    def flush(self, db):
        self.store.flush(db)
        self.keys = {} if db is None else {k: v for k, v in self.keys.items() if k[0] != db}

    def swapdb(self, a, b):
        self.store.swapdb(a, b)
        turn = {a: b, b: a}
        self.keys = {(turn.get(db, db), key): v for (db, key), v in self.keys.items()}

    def end(self):
        self.store.end_group()

    def wanted(self):
        return {
            place: (v.kind, v.id, v.generation, expire, head, parts, frames)
            for place, (v, head, parts, frames, expire) in self.keys.items()
        }


STEPS = st.one_of(
    st.tuples(st.just("put"), DBS, KEYS, SIZES, st.lists(SIZES, max_size=2)),
    st.tuples(st.just("log"), DBS, KEYS, st.integers(1, 255), st.binary(max_size=40)),
    st.tuples(st.just("redump"), DBS, KEYS),
    st.tuples(st.just("delete"), DBS, KEYS),
    st.tuples(st.just("rename"), DBS, KEYS, KEYS),
    st.tuples(st.just("expire"), DBS, KEYS, st.none() | st.integers(1, 1 << 42)),
    st.tuples(st.just("flush"), st.none() | DBS),
    st.tuples(st.just("swapdb"), DBS, DBS),
    st.tuples(st.just("end")),
)


def run(model, steps):
    for name, *arguments in steps:
        if name == "put":
            db, key, head, parts = arguments
            arguments = db, key, bytes([head % 251]) * head, [b"p" * size for size in parts]
        getattr(model, name)(*arguments)


@settings(max_examples=40, deadline=None)
@given(st.lists(STEPS, max_size=25), st.lists(STEPS, max_size=10))
def test_reopened_store_equals_the_model(tmp_path_factory, first, second):
    path = tmp_path_factory.mktemp("store") / "s"
    store, found = opened(path)
    model = Model(store)
    assert found == {}
    run(model, first)
    store.close()
    store, found = opened(path)
    assert store.clean
    assert found == model.wanted()
    model.store = store
    run(model, second)
    store.close()
    store, found = opened(path)
    store.close()
    assert found == model.wanted()
    assert check(path).ok


def test_effects_before_a_dump_are_not_applied_again(tmp_path):
    store, _ = opened(tmp_path / "s")
    value = Value(7)
    store.put(0, b"k", value)
    store.log(value, 3, b"one")
    value.frames.append((3, b"one"))
    store.put(0, b"k", value)
    store.log(value, 4, b"two")
    store.close()
    store, found = opened(tmp_path / "s")
    store.close()
    assert found[0, b"k"] == (1, 7, 0, None, b"3:one;", [], [(4, b"two")])


def test_effects_of_another_generation_and_of_gone_values_are_dropped(tmp_path):
    store, _ = opened(tmp_path / "s")
    old, gone = Value(1, generation=4), Value(2)
    store.put(0, b"k", old)
    store.put(0, b"g", gone)
    store.log(Value(1, generation=3), 1, b"stale")
    store.log(gone, 1, b"lost")
    store.delete(0, b"g")
    store.log(old, 1, b"kept")
    store.close()
    store, found = opened(tmp_path / "s")
    store.close()
    assert found == {(0, b"k"): (1, 1, 4, None, b"", [], [(1, b"kept")])}
    assert store.next_id == 2


def test_replies_wait_for_their_group(tmp_path):
    woken = threading.Event()
    store, _ = opened(tmp_path / "s", "always", wake=woken.set)
    assert store.ticket == store.committed == 0
    store.put(0, b"k", Value(1))
    assert store.ticket == 1
    store.delete(0, b"x")
    assert store.ticket == 1 and store.committed == 0
    store.end_group()
    store.end_group()
    assert woken.wait(10)
    assert store.committed == 1
    store.close()


def test_policy_off_never_waits(tmp_path):
    store, _ = opened(tmp_path / "s", "off")
    store.put(0, b"k", Value(1))
    assert store.committed >= store.ticket
    store.set_policy("everysec")
    store.close()
    assert store.committed == store.ticket == 1


def test_folder_and_file_modes(tmp_path):
    store, _ = opened(tmp_path / "deep" / "s")
    store.put(0, b"k", Value(1))
    settle(store)
    modes = {p.name: p.stat().st_mode & 0o777 for p in (tmp_path / "deep" / "s").iterdir()}
    assert (tmp_path / "deep" / "s").stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0o600} and "store.db" in modes
    store.close()


def test_second_opener_is_refused(tmp_path):
    store, _ = opened(tmp_path / "s")
    with pytest.raises(StoreError, match="in use by process"):
        opened(tmp_path / "s")
    with pytest.raises(StoreError, match="in use by process"):
        check(tmp_path / "s")
    store.close()
    opened(tmp_path / "s")[0].close()


def test_an_opening_given_up_releases_the_folder(tmp_path):
    store, _ = opened(tmp_path / "s")
    store.put(0, b"k", Value(1))
    store.close()
    half = Store(tmp_path / "s", "no")
    values = half.open()
    next(values)
    assert half.info()["status"] == "ok"
    values.close()
    half.close()
    opened(tmp_path / "s")[0].close()


def test_a_folder_with_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(StoreError, match="holds 'thesis.tex'"):
        opened(tmp_path)


def test_a_foreign_or_newer_file_is_refused(tmp_path):
    for pragma, message in [
        ("user_version=99", "format 99"),
        ("application_id=5", "not a respnet"),
    ]:
        path = tmp_path / pragma
        opened(path)[0].close()
        connection = apsw.Connection(str(path / "store.db"))
        connection.execute("PRAGMA " + pragma)
        connection.close()
        with pytest.raises(StoreError, match=message):
            opened(path)


def test_backup_is_a_store(tmp_path):
    store, _ = opened(tmp_path / "s")
    model = Model(store)
    model.put(0, b"k", b"head", [b"x" * 3_000_000])
    model.log(0, b"k", 9, b"effect")
    errors = []
    done = threading.Event()
    (tmp_path / "b").mkdir()
    store.backup(tmp_path / "b" / "store.db", lambda error: (errors.append(error), done.set()))
    model.put(0, b"later", b"", [])
    assert done.wait(20) and errors == [None]
    store.close()
    store, found = opened(tmp_path / "b")
    store.close()
    found.pop((0, b"later"), None)
    assert found == {(0, b"k"): model.wanted()[0, b"k"]}
