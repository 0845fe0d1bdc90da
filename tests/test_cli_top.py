"""``respnet top`` against a real server: what it collects, how it fails."""

import json
import re
import subprocess
import sys

import pytest

from respnet import connect
from respnet.demos import circles


def top(*words):
    command = [sys.executable, "-m", "respnet.cli", "top", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def url(server):
    return f"redis://127.0.0.1:{server.port}"


def network(url, key="rings"):
    client = connect(url)
    net = client.create(key, 2, 20, 3, role="classifier", train_rows=600, test_rows=300)
    net.observe(*circles(900, seed=1))
    return net


def test_one_look_in_json(server, url):
    net = network(url)
    net.train(max_cycles=30)
    done = top(f"127.0.0.1:{server.port}", "--once", "--json")
    assert done.returncode == 0, done.stderr
    state = json.loads(done.stdout)
    assert state["server"]["clients"] >= 1 and state["server"]["memory_bytes"] > 0
    assert state["server"]["requests_per_second"] >= 0
    (found,) = state["networks"]
    assert (found["key"], found["layout"]) == ("rings", [2, 20, 3])
    assert (found["train_rows"], found["test_rows"], found["cycles"]) == (600, 300, 30)
    assert state["trainings"] == []


def test_a_running_training_has_a_curve(url):
    net = network(url)
    net.train(max_time=20, wait=False)
    assert not net.wait(timeout=0.5)
    state = json.loads(top(url, "--once", "--json").stdout)
    (training,) = state["trainings"]
    assert training["key"] == "rings" and training["cycle"] > 0
    assert len(training["curve"]) > 1 and max(training["curve"]) > 0
    table = top(url, "--once").stdout
    net.stop()
    assert "curve" in table and re.search("[▁▂▃▄▅▆▇█]{2}", table)


def test_one_look_as_a_table_shows_keys_as_they_are(url):
    network(url, "[red]x")
    done = top(url, "--once")
    assert done.returncode == 0
    assert "[red]x" in done.stdout and "2-20-3" in done.stdout and "clients" in done.stdout


def test_nobody_there_is_one_line_and_code_1():
    done = top("127.0.0.1:1", "--once")
    assert done.returncode == 1
    assert done.stderr.startswith("top: 127.0.0.1:1: ") and done.stderr.count("\n") == 1
