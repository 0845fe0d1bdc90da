"""Clients of RedisAI as they are, each in an environment of its own; redis-cli.

They are installed by pip, so they run only where RESPNET_CLIENT_TESTS=1. RESPNET_CLIENT_CACHE is a
folder for the environments, to keep them from one run to the next.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from respnet.layers import Dense
from respnet.models import Sequential

FOLDER = Path(__file__).parent / "clients"
# redisai-py 1.3 is of 2022: it calls functions that newer versions of these two have lost.
CLIENTS = {"redisai": ["redisai==1.3.0", "redis<5", "numpy<2"], "smartredis": ["smartredis"],
           "sklearn": ["scikit-learn", "skl2onnx", "redis"]}
pip = pytest.mark.skipif(os.environ.get("RESPNET_CLIENT_TESTS") != "1",
                         reason="RESPNET_CLIENT_TESTS is not 1: clients are not installed")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = os.environ.get("RESPNET_CLIENT_CACHE")
    return Path(folder) if folder else tmp_path_factory.mktemp("clients")


def environment(cache, name):
    """The Python of an environment with a client in it."""
    python = cache / name / "bin" / "python"
    if not (cache / name / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", cache / name], check=True)
        made = subprocess.run([python, "-m", "pip", "install", "-q", *CLIENTS[name]],
                              capture_output=True, text=True)
        if made.returncode:
            pytest.skip(f"pip cannot install {CLIENTS[name]}: {made.stderr[-300:]}")
        (cache / name / "ready").touch()
    return python


@pytest.fixture
def model(tmp_path):
    """A folder with a model and what it says to a row."""
    made = Sequential([Dense(4, activation="tanh", input_shape=(3,)), Dense(2)])
    made.compile(optimizer="sgd", loss="mse")
    row = np.array([[0.5, -1, 2]], np.float32)
    made.export(tmp_path / "model.onnx", format="onnx")
    np.save(tmp_path / "row.npy", row)
    np.save(tmp_path / "wanted.npy", made.predict(row))
    return tmp_path


@pip
@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_as_it_is(server, cache, model, name):
    command = [environment(cache, name), FOLDER / f"with_{name}.py", str(server.port), model]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_redis_cli(server):
    def cli(*words):
        command = ["redis-cli", "-p", str(server.port), *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout

    server.redis().execute_command("NR.CREATE", "net", "REGRESSOR", 3, 4, "->", 2)
    words = ["AI.DAGEXECUTE", "ROUTING", "net", "|>", "AI.TENSORSET", "x", "FLOAT", 1, 3, "VALUES",
             0.5, -1, 2, "|>", "AI.MODELEXECUTE", "net", "INPUTS", 1, "x", "OUTPUTS", 1, "y",
             "|>", "AI.TENSORGET", "y"]
    assert cli(*words, "META").split("\n")[:6] == ["OK", "OK", "dtype", "FLOAT", "shape", "1"]
    assert "ERR INPUT key cannot be found in DAG" in cli(*words[:4], "AI.TENSORGET", "x")
