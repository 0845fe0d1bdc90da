"""``respnet show``: a file, a key of a server, and what is neither."""

import json
import subprocess
import sys

import pytest

from respnet import Network, connect


def show(*words):
    command = [sys.executable, "-m", "respnet.cli", "show", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture
def file(tmp_path):
    Network(2, 5, 3, role="classifier", train_rows=7, seed=11).save(tmp_path / "net")
    return tmp_path / "net"


def test_a_file_says_what_it_holds_and_who_wrote_it(file):
    done = show(file, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["layout"] == [2, 5, 3] and found["parameters"] == 33
    assert found["seed"] == 11 and found["training-dataset-maxlen"] == 7
    assert found["network"].startswith("2 -> dense 5 tanh")
    assert found["written by"].startswith("respnet 0.")


def test_as_text_it_is_a_line_for_each(file):
    lines = show(file).stdout.splitlines()
    assert any(line.split() == ["parameters", "33"] for line in lines)


def test_a_key_of_a_server(server):
    with connect(f"redis://127.0.0.1:{server.port}") as client:
        client.create("k", 2, 5, 1, role="regressor")
    done = show("k", "--server", f"127.0.0.1:{server.port}", "--json")
    assert json.loads(done.stdout)["layout"] == [2, 5, 1]
    missing = show("other", "--server", f"127.0.0.1:{server.port}")
    assert missing.returncode == 1 and "WRONGTYPE" in missing.stderr


def test_what_is_no_network_is_one_line_and_code_1(tmp_path):
    (tmp_path / "junk").write_bytes(b"junk" * 100)
    for what, said in ((tmp_path / "junk", "not a network file"), (tmp_path / "x", "no such file")):
        done = show(what)
        assert done.returncode == 1
        assert said in done.stderr and done.stderr.count("\n") == 1
