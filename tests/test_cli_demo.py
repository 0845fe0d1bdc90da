"""``respnet demo``: runs to its end, shows what it promises, and says how good the network is."""

import re
import subprocess
import sys

import pytest

from respnet.demos import DEMOS


def demo(*words):
    command = [sys.executable, "-m", "respnet.cli", "demo", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=90)


def test_circles_draws_its_map_and_is_accurate():
    done = demo("circles")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    plane = [line for line in lines if re.fullmatch("[.o#]{48}", line)]
    assert len(plane) == 24
    middle = plane[12]
    assert middle[24] == "." and middle[14] == middle[34] == "o" and middle[2] == middle[45] == "#"
    accuracy = float(re.search(r"held-out accuracy ([\d.]+) %", done.stdout)[1])
    assert accuracy > 95
    assert len([line for line in lines if line.startswith("cycle")]) > 3


@pytest.mark.parametrize("name", ["iris", "add"])
def test_the_others_end_well(name):
    if name == "iris":
        pytest.importorskip("sklearn")
    done = demo(name, "--quiet")
    assert done.returncode == 0, done.stderr
    figure = float(re.search(r"([\d.]+) (?:%|of)", done.stdout)[1])
    assert figure > 85 if name == "iris" else figure < 0.5
    assert done.stdout.count("\n") == 1


def test_list_names_them_all():
    done = demo("--list")
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(DEMOS)


@pytest.mark.parametrize("name", DEMOS)
def test_rows_are_split_without_overlap_and_follow_the_seed(name):
    if name == "iris":
        pytest.importorskip("sklearn")
    demo = DEMOS[name]
    (x, y), (held_x, held_y) = demo.split(1)
    assert len(x) == demo.train_rows + demo.test_rows == len(y)
    assert len(held_x) == len(held_y) > 40
    assert (demo.split(1)[0][0] == x).all() and (demo.split(2)[0][0] != x).any()
