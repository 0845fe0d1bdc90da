"""The log stays short, and a full or broken disk is answered, not ignored."""

import contextlib
import os
import shutil
import subprocess
import sys
import time

import apsw
import pytest

from respnet.redisproto import store_compaction, store_upkeep, store_writer
from respnet.redisproto.store import Store, check

WAIT = 20  # seconds until a test gives up


class Value:
    kind, generation = 1, 0

    def __init__(self, id, part=b""):
        self.id, self.part = id, part

    def dump(self):
        return b"", [self.part]


class Owner:
    """Keeps values by id, as the keyspace does."""

    def __init__(self, *values):
        self.values = {value.id: value for value in values}
        self.asked = []

    def compact(self, id):
        self.asked.append(id)
        value = self.values.get(id)
        return value and (0, b"k%d" % id, value, None)


def until(condition, store=None):
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, "did not happen"
        if store:
            store.due_compactions()
            store.end_group()
        time.sleep(0.01)


def opened(path, owner=None, policy="no"):
    store = Store(path, policy)
    return store, {key: (parts, list(frames)) for _, key, *_, parts, frames in store.open(owner)}


def log_some(store, value, total, size=1000):
    for i in range(total // size):
        store.log(value, 1, i.to_bytes(4, "little") * (size // 4))
        if i % 20 == 0:
            store.end_group()
    store.end_group()


@pytest.fixture
def short_log(monkeypatch):
    monkeypatch.setattr(store_compaction, "LOG_FLOOR", 40_000)
    monkeypatch.setattr(store_compaction, "SWEEP_FLOOR", 100_000)
    monkeypatch.setattr(store_compaction, "TALLY_BYTES", 1000)


def test_a_value_with_a_long_log_is_dumped_again_and_the_log_shrinks(tmp_path, short_log):
    busy, quiet = Value(1), Value(2)
    owner = Owner(busy, quiet)
    store, _ = opened(tmp_path / "s", owner)
    for value in busy, quiet:
        store.put(0, b"k%d" % value.id, value)
    store.log(quiet, 9, b"kept")
    log_some(store, busy, 400_000)
    until(lambda: owner.asked, store)
    assert owner.asked == [1]
    log_some(store, busy, 3000)
    until(lambda: store.info()["log_bytes"] < 100_000)
    store.close()
    store, found = opened(tmp_path / "s")
    store.close()
    assert found[b"k2"] == ([b""], [(9, b"kept")])
    assert len(found[b"k1"][1]) < 100
    assert check(tmp_path / "s").ok


def test_a_large_base_may_have_a_long_log(tmp_path, short_log):
    value = Value(1, b"w" * 300_000)
    owner = Owner(value)
    store, _ = opened(tmp_path / "s", owner)
    store.put(0, b"k1", value)
    log_some(store, value, 200_000)
    until(lambda: store.committed == store.ticket)
    assert owner.asked == [] and store._writer.compaction.due == []
    log_some(store, value, 150_000)
    until(lambda: owner.asked == [1], store)
    store.close()


def test_effects_of_deleted_values_are_swept(tmp_path, short_log):
    store, _ = opened(tmp_path / "s")
    for id in range(1, 9):
        store.put(0, b"k", value := Value(id))
        log_some(store, value, 30_000)
    until(lambda: store.info()["log_bytes"] < 130_000)
    store.close()
    store, found = opened(tmp_path / "s")
    store.close()
    assert len(found[b"k"][1]) == 30


def test_a_flushed_log_counts_no_more(tmp_path):
    store, _ = opened(tmp_path / "s")
    store.put(0, b"k", value := Value(1))
    log_some(store, value, 30_000)
    until(lambda: store.committed == store.ticket)
    store.flush()
    store.put(0, b"k", value)
    store.log(value, 1, b"x" * 83)
    store.end_group()
    until(lambda: store.committed == store.ticket)
    assert store.info()["log_bytes"] == 100
    store.close()


def test_a_limit_on_pages_refuses_and_recovers(tmp_path):
    """SQLite's own "disk full", by a page limit: the group stays, and goes through later."""
    store, _ = opened(tmp_path / "s", policy="always")
    store.put(0, b"k1", Value(1))
    store.end_group()
    until(lambda: store.committed == 1)
    limit = store._writer.call
    limit(lambda: store._connection.execute("PRAGMA max_page_count=60").fetchall())
    store.put(0, b"k2", Value(2, os.urandom(500_000)))
    store.put(0, b"k3", Value(3))
    store.end_group()
    until(lambda: store.failed)
    assert "full" in store.failed and store.committed == 1
    assert store.info()["status"] == "err"
    errors = []
    store.save(errors.append)
    until(lambda: errors)
    assert "full" in errors[0]
    limit(lambda: store._connection.execute("PRAGMA max_page_count=100000").fetchall())
    until(lambda: store.failed is None)
    assert store.committed == 2
    store.close()
    store, found = opened(tmp_path / "s")
    store.close()
    assert set(found) == {b"k1", b"k2", b"k3"}


@pytest.fixture
def small_disk(tmp_path):
    """A 4 MiB file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(mount).returncode:
        pytest.skip("mounting a tmpfs needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_refuses_and_recovers(small_disk):
    store, _ = opened(small_disk / "s", policy="always")
    ballast = small_disk / "ballast"
    value = Value(1)
    store.put(0, b"k1", value)
    store.end_group()
    until(lambda: store.committed == store.ticket)
    with contextlib.suppress(OSError):  # it takes what there is
        ballast.write_bytes(bytes(4 << 20))
    log_some(store, value, 500_000)
    until(lambda: store.failed)
    acknowledged = store.committed
    assert acknowledged < store.ticket
    ballast.unlink()
    started = time.monotonic()
    until(lambda: store.committed == store.ticket)
    assert store.failed is None and time.monotonic() - started < WAIT
    store.close()
    store, found = opened(small_disk / "s")
    store.close()
    assert len(found[b"k1"][1]) == 500


class FullOnce(apsw.VFS):
    """The n-th write finds the disk full, the others do not."""

    def __init__(self):
        super().__init__("full-once", "")
        self.writes = self.fail_at = 0

    def xOpen(self, name, flags):
        return FullOnceFile(self, name, flags)


class FullOnceFile(apsw.VFSFile):
    def __init__(self, disk, name, flags):
        super().__init__("", name, flags)
        self.disk = disk

    def xWrite(self, data, offset):
        self.disk.writes += 1
        if self.disk.writes == self.disk.fail_at:
            raise apsw.FullError("no space")
        super().xWrite(data, offset)


def run_on(disk, path, fail_at):
    """A few groups on that disk; returns the number of writes between open and close."""
    store = Store(path, "always", vfs="full-once")
    list(store.open())
    value = Value(1, b"p" * 3000)
    disk.writes, disk.fail_at = 0, fail_at
    for i in range(6):
        store.put(0, b"k1", value)
        store.log(value, 1, b"%d" % i)
        store.end_group()
        until(lambda: store.committed == store.ticket)
        store.log(value, 1, b"%d" % i)
        store.end_group()
        until(lambda: store.committed == store.ticket)
    writes = disk.writes
    disk.fail_at = 0
    store.close()
    return writes


def test_the_disk_is_full_at_any_write(tmp_path, monkeypatch):
    monkeypatch.setattr(store_writer, "RETRY_SECONDS", 0.001)
    monkeypatch.setattr(store_upkeep, "CHECKPOINT_PAGES", 20)
    monkeypatch.setattr(store_upkeep, "CHECKPOINT_SECONDS", 0.0)
    fail_at, writes = 1, 1
    while fail_at <= writes:
        disk, path = FullOnce(), tmp_path / str(fail_at)
        writes = run_on(disk, path, fail_at)
        disk.unregister()
        store, found = opened(path)
        store.close()
        assert found == {b"k1": ([b"p" * 3000], [(1, b"5"), (1, b"5")])}
        fail_at += 7
    assert writes > 50


BROKEN_DISK = """
import sys, apsw
from pathlib import Path
from respnet.redisproto.store import Store

class Disk(apsw.VFS):
    def __init__(self):
        super().__init__("broken", "")
    def xOpen(self, name, flags):
        return File("", name, flags)

class File(apsw.VFSFile):
    broken = False
    def fail(self, result):
        error = apsw.IOError("broken disk")
        error.extendedresult = result
        raise error
    def xWrite(self, data, offset):
        if File.broken == "write":
            self.fail(apsw.SQLITE_IOERR_WRITE)
        super().xWrite(data, offset)
    def xSync(self, flags):
        if File.broken == "sync":
            self.fail(apsw.SQLITE_IOERR_FSYNC)
        super().xSync(flags)

disk = Disk()
store = Store(Path(sys.argv[1]), "always", vfs="broken")
list(store.open())
store.effects.add(1, 1, 0, b"x")
store.end_group()
while store.committed < 1:
    pass
print("acknowledged", store.committed, flush=True)
File.broken = sys.argv[2]
store.effects.add(1, 1, 0, b"y")
store.end_group()
while store.committed < 2:
    pass
print("acknowledged", store.committed, flush=True)
"""


@pytest.mark.parametrize("operation", ["write", "sync"])
def test_a_broken_disk_ends_the_process(tmp_path, operation):
    command = [sys.executable, "-c", BROKEN_DISK, str(tmp_path / "s"), operation]
    process = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert process.returncode == 74
    assert process.stdout == "acknowledged 1\n"
    assert "IOError" in process.stderr
    assert check(tmp_path / "s").ok
