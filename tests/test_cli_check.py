"""``respnet check`` on stores that are whole, damaged, missing, in use."""

import json
import subprocess
import sys
import threading

import apsw
import pytest

from respnet.redisproto.store import Store


def respnet(*words):
    command = [sys.executable, "-m", "respnet.cli", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


class Value:
    def __init__(self, id):
        self.id, self.kind, self.generation = id, 1, 0

    def dump(self):
        return b"head", [b"part"]


@pytest.fixture
def folder(tmp_path):
    """A closed store with the keys good and bad."""
    store = Store(tmp_path / "data", "always")
    list(store.open())
    for number, key in enumerate((b"good", b"bad"), 1):
        store.put(0, key, Value(number), None)
    store.end_group()
    done = threading.Event()
    store.save(lambda error: done.set())
    assert done.wait(20)
    store.close()
    return tmp_path / "data"


def damage(folder):
    connection = apsw.Connection(str(folder / "store.db"))
    connection.execute("UPDATE obj SET head = x'00' WHERE key = ?", (b"bad",))
    connection.close()


def test_a_whole_store_verifies(folder):
    done = respnet("check", folder)
    assert done.returncode == 0, done.stderr
    assert "2 keys" in done.stdout and "everything verifies" in done.stdout


def test_damage_is_named_dropped_on_demand_and_then_gone(folder):
    damage(folder)
    done = respnet("check", folder, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1 and not report["ok"]
    assert len(report["bad"]) == 1 and "'bad'" in report["bad"][0]

    dropped = respnet("check", folder, "--drop-bad")
    assert dropped.returncode == 0 and "dropped 1 rows" in dropped.stdout
    assert json.loads(respnet("check", folder, "--json").stdout)["objects"] == 1


def test_no_store_is_one_line_and_code_1(tmp_path):
    done = respnet("check", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("check: ") and done.stderr.count("\n") == 1


def test_a_store_in_use_is_left_alone(tmp_path):
    store = Store(tmp_path / "data", "no")
    list(store.open())
    done = respnet("check", tmp_path / "data")
    store.close()
    assert done.returncode == 1
    assert done.stderr.startswith("check: ")
