"""Each example runs as a user runs it, in process and through a server, and learns its task."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_examples_ai import NAMES as AI
from test_examples_keras import NAMES as KERAS

from respnet.cli_embed import embedded

pytest.importorskip("redis")
FOLDER = Path(__file__).resolve().parents[1] / "examples"
# example -> least accuracy, or (below 0) the largest mean absolute error
LEAST = {"circles": 0.95, "iris": 0.88, "addition": -0.3, "subtraction": -0.3}
IN_PROCESS = ["circles", "iris", "subtraction"]


def run(name, *words):
    if name == "iris":
        pytest.importorskip("sklearn")
    done = subprocess.run(
        [sys.executable, FOLDER / f"{name}.py", *words], capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_result(name, output):
    figure = float(re.search(r"(?:accuracy|error) (\d\.\d+) on", output)[1])
    assert figure >= LEAST[name] if LEAST[name] > 0 else figure <= -LEAST[name], output


@pytest.mark.parametrize("name", IN_PROCESS)
def test_in_process(name):
    check_result(name, run(name))


@pytest.mark.parametrize("name", LEAST)
def test_through_a_server(name):
    with embedded() as url:
        check_result(name, run(name, url))


def test_every_example_is_tested():
    assert {p.stem for p in FOLDER.glob("*.py")} == set(LEAST) | KERAS | AI
